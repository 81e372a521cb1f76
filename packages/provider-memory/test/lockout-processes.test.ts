import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryProvider } from '@countersign/provider-memory';
import { expect, test } from 'vitest';
import { ending, startChild } from './children/start-child.ts';
import { openProtected, quickProvider, utf8 } from './quick-provider.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test('guesses from many processes at once are never more than the maximum', async () => {
  const storeDirectory = await temporaryDirectory();
  const provider = await quickProvider({ storeDirectory });
  const { ref } = await provider.generate({ algorithm: 'p256', pin: utf8('right pin') });
  const children = Array.from({ length: 8 }, () =>
    startChild('guess.ts', [storeDirectory, ref, 'wrong pin', '8']),
  );
  const lines = (await Promise.all(children.map(outputOf))).flat();
  expect(lines).toHaveLength(64);
  expect(lines.filter((code) => code === 'PIN_INCORRECT')).toHaveLength(32);
  expect(lines.filter((code) => code === 'PIN_LOCKED')).toHaveLength(32);
});

test('guesses at once within one process are never more than the maximum', async () => {
  const provider = await quickProvider();
  const { ref } = await provider.generate({ algorithm: 'p256', pin: utf8('right pin') });
  const key = await openProtected(provider, ref);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, async () => key.unlock(utf8('wrong pin'))),
  );
  const codes = outcomes.map((outcome) =>
    outcome.status === 'rejected' && outcome.reason instanceof Error && 'code' in outcome.reason
      ? outcome.reason.code
      : 'unlocked',
  );
  expect(codes.filter((code) => code === 'PIN_INCORRECT')).toHaveLength(32);
  expect(codes.filter((code) => code === 'PIN_LOCKED')).toHaveLength(18);
});

test('a process killed in the middle of a try has used it', async () => {
  const storeDirectory = await temporaryDirectory();
  // The full cost, so that there is time to kill it.
  const provider = await createMemoryProvider({ storeDirectory });
  const { ref } = await provider.generate({ algorithm: 'p256', pin: utf8('right pin') });
  for (let kills = 1; kills <= 2; kills += 1) {
    const child = startChild('guess.ts', [storeDirectory, ref, 'right pin', '1']);
    await failuresReach(storeDirectory, kills);
    child.kill('SIGKILL');
    expect(await ending(child)).toBe('SIGKILL');
    const key = await openProtected(provider, ref);
    expect(await key.retriesLeft()).toBe(32 - kills);
  }
  const child = startChild('guess.ts', [storeDirectory, ref, 'right pin', '1']);
  expect(await outputOf(child)).toEqual(['unlocked']);
  expect(await (await openProtected(provider, ref)).retriesLeft()).toBe(30);
});

async function outputOf(child: ChildProcess): Promise<readonly string[]> {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => {
    child.once('close', resolve);
  });
  return text.trim().split('\n');
}

async function failuresReach(storeDirectory: string, failures: number): Promise<void> {
  for (;;) {
    const text = await readFile(join(storeDirectory, 'lockout.json'), 'utf8').catch(() => '');
    if (text.includes(`"failures":${failures},`)) return;
    await sleep(2);
  }
}
