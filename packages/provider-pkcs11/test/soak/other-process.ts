import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SoakToken } from './soak-token.ts';

/** Another process on the same token. */
export interface OtherProcess {
  logIn(): Promise<boolean>;
  /** Has it make a key, sign with it and destroy it. @returns whether the signature was right */
  makeUseAndDestroy(): Promise<boolean>;
  logOut(): Promise<boolean>;
  /** Resolves when it has ended in good order. */
  stop(): Promise<void>;
}

export async function startOtherProcess({ uriForOthers, pin }: SoakToken): Promise<OtherProcess> {
  const program = fileURLToPath(new URL('../children/work-on-request.ts', import.meta.url));
  const options = ['--conditions=@countersign/source', '--experimental-strip-types', '--no-warnings'];
  const child = spawn(process.execPath, [...options, program, uriForOthers, pin], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function answer(): Promise<string> {
    const { done, value } = await lines.next();
    if (done === true) throw new Error('the other process ended before its time');
    return value;
  }

  async function ask(line: string): Promise<boolean> {
    child.stdin.write(`${line}\n`);
    return (await answer()) === 'right';
  }

  await answer();
  return {
    logIn: async () => ask('in'),
    makeUseAndDestroy: async () => ask('work'),
    logOut: async () => ask('out'),
    async stop() {
      child.stdin.end();
      await exited;
      if (child.exitCode !== 0) throw new Error(`the other process ended with status ${child.exitCode}`);
    },
  };
}
