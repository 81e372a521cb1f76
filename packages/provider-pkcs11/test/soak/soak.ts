import { randomBytes } from 'node:crypto';
import { createPkcs11Provider, type Pkcs11Provider, type TokenKey } from '@countersign/provider-pkcs11';
import type { SignatureScheme } from '@countersign/core';
import { verifies } from '../verifies.ts';
import { unlessLoggedOut } from './logged-out.ts';
import { startOtherProcess } from './other-process.ts';
import type { SoakToken } from './soak-token.ts';
import { Turns } from './turns.ts';

/** What came of a soak. */
export interface SoakSummary {
  readonly signatures: number;
  readonly wrong: number;
  /** By another application in this process; after every second one it logs in again. */
  readonly logouts: number;
  /** Lost logins that were answered with the PIN. */
  readonly relogins: number;
  /** Made, used and destroyed meanwhile. */
  readonly keysMade: number;
  readonly keysMadeByOtherProcess: number;
  readonly garbageCollections: number;
  readonly rssAtTenthMiB: number;
  readonly rssAtEndMiB: number;
  readonly mostSessions: number;
  readonly sessionsLeft: number;
  readonly objectsLeft: number;
  readonly objectsExpected: number;
  readonly seconds: number;
}

export const maxSessions = 8;
const signersAtOnce = 16;
const signaturesPerCollection = 200;
const signaturesPerLogout = 250;

/**
 * Signs with keys of both kinds in many sessions at once, while memory is collected, others log out and in, and keys come and
 * go. A lost login is answered with the PIN; any other refusal ends the soak.
 */
export async function soak(token: SoakToken, signatures: number, collect: () => void): Promise<SoakSummary> {
  const startedAtMs = performance.now();
  const { shim, neighbour } = token;
  const pin = Buffer.from(token.pin);
  const turns = new Turns();
  const provider = await createPkcs11Provider({ uri: token.uri, maxSessions });
  const kept = await makeKeys(provider, pin);
  const other = await startOtherProcess(token);
  const count = {
    begun: 0,
    signatures: 0,
    wrong: 0,
    logouts: 0,
    relogins: 0,
    keysMade: 0,
    keysMadeByOtherProcess: 0,
    garbageCollections: 0,
  };
  let rssAtTenthMiB = 0;

  async function signOnce({ key, scheme }: KeyInUse): Promise<void> {
    const original = randomBytes(1 + (count.begun % 300));
    const signature = await unlessLoggedOut(
      async () =>
        turns.sign(async () => {
          const message = Uint8Array.from(original);
          const signing = key.sign(scheme, message);
          message.fill(0);
          return signing;
        }),
      async () => {
        count.relogins += 1;
        await turns.change(async () => key.unlock(pin));
      },
    );
    if (!verifies(scheme, key.publicKey, original, signature)) count.wrong += 1;
  }

  async function sign(): Promise<void> {
    while (count.begun < signatures) {
      count.begun += 1;
      await signOnce(kept[count.begun % kept.length] ?? noKey());
      count.signatures += 1;
      const done = count.signatures;
      if (done % signaturesPerCollection === 0) {
        collect();
        count.garbageCollections += 1;
      }
      if (done === Math.ceil(signatures / 10)) rssAtTenthMiB = rssMiB();
      if (done % Math.ceil(signatures / 20) === 0) {
        process.stderr.write(`${done} of ${signatures} signatures, ${rssMiB()} MiB\n`);
      }
      if (done % signaturesPerLogout === 0) await turns.change(logOut);
    }
  }

  function logOut(): void {
    neighbour.logIn();
    neighbour.logOut();
    count.logouts += 1;
    if (count.logouts % 2 === 0) neighbour.logIn();
  }

  async function makeUseAndDestroyKeys(): Promise<void> {
    while (count.begun < signatures) {
      const use = count.keysMade % 16 === 15 ? rsaUse : ecUse;
      const { algorithm } = use;
      const key = await turns.change(async () => provider.generate({ algorithm, label: 'passing', pin }));
      await signOnce({ key, ...use });
      await unlessLoggedOut(
        async () => turns.change(async () => provider.destroy(key.ref)),
        async () => turns.change(async () => key.unlock(pin)),
      );
      count.keysMade += 1;
    }
  }

  async function keepOtherProcessBusy(): Promise<void> {
    while (count.begun < signatures) {
      await turns.change(async () => {
        await turns.alone(async () => other.logIn());
        if (!(await other.makeUseAndDestroy())) count.wrong += 1;
        await other.logOut();
      });
      count.keysMadeByOtherProcess += 1;
    }
  }

  function rssMiB(): number {
    collect();
    return Math.round(process.memoryUsage.rss() / 2 ** 20);
  }

  try {
    await Promise.all([
      makeUseAndDestroyKeys(),
      keepOtherProcessBusy(),
      ...Array.from({ length: signersAtOnce }, sign),
    ]);
  } finally {
    await other.stop();
  }
  const rssAtEndMiB = rssMiB();
  const objectsLeft = neighbour.objects().length;
  await provider.close();
  const { begun: _, ...counted } = count;
  return {
    ...counted,
    rssAtTenthMiB,
    rssAtEndMiB,
    mostSessions: shim.mostSessions,
    sessionsLeft: shim.sessions,
    objectsLeft,
    // A private and a public one each.
    objectsExpected: 2 * new Set(kept.map(({ key }) => key)).size,
    seconds: Math.round((performance.now() - startedAtMs) / 1000),
  };
}

interface KeyInUse {
  readonly key: TokenKey;
  readonly scheme: SignatureScheme;
}

const ecUse = { algorithm: 'p256', scheme: 'ecdsa-sha256' } as const;
const rsaUse = { algorithm: 'rsa2048', scheme: 'rsa-pkcs1-sha256' } as const;

/** As many signatures by RSA as by ECDSA. */
async function makeKeys(provider: Pkcs11Provider, pin: Uint8Array): Promise<readonly KeyInUse[]> {
  const rsa = await provider.generate({ algorithm: 'rsa2048', label: 'kept rsa', pin });
  const first = await provider.generate({ algorithm: 'p256', label: 'kept first', pin });
  const second = await provider.generate({ algorithm: 'p256', label: 'kept second', pin });
  return [
    { key: rsa, scheme: 'rsa-pss-sha256' },
    { key: first, scheme: 'ecdsa-sha256' },
    { key: rsa, scheme: 'rsa-pkcs1-sha256' },
    { key: second, scheme: 'ecdsa-sha256' },
  ];
}

function noKey(): never {
  throw new Error('there are no keys to sign with');
}
