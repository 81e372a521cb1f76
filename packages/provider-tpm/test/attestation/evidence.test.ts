import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { applyAttestationPolicy } from '@countersign/core';
import { collectEvidence } from '../../src/attestation/index.ts';
import { flushObject } from '../../src/session/index.ts';
import { makeKey, utf8 } from '../session/keys.ts';
import { activatedAttestationKey, attestationKeyAuth, loaded } from './endorsed-keys.ts';
import { ManufacturedTpm } from './manufactured-tpm.ts';
import { requestFor } from './requests.ts';

const pin = utf8('482913');
const nonce = utf8('the nonce of the verifier');

let tpm: ManufacturedTpm;
beforeAll(async () => {
  tpm = await ManufacturedTpm.start();
});
afterEach(async () => expect(await tpm.leftovers()).toBe(''));
afterAll(async () => tpm.stop());

const combinations = (['L-1', 'H-3'] as const).flatMap((slot) =>
  (['p256', 'rsa2048'] as const).flatMap((attestationKey) =>
    (['p256', 'rsa2048'] as const).map((userKey) => ({ slot, attestationKey, userKey })),
  ),
);

test.each(combinations)(
  'a request with evidence passes the policy: endorsement key $slot, attestation key $attestationKey, user key $userKey',
  async ({ slot, attestationKey, userKey }) => {
    await tpm.use(async (client) => {
      const { pool, srk } = client;
      const { key: ak, activations } = await activatedAttestationKey(tpm, client, slot, attestationKey);
      const user = loaded(await makeKey(pool, srk, pin, { kind: userKey }), pin);
      const sources = { key: user, attestationKey: loaded(ak, attestationKeyAuth), nonce };
      const request = await requestFor(pool, user, await collectEvidence(pool, sources));
      const outcome = await applyAttestationPolicy({ kind: 'required' }, request, () => ({
        nonce,
        at: new Date(),
        binding: { kind: 'activation', publicArea: ak.publicArea, activations },
        isUserAuthenticated: false,
      }));
      // The manufacturer's certificate of the endorsement key is what was verified.
      expect(outcome).toMatchObject({ kind: 'verified', issuancePolicies: ['1.3.6.1.4.1.311.21.31'] });
      for (const { handle } of [user, ak]) await flushObject(pool, handle);
    });
  },
);
