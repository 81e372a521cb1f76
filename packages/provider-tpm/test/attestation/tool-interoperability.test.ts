import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { encodeTpmSignature, makeCredential, TpmPublicArea, type Credential } from '@countersign/core';
import {
  activateCredential,
  collectEvidence,
  createAttestationKey,
  quotePcrs,
  withEndorsementKey,
  type AttestationKeyAlgorithm,
} from '../../src/attestation/index.ts';
import { flushObject, sign } from '../../src/session/index.ts';
import { TpmReader } from '../../src/session/wire/tpm-reader.ts';
import { TpmWriter } from '../../src/session/wire/tpm-writer.ts';
import { hmac, makeKey, utf8 } from '../session/keys.ts';
import { refusal } from '../session/refusal.ts';
import { sha256 } from '../session/verify-signature.ts';
import { attestationKeyAuth, loaded, slotOf } from './endorsed-keys.ts';
import { ManufacturedTpm } from './manufactured-tpm.ts';

const pin = utf8('482913');
const nonce = randomBytes(32);
const algorithms = ['p256', 'rsa2048'] as const;

let tpm: ManufacturedTpm;
beforeAll(async () => {
  tpm = await ManufacturedTpm.start();
});
afterEach(async () => expect(await tpm.leftovers()).toBe(''));
afterAll(async () => tpm.stop());

test.each(algorithms)(
  'tpm2_checkquote accepts the quote of a %s key, and no altered one',
  async (algorithm) => {
    await tpm.use(async ({ pool, srk }) => {
      const key = await createAttestationKey(pool, hmac(srk), { algorithm, authValue: attestationKeyAuth });
      const signer = loaded(key, attestationKeyAuth);
      const selections = [{ hash: 'sha256', pcrs: [0, 7, 16, 23] }] as const;
      const { attest, signature } = await quotePcrs(pool, signer, nonce, selections);
      tpm.write('quote', attest);
      tpm.write('signature', signature);
      tpm.write('ak.pub', sized(key.publicArea));
      await flushObject(pool, key.handle);
    });
    await tpm.tool('pcrread sha256:0,7,16,23 -o pcrs');
    const check = `checkquote -u ak.pub -m quote -s signature -f pcrs -l sha256:0,7,16,23 -q`;
    await tpm.tool(`${check} ${nonce.toString('hex')}`);
    await expect(tpm.tool(`${check} ${randomBytes(32).toString('hex')}`)).rejects.toThrow();
    tpm.write('quote', flipped(tpm.read('quote')));
    await expect(tpm.tool(`${check} ${nonce.toString('hex')}`)).rejects.toThrow();
  },
);

test.each([
  ['no PCR', [{ hash: 'sha256', pcrs: [] }]],
  ['PCR 24', [{ hash: 'sha256', pcrs: [24] }]],
  ['half a PCR', [{ hash: 'sha256', pcrs: [0.5] }]],
  [
    'one bank twice',
    [
      { hash: 'sha256', pcrs: [0] },
      { hash: 'sha256', pcrs: [1] },
    ],
  ],
] as const)('a quote over %s is refused before the TPM sees it', async (_, selections) => {
  await tpm.use(async ({ pool, srk }) => {
    const error = await refusal(async () => quotePcrs(pool, loaded(srk, pin), nonce, selections));
    expect(error.code).toBe('VALUE_OUT_OF_RANGE');
  });
});

test.each(algorithms)(
  'tpm2_verifysignature accepts the signatures of a %s key, attested and attesting',
  async (algorithm) => {
    await tpm.use(async ({ pool, srk }) => {
      const options = { algorithm, authValue: attestationKeyAuth };
      const attestationKey = await createAttestationKey(pool, hmac(srk), options);
      const user = loaded(await makeKey(pool, srk, pin, { kind: algorithm }), pin);
      const signer = loaded(attestationKey, attestationKeyAuth);
      const { attest, signature } = await collectEvidence(pool, { key: user, attestationKey: signer, nonce });
      tpm.write('attest', attest);
      tpm.write('attest.sig', signature);
      tpm.write('ak.pub', sized(attestationKey.publicArea));
      tpm.write('message', nonce);
      tpm.write('message.sig', await signed(pool, user, algorithm));
      tpm.write('user.pub', sized(user.publicArea));
      for (const { handle } of [attestationKey, user]) await flushObject(pool, handle);
    });
    for (const [key, message] of [
      ['ak', 'attest'],
      ['user', 'message'],
    ] as const) {
      await tpm.tool(`loadexternal -C n -u ${key}.pub -c ${key}.ctx`);
      await tpm.tool('flushcontext -t');
      const verify = `verifysignature -c ${key}.ctx -g sha256 -m ${message} -s ${message}.sig`;
      await tpm.tool(verify);
      await tpm.tool('flushcontext -t');
      tpm.write(message, flipped(tpm.read(message)));
      await expect(tpm.tool(verify)).rejects.toThrow();
      await tpm.tool('flushcontext -t');
    }
  },
);

async function signed(
  pool: Parameters<typeof sign>[0],
  user: Parameters<typeof sign>[1],
  algorithm: AttestationKeyAlgorithm,
): Promise<Uint8Array> {
  const scheme = { algorithm: algorithm === 'p256' ? 'ecdsa' : 'rsassa', hash: 'sha256' } as const;
  const signature = await sign(pool, user, sha256(nonce), scheme);
  return signature.algorithm === 'ecdsa'
    ? encodeTpmSignature({ scheme: 'ecdsa', hash: signature.hash, r: signature.r, s: signature.s })
    : encodeTpmSignature({
        scheme: signature.algorithm,
        hash: signature.hash,
        signature: signature.signature,
      });
}

const credentialCases = ['L-1', 'L-2', 'H-3'] as const;

test.each(credentialCases)('what tpm2_makecredential seals for %s is activated here', async (name) => {
  const [slot, secret] = [slotOf(name), randomBytes(32)];
  await tpm.use(async ({ pool, srk }) => {
    const key = await createAttestationKey(pool, hmac(srk), { authValue: attestationKeyAuth });
    await withEndorsementKey(pool, { slot }, async (ek) => {
      tpm.write('ek.pub', sized(ek.publicArea));
      tpm.write('secret', secret);
      const ofKey = `-n ${Buffer.from(key.name).toString('hex')}`;
      // No TPM takes part in this.
      await tpm.tool(`makecredential -T none -u ek.pub -s secret ${ofKey} -o credential`);
      const credential = credentialFrom(tpm.read('credential'));
      const found = await activateCredential(pool, hmac(key, attestationKeyAuth), ek, credential);
      expect(found).toEqual(Uint8Array.from(secret));
    });
    await flushObject(pool, key.handle);
  });
});

test.each(credentialCases)('tpm2_activatecredential activates what is made here for %s', async (name) => {
  const [slot, secret] = [slotOf(name), randomBytes(32)];
  // The key stays loaded, for the tool.
  const key = await tpm.use(async ({ pool, srk }) => {
    const made = await createAttestationKey(pool, hmac(srk), { authValue: attestationKeyAuth });
    const area = await withEndorsementKey(pool, { slot }, async ({ publicArea }) => publicArea);
    tpm.write('credential', credentialFile(makeCredential(TpmPublicArea.parse(area), made.name, secret)));
    return made;
  });
  const named = `-c 0x${key.handle.toString(16)} -p hex:${Buffer.from(attestationKeyAuth).toString('hex')}`;
  await tpm.tool('createek -G ecc -c ek.ctx');
  const endorsementKey = { 'L-1': '0x81010001', 'L-2': 'ek.ctx', 'H-3': '0x81010016' }[name];
  // The high range's have userWithAuth, and their authValue is empty.
  const authorization = name === 'H-3' ? '' : ' -P session:session';
  if (name !== 'H-3') {
    await tpm.tool('startauthsession --policy-session -S session');
    await tpm.tool('policysecret -S session -c endorsement');
  }
  await tpm.tool(`activatecredential ${named} -C ${endorsementKey} -i credential -o found${authorization}`);
  if (name !== 'H-3') await tpm.tool('flushcontext session');
  await tpm.tool('flushcontext -t');
  expect(tpm.read('found')).toEqual(Uint8Array.from(secret));
});

/** The file of tpm2-tools: magic, version, TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET. */
function credentialFile({ credentialBlob, encryptedSecret }: Credential): Uint8Array {
  const head = Buffer.from('badcc0de00000001', 'hex');
  return Buffer.concat([head, sized(credentialBlob), sized(encryptedSecret)]);
}

function credentialFrom(file: Uint8Array): Credential {
  const reader = new TpmReader(file, 'credential');
  expect([reader.u32(), reader.u32()]).toEqual([0xbadcc0de, 1]);
  const credential = { credentialBlob: reader.sized(), encryptedSecret: reader.sized() };
  reader.end();
  return credential;
}

/** TPM2B. */
function sized(contents: Uint8Array): Uint8Array {
  return new TpmWriter().sized(contents).finish();
}

function flipped(octets: Uint8Array): Uint8Array {
  return octets.map((octet, index) => (index === octets.length - 1 ? octet ^ 1 : octet));
}
