import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AttestationChallenges,
  attestsKey,
  Certificate,
  CertificationRequest,
  createCertificationRequest,
  KeyCustody,
  makeCredential,
  MemoryActivationStore,
  MemoryKeyRecords,
  parseTpmAttest,
  RequestAttestation,
  tpmKeyEvidenceAttribute,
  TpmPublicArea,
  verifyEndorsementKey,
} from '@countersign/core';
import { createTpmProvider, startSoftwareTpm, type SoftwareTpm } from '@countersign/provider-tpm';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { message, pin, providerOn, temporaryDirectory } from './running-provider.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';

let folder: string;
let tpm: SoftwareTpm;
let other: SoftwareTpm;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-attestation-'));
  tpm = await startSoftwareTpm(join(folder, 'one'));
  other = await startSoftwareTpm(join(folder, 'other'));
});
afterAll(async () => {
  await tpm.stop();
  await other.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a key is attested to a verifier that knows the manufacturer and nothing else', async () => {
  const provider = await providerOn(tpm);
  const custody = new KeyCustody({ provider, records: new MemoryKeyRecords() });
  const key = await custody.generate({ algorithm: 'p256', pin });
  if (!attestsKey(key)) return expect.unreachable();
  const store = new MemoryActivationStore();
  const verifier = new RequestAttestation({
    policy: { kind: 'required' },
    nonces: store,
    activations: store,
  });
  const challenges = new AttestationChallenges({ challenges: store, activations: store });

  const identity = await provider.attestationIdentity();
  expect(identity.endorsementKeys.length).toBeGreaterThan(1);
  for (const { publicArea, certificate, chain } of identity.endorsementKeys) {
    const endorsementKey = await verifyEndorsementKey({
      publicArea,
      certificate: Certificate.parse(certificate),
      certificates: [...(await roots()).issuers, ...chain.map((der) => Certificate.parse(der))],
      trustAnchors: (await roots()).anchors,
      at: new Date(),
    });
    const challenge = await challenges.issue(identity.attestationKey, endorsementKey);
    const secret = await provider.answerChallenge(challenge, publicArea);
    const { nonce } = await verifier.issueNonce(await challenges.redeem(challenge.id, secret));
    const attributes = [tpmKeyEvidenceAttribute(await key.attest(nonce))];
    const request = CertificationRequest.parse(await createCertificationRequest(key, { attributes }));
    expect(await verifier.assess(request, false)).toMatchObject({
      kind: 'verified',
      issuancePolicies: ['1.3.6.1.4.1.311.21.31'],
    });
  }
});

test('the attestation key is kept beside the keys', async () => {
  const storeDirectory = await temporaryDirectory();
  const first = await createTpmProvider({ uri: tpm.uri, storeDirectory });
  const { attestationKey } = await first.attestationIdentity();
  expect(await first.list()).toEqual([]);
  await first.close();
  const second = await providerOn(tpm, { storeDirectory });
  expect((await second.attestationIdentity()).attestationKey).toEqual(attestationKey);
});

test('a challenge for another TPM is refused, and one for another attestation key not answered', async () => {
  const elsewhere = await createTpmProvider({ uri: other.uri, storeDirectory: await temporaryDirectory() });
  const stranger = await elsewhere.attestationIdentity();
  await elsewhere.close();
  const provider = await providerOn(tpm);
  const identity = await provider.attestationIdentity();
  const [theirs, ours] = [stranger.endorsementKeys[0], identity.endorsementKeys[0]];
  if (theirs === undefined || ours === undefined) return expect.unreachable();
  const secret = new Uint8Array(32).fill(7);
  const credentialFor = (endorsementKey: Uint8Array, attestationKey: Uint8Array) =>
    makeCredential(TpmPublicArea.parse(endorsementKey), TpmPublicArea.parse(attestationKey).name, secret);
  const foreign = credentialFor(theirs.publicArea, identity.attestationKey);
  expect((await refusal(async () => provider.answerChallenge(foreign, theirs.publicArea))).code).toBe(
    'EK_CERTIFICATE_MISMATCH',
  );
  expect((await refusal(async () => provider.answerChallenge(foreign, ours.publicArea))).code).toBe(
    'TPM_REFUSED',
  );
  const misnamed = credentialFor(ours.publicArea, stranger.attestationKey);
  expect((await refusal(async () => provider.answerChallenge(misnamed, ours.publicArea))).code).toBe(
    'TPM_REFUSED',
  );
  const right = credentialFor(ours.publicArea, identity.attestationKey);
  const credentialBlob = Uint8Array.from(right.credentialBlob, (octet, at) =>
    at === 40 ? octet ^ 1 : octet,
  );
  const altered = { ...right, credentialBlob };
  expect((await refusal(async () => provider.answerChallenge(altered, ours.publicArea))).code).toBe(
    'TPM_REFUSED',
  );
  expect(await provider.answerChallenge(right, ours.publicArea)).toEqual(secret);
});

test('a locked key is not attested, and one without a PIN is', async () => {
  const provider = await providerOn(tpm);
  const key = await provider.generate({ algorithm: 'p256', pin });
  key.lock();
  expect((await refusal(async () => key.attest(message))).code).toBe('PIN_REQUIRED');
  const open = await provider.generate({ algorithm: 'rsa2048' });
  const { attest } = await open.attest(message);
  expect(parseTpmAttest(attest)).toMatchObject({ type: 'certify', extraData: message });
  for (const nonce of [new Uint8Array(), new Uint8Array(67)]) {
    expect((await refusal(async () => open.attest(nonce))).code).toBe('VALUE_OUT_OF_RANGE');
  }
});

test('tpm2_checkquote accepts a quote, and not over another nonce', async () => {
  const provider = await providerOn(tpm);
  const { attestationKey } = await provider.attestationIdentity();
  const { attest, signature } = await provider.quote(message, [{ hash: 'sha256', pcrs: [0, 7] }]);
  const cwd = await temporaryDirectory();
  const area = Buffer.alloc(2 + attestationKey.length);
  area.writeUInt16BE(attestationKey.length);
  area.set(attestationKey, 2);
  await writeFile(join(cwd, 'ak.tss'), area);
  await writeFile(join(cwd, 'quote'), attest);
  await writeFile(join(cwd, 'signature'), signature);
  const check = (nonce: Uint8Array): string =>
    execFileSync(
      'tpm2_checkquote',
      [
        '-u',
        'ak.tss',
        '-m',
        'quote',
        '-s',
        'signature',
        '-g',
        'sha256',
        '-q',
        Buffer.from(nonce).toString('hex'),
      ],
      { cwd, stdio: 'pipe' },
    ).toString();
  expect(check(message)).toBeDefined();
  expect(() => check(pin)).toThrow('tpm2_checkquote');
});

async function roots(): Promise<{ readonly anchors: Certificate[]; readonly issuers: Certificate[] }> {
  const pem = await readFile(tpm.endorsementRoots, 'latin1');
  const all = (pem.match(/[A-Za-z0-9+/=\n]+(?=-----END)/g) ?? []).map((base64) =>
    Certificate.parse(Buffer.from(base64, 'base64')),
  );
  return {
    anchors: all.filter((certificate) => certificate.isIssuedBy(certificate)),
    issuers: all.filter((certificate) => !certificate.isIssuedBy(certificate)),
  };
}
