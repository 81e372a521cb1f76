import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs one of the programs in this directory on the sources of the packages. */
export function startChild(program: string, args: readonly string[]): ChildProcess {
  return spawn(
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
}

/** Resolves when the child has written its first output. */
export async function firstOutput(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the child ended early with ${code}`)));
  });
}

/** Resolves to the exit status, or the signal that ended the child. */
export async function ending(child: ChildProcess): Promise<number | string> {
  if (child.exitCode !== null) return child.exitCode;
  if (child.signalCode !== null) return child.signalCode;
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
}
