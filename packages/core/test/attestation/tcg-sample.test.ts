import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  CertificationRequest,
  decodePemOrDer,
  findTpmKeyEvidence,
  Name,
  PublicKey,
  TpmPublicArea,
  verifyTpmKeyAttestation,
  type TpmKeyAttestationInputs,
} from '@countersign/core';
import { refusal } from '../cmc/refusal.ts';

/** sampledata/tcgAttestTpmCertify.pem of draft-ietf-lamps-csr-attestation. */
const pem = readFileSync(new URL('tcg-attest-tpm-certify.pem', import.meta.url));
const request = CertificationRequest.parse(decodePemOrDer(pem, ['CERTIFICATE REQUEST']));
const evidence = findTpmKeyEvidence(request);
if (evidence === undefined) throw new Error('the sample brings evidence');

const inputs: TpmKeyAttestationInputs = {
  publicKey: request.publicKey,
  nonce: Buffer.from('00ff55aa', 'hex'),
  at: new Date('2024-11-01T00:00:00Z'),
  binding: { kind: 'certificate', trustAnchors: [rootOfVersion1(evidence.certificates[1])] },
};

test("the draft's sample request verifies, once its hint is accounted for", async () => {
  expect(evidence.hint).toBe('tpmverifier.example.com');
  expect(evidence.otherStatements).toEqual([]);
  const { certifiedKey, attestationKey } = await verifyTpmKeyAttestation(evidence, inputs);
  expect(Buffer.from(certifiedKey.name).toString('hex')).toBe(
    '000b46c3ee11b5ad3c0f9c5e21d5cfacdd9ba0df3985fcbabad15af2d60281245bc3',
  );
  expect([...certifiedKey.attributes]).toEqual([
    'fixedTPM',
    'fixedParent',
    'sensitiveDataOrigin',
    'userWithAuth',
    'decrypt',
    'sign',
  ]);
  expect(attestationKey.kind === 'certificate' && attestationKey.certificate.subject.toString()).toContain(
    'CN=test-ak',
  );
});

test("the sample's own signature is not its key's, as OpenSSL finds too", async () => {
  const { code } = await refusal(() => request.verifyProofOfPossession());
  expect(code).toBe('PROOF_OF_POSSESSION_INVALID');
});

test('its public area is written as the TPM wrote it', () => {
  if (evidence.publicArea === undefined) throw new Error('the sample brings a public area');
  const area = TpmPublicArea.parse(evidence.publicArea);
  expect(TpmPublicArea.of(area).bytes).toEqual(area.bytes);
  expect(area.publicKey.equals(request.publicKey)).toBe(true);
});

test('it is refused with any octet of its signature changed, and after its certificate expired', async () => {
  for (const at of [0, 100, 255]) {
    const signature = Uint8Array.from(evidence.signature, (octet, i) => (i === at ? octet ^ 1 : octet));
    const { code } = await refusal(() => verifyTpmKeyAttestation({ ...evidence, signature }, inputs));
    expect(code).toBe('ATTESTATION_SIGNATURE_INVALID');
  }
  const later = { ...inputs, at: new Date('2025-01-01T00:00:00Z') };
  const { code } = await refusal(() => verifyTpmKeyAttestation(evidence, later));
  expect(code).toBe('CERTIFICATE_EXPIRED');
});

/** The sample's root is of version 1, which core does not read; as an anchor its name and key do. */
function rootOfVersion1(der: Uint8Array | undefined): { subject: Name; publicKey: PublicKey } {
  const root = new X509Certificate(der ?? new Uint8Array());
  const spki = createPublicKey(root.publicKey.export({ format: 'pem', type: 'spki' }));
  return {
    subject: Name.fromString('CN=test-rootCA,OU=ietf-lamps-csr,O=ietf-lamps,L=Locality,ST=Province,C=ZZ'),
    publicKey: PublicKey.parse(Uint8Array.from(spki.export({ format: 'der', type: 'spki' }))),
  };
}
