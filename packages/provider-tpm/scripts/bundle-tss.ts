// Puts tss.js into the built door to it, dist/structures/tss.js: a package that depends on tss.js cannot be installed,
// because ffi-napi, which tss.js wants for Windows alone, does not compile on a current Node.
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const home = join(dirname(fileURLToPath(import.meta.url)), '..');
const tss = dirname(createRequire(import.meta.url).resolve('tss.js/package.json'));
const built = join(home, 'dist', 'structures', 'tss.js');

/** `new Buffer` warns, and leaves it to the argument's type what it does. */
const rewriteBuffers: Plugin = {
  name: 'rewrite-buffers',
  setup(bundle) {
    bundle.onLoad({ filter: /tss\.js[/\\]lib[/\\][A-Za-z]+\.js$/ }, async ({ path }) => ({
      contents:
        (await readFile(path, 'utf8')).replaceAll('new Buffer(', 'bufferOf(') +
        "\nfunction bufferOf(from) { return typeof from === 'number' ? Buffer.alloc(from) : Buffer.from(from); }\n",
    }));
  },
};

const { outputFiles, metafile } = await build({
  entryPoints: [join(home, 'src', 'structures', 'tss.ts')],
  bundle: true,
  write: false,
  metafile: true,
  outfile: built,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  plugins: [rewriteBuffers],
  banner: {
    js: "// Contains parts of tss.js 2.0.0, (c) Microsoft Corporation, MIT licence: see tss.LICENSE.txt beside this file.\nimport { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
});

const text = outputFiles[0]?.text ?? '';
const native = Object.keys(metafile.inputs).filter((path) => /ffi-napi|ref-/.test(path));
if (text === '' || text.includes('new Buffer(') || native.length > 0) {
  throw new Error(
    `the bundle of tss.js is not what it should be: empty, or with new Buffer, or with ${native.join(', ')}`,
  );
}
await writeFile(built, text);
await rm(`${built}.map`, { force: true });
await copyFile(join(tss, 'LICENSE'), join(dirname(built), 'tss.LICENSE.txt'));
