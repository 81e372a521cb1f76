import { randomBytes } from 'node:crypto';
import {
  attestsDevice,
  attestsKey,
  isPinProtected,
  type AttestsDevice,
  type AttestsKey,
  type Key,
  type KeyProvider,
  type PinProtected,
  type TpmKeyEvidence,
} from '@countersign/core';
import { runConformance, type ConformanceTarget } from '@countersign/conformance';
import { beforeAll, expect, test } from 'vitest';
import { softwareTpm } from '../targets.ts';

let target: ConformanceTarget;
beforeAll(async () => {
  target = await softwareTpm();
});

type Attest = AttestsKey['attest'];

interface Forgery {
  /** @param attest of a key; @param other of another key */
  readonly attest?: (attest: Attest, other: Attest | undefined) => Attest;
  readonly device?: (right: AttestsDevice) => Partial<AttestsDevice>;
  readonly fails: readonly string[];
}

const changed = (octets: Uint8Array): Uint8Array =>
  Uint8Array.from(octets, (octet, at) => (at === octets.length - 9 ? octet ^ 1 : octet));

let replayed: TpmKeyEvidence | undefined;
const forgeries: Readonly<Record<string, Forgery>> = {
  'nothing is forged': { fails: [] },
  'the signature is forged': {
    attest: (attest) => async (nonce) => {
      const evidence = await attest(nonce);
      return { ...evidence, signature: changed(evidence.signature) };
    },
    fails: ['attest.verifies'],
  },
  'the nonce is the device’s own': {
    attest: (attest) => async () => attest(randomBytes(32)),
    fails: ['attest.verifies'],
  },
  'old evidence is given again': {
    attest: (attest) => async (nonce) => (replayed ??= await attest(nonce)),
    fails: ['attest.verifies'],
  },
  'the evidence is for another key': {
    attest: (attest, other) => async (nonce) => (other ?? attest)(nonce),
    fails: ['attest.verifies'],
  },
  'the nonce is read late': {
    attest: (attest) => async (nonce) => {
      await Promise.resolve();
      return attest(nonce);
    },
    fails: ['attest.nonce-settled'],
  },
  'challenges are answered with anything': {
    device: () => ({ answerChallenge: async () => randomBytes(32) }),
    fails: ['attest.challenge'],
  },
  'the identity is another one each time': {
    device: (right) => ({
      attestationIdentity: async () => {
        const { attestationKey, endorsementKeys } = await right.attestationIdentity();
        const other = Uint8Array.from(attestationKey);
        other.set(randomBytes(8), other.length - 8);
        return { attestationKey: other, endorsementKeys };
      },
    }),
    fails: ['attest.identity', 'attest.verifies'],
  },
};

test.each(Object.entries(forgeries))('%s', async (_, forgery) => {
  const report = await runConformance(
    { ...target, open: async () => forge(await target.open(), forgery) },
    { areas: ['attestation'] },
  );
  const failed = report.results.flatMap(({ id, outcome }) => (outcome.kind === 'fail' ? [id] : []));
  expect(failed.toSorted()).toEqual(forgery.fails.toSorted());
});

/** The provider of a TPM as it is, but for what it attests. */
function forge(right: KeyProvider, { attest = (same) => same, device }: Forgery): KeyProvider {
  if (!attestsDevice(right)) throw new Error('the provider attests nothing');
  let last: Attest | undefined;
  const devices: AttestsDevice = {
    attestationIdentity: async () => right.attestationIdentity(),
    answerChallenge: async (challenge, endorsementKey) => right.answerChallenge(challenge, endorsementKey),
  };
  return {
    info: right.info,
    generate: async (spec) => {
      const key = await right.generate(spec);
      if (!attestsKey(key) || !isPinProtected(key)) throw new Error('the key attests nothing');
      const own: Attest = async (nonce) => key.attest(nonce);
      const before = last;
      last = own;
      const forged: Key & PinProtected & AttestsKey = {
        ref: key.ref,
        label: key.label,
        algorithm: key.algorithm,
        publicKey: key.publicKey,
        schemes: key.schemes,
        get locked() {
          return key.locked;
        },
        sign: async (scheme, message) => key.sign(scheme, message),
        unlock: async (pin) => key.unlock(pin),
        lock: () => key.lock(),
        changePin: async (current, next) => key.changePin(current, next),
        retriesLeft: async () => key.retriesLeft(),
        attest: attest(own, before),
      };
      return forged;
    },
    open: async (ref) => right.open(ref),
    list: async () => right.list(),
    destroy: async (ref) => right.destroy(ref),
    close: async () => right.close(),
    ...devices,
    ...device?.(devices),
  };
}
