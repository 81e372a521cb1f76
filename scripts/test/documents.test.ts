import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Certificate } from '@countersign/core';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = await readFile(join(root, 'README.md'), 'utf8');

describe('the embedding example of the README', () => {
  const example = /```ts\n(?<code>[\s\S]*?)```/u.exec(readme)?.groups?.['code'] ?? '';

  it('has under 25 lines', () => {
    expect(example.trimEnd().split('\n').length).toBeLessThan(25);
    expect(example).toContain('putCertificate');
  });

  it('runs as it stands and leaves the certificate beside its key', async () => {
    const look = `process.stdout.write(Buffer.from(await keys.getCertificate(key.ref)).toString('hex'));`;
    const der = Buffer.from(await runInEmptyProject(`${example}\n${look}\n`), 'hex');
    const certificate = Certificate.parse(der);
    expect(certificate.subject.toString()).toBe('CN=Alice,OU=Users,DC=contoso,DC=test');
  });
});

describe('the table of packages in the README', () => {
  it('lists every package of the workspace and no other', async () => {
    const listed = [...readme.matchAll(/^\| \[`@countersign\/(?<name>[a-z0-9-]+)`\]/gmu)];
    const folders = await readdir(join(root, 'packages'));
    expect(new Set(listed.map((match) => match.groups?.['name']))).toEqual(new Set(folders));
  });
});

describe('links between the documents', async () => {
  const packages = await readdir(join(root, 'packages'));
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...packages.map((name) => `packages/${name}/README.md`),
  ];
  it.each(documents)('of %s lead somewhere', async (document) => {
    const text = await readFile(join(root, document), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/gu)) {
      await expect(
        access(join(root, dirname(document), target)),
        `${document} links to ${target}`,
      ).resolves.toBe(undefined);
    }
  });
});

/** Runs a module as a project outside the workspace would that has the packages installed. Resolves with its stdout. */
async function runInEmptyProject(code: string): Promise<string> {
  const project = await mkdtemp(join(tmpdir(), 'countersign-embedding-'));
  try {
    await symlink(join(root, 'node_modules'), join(project, 'node_modules'));
    await writeFile(join(project, 'example.ts'), code);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--conditions=@countersign/source', 'example.ts'],
      { cwd: project },
    );
    return stdout;
  } finally {
    await rm(project, { recursive: true, force: true });
  }
}
