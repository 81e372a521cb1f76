import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly process: ChildProcess;
  /** What it has written so far, line by line. */
  readonly lines: readonly string[];
  /** Resolves to the exit status or the signal that ended it, when all its output has been read. */
  readonly ended: Promise<number | string>;
}

/** Runs one of the programs in this directory on the sources of the packages. */
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
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  return { process: child, lines, ended };
}
