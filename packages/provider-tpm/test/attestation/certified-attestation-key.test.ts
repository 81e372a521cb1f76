import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  applyAttestationPolicy,
  Certificate,
  decodePemOrDer,
  encodePem,
  findTpmKeyEvidence,
  TpmPublicArea,
} from '@countersign/core';
import { collectEvidence, createAttestationKey } from '../../src/attestation/index.ts';
import { flushObject } from '../../src/session/index.ts';
import { endorsement, hmac, makeKey, owner, utf8 } from '../session/keys.ts';
import { loaded } from './endorsed-keys.ts';
import { ManufacturedTpm } from './manufactured-tpm.ts';
import { requestFor } from './requests.ts';

const pin = utf8('482913');
const nonce = utf8('the nonce of the verifier');

let tpm: ManufacturedTpm;
beforeAll(async () => {
  tpm = await ManufacturedTpm.start();
  tpm.write('root.conf', utf8('[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=Attestation root\n'));
  tpm.write('ak.conf', utf8('extendedKeyUsage=critical,2.23.133.8.3\nkeyUsage=critical,digitalSignature\n'));
  const extensions = [
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign',
  ];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'root.key'];
  await openssl(
    'req',
    '-x509',
    '-config',
    'root.conf',
    ...key,
    ...extensions,
    '-days',
    '2',
    '-out',
    'root.pem',
  );
});
afterEach(async () => {
  expect(await tpm.leftovers()).toBe('');
});
afterAll(async () => tpm.stop());

test.each(['p256', 'rsa2048'] as const)(
  'evidence carries the certificate of a primary %s attestation key, which the verifier trusts',
  async (algorithm) => {
    await tpm.use(async ({ pool, srk }) => {
      const attestationKey = await createAttestationKey(pool, endorsement, { algorithm });
      expect(attestationKey.kind).toBe('primary');
      const certificates = [await certify(attestationKey.publicArea)];
      const user = loaded(await makeKey(pool, srk, pin), pin);
      const signer = loaded(attestationKey, new Uint8Array());
      const evidence = await collectEvidence(pool, {
        key: user,
        attestationKey: signer,
        nonce,
        certificates,
      });
      const request = await requestFor(pool, user, evidence);
      expect(findTpmKeyEvidence(request)).toMatchObject({ ...evidence });
      const outcome = await applyAttestationPolicy({ kind: 'required' }, request, () => ({
        nonce,
        at: new Date(),
        binding: { kind: 'certificate', trustAnchors: [certificateIn('root.pem')] },
        isUserAuthenticated: false,
      }));
      expect(outcome).toMatchObject({
        kind: 'verified',
        attestation: { attestationKey: { kind: 'certificate' } },
      });
      for (const { handle } of [user, attestationKey]) await flushObject(pool, handle);
    });
  },
);

test('a hierarchy makes the same attestation key again, a storage key makes another one each time', async () => {
  await tpm.use(async ({ pool, srk }) => {
    const names = [];
    for (const parent of [endorsement, endorsement, owner, hmac(srk), hmac(srk)]) {
      const { name, handle } = await createAttestationKey(pool, parent);
      names.push(Buffer.from(name).toString('hex'));
      await flushObject(pool, handle);
    }
    expect(names[1]).toBe(names[0]);
    expect(new Set(names).size).toBe(4);
  });
});

/** Certifies the key as an attestation CA does that knows the TPM. @returns DER */
async function certify(publicArea: Uint8Array): Promise<Uint8Array> {
  const { publicKey } = TpmPublicArea.parse(publicArea);
  tpm.write('ak.pem', utf8(encodePem('PUBLIC KEY', publicKey.subjectPublicKeyInfo)));
  const issuer = ['-CA', 'root.pem', '-CAkey', 'root.key', '-days', '1', '-extfile', 'ak.conf'];
  await openssl('req', '-new', '-config', 'root.conf', '-key', 'root.key', '-out', 'request.pem');
  await openssl(
    'x509',
    '-req',
    '-in',
    'request.pem',
    '-force_pubkey',
    'ak.pem',
    ...issuer,
    '-out',
    'certificate.pem',
  );
  return Uint8Array.from(certificateIn('certificate.pem').der);
}

function certificateIn(name: string): Certificate {
  return Certificate.parse(decodePemOrDer(tpm.read(name), ['CERTIFICATE']));
}

async function openssl(...parameters: readonly string[]): Promise<void> {
  await promisify(execFile)('openssl', parameters, { cwd: tpm.folder });
}
