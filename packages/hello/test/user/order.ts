import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** How often the tests of this kind kill. */
export const kills = Number(process.env['COUNTERSIGN_KILLS'] ?? 15);

export type Submit = (request: Uint8Array, replaces: Uint8Array) => Promise<Uint8Array>;

/**
 * Runs an order in a process of its own, and kills that at some moment of its work.
 * @param killAfterMs counted from when its work begins
 * @returns exit status, or `SIGKILL`
 */
export async function runOrder(
  args: readonly string[],
  killAfterMs: number,
  submit?: Submit,
): Promise<number | string> {
  const child = fork(fileURLToPath(new URL('follow-orders.ts', import.meta.url)), [...args], {
    execArgv: ['--conditions=@countersign/source', '--experimental-strip-types', '--no-warnings'],
    serialization: 'advanced',
  });
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  const begun = new Promise<void>((resolve) => {
    child.on('message', (message: unknown) => {
      if (!isMessage(message)) return;
      if (message.kind === 'ready') resolve();
      else if (submit !== undefined) void answer(message, submit);
    });
  });
  const answer = async (asked: Submission, work: Submit): Promise<void> => {
    const answered = await work(asked.request, asked.replaces).catch((error: unknown) => String(error));
    // A child that was killed meanwhile does not hear it: its answer is lost.
    if (child.connected) child.send(answered, () => undefined);
  };
  await Promise.race([begun, ended]);
  await Promise.race([sleep(killAfterMs), ended]);
  child.kill('SIGKILL');
  return ended;
}

interface Submission {
  readonly kind: 'submit';
  readonly request: Uint8Array;
  readonly replaces: Uint8Array;
}

function isMessage(message: unknown): message is { readonly kind: 'ready' } | Submission {
  return typeof message === 'object' && message !== null && 'kind' in message;
}
