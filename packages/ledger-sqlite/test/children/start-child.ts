import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly process: ChildProcess;
  /** Resolves when the child wrote its first line. */
  readonly started: Promise<void>;
  /** Everything the child wrote, in lines, once it has ended; and how it ended. */
  readonly ended: Promise<{ readonly lines: readonly string[]; readonly ending: number | string }>;
}

/** Runs one of the programs in this folder on the sources of the packages. */
export function startChild(program: string, args: readonly string[]): Child {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@countersign/source',
      '--experimental-strip-types',
      '--no-warnings',
      fileURLToPath(new URL(program, import.meta.url)),
      ...args,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<{ lines: readonly string[]; ending: number | string }>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    started.resolve();
  });
  child.on('close', (code, signal) => {
    started.resolve();
    ended.resolve({
      lines: output.split('\n').filter((line) => line !== ''),
      ending: code ?? signal ?? 'unknown',
    });
  });
  return { process: child, started: started.promise, ended: ended.promise };
}
