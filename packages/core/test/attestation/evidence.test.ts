import { expect, test } from 'vitest';
import {
  CertificationRequest,
  createCertificationRequest,
  findTpmKeyEvidence,
  parseAttestationBundle,
  tpmKeyEvidenceAttribute,
  type Attribute,
} from '@countersign/core';
import { refusal } from '../cmc/refusal.ts';
import { SoftwareKey } from '../cmc/software-key.ts';
import { context, element, octetString, oid, sequence } from '../path-validation/der.ts';
import { createAttestedKey } from './attested-key.ts';

const { evidence } = createAttestedKey();
const attribute = tpmKeyEvidenceAttribute(evidence);
const key = new SoftwareKey('p256');

async function requestWith(...attributes: readonly Attribute[]): Promise<CertificationRequest> {
  return CertificationRequest.parse(await createCertificationRequest(key, { attributes }));
}

const certify = sequence(octetString(evidence.attest), octetString(evidence.signature));
const statement = sequence(oid('2.23.133.20.1'), certify);
const otherStatement = sequence(oid('1.3.6.1.4.1.99999.7'), octetString(Uint8Array.of(1)));
const ia5String = (text: string): Uint8Array => element(0x16, Buffer.from(text));

test('evidence in a request is read as it was written', async () => {
  const request = await requestWith(attribute);
  expect(findTpmKeyEvidence(request)).toEqual({ ...evidence, hint: undefined, otherStatements: [] });
  const bare = { ...evidence, publicArea: undefined, certificates: [] };
  expect(findTpmKeyEvidence(await requestWith(tpmKeyEvidenceAttribute(bare)))).toMatchObject(bare);
});

test('a request without the attribute brings no evidence', async () => {
  expect(findTpmKeyEvidence(await requestWith())).toBeUndefined();
});

test('statements of other types are counted, not read', () => {
  expect(parseAttestationBundle(sequence(sequence(otherStatement)))).toBeUndefined();
  const both = parseAttestationBundle(sequence(sequence(otherStatement, statement)));
  expect(both).toMatchObject({ attest: evidence.attest, otherStatements: ['1.3.6.1.4.1.99999.7'] });
});

test('the hint of earlier drafts is read', () => {
  const hinted = sequence(oid('2.23.133.20.1'), certify, ia5String('verifier.example'));
  expect(parseAttestationBundle(sequence(sequence(hinted)))?.hint).toBe('verifier.example');
});

test('two bundles are refused, as two attributes and as two values', async () => {
  const [value = new Uint8Array()] = attribute.values;
  const second = sequence(sequence(otherStatement));
  for (const attributes of [
    [attribute, { type: attribute.type, values: [second] }],
    [{ type: attribute.type, values: [value, second] }],
  ]) {
    const request = await requestWith(...attributes);
    expect((await refusal(() => findTpmKeyEvidence(request))).code).toBe('ATTESTATION_MALFORMED');
  }
});

const [certificate = new Uint8Array()] = evidence.certificates;
test.each<[string, Uint8Array]>([
  ['no statement', sequence(sequence())],
  ['two statements of a TPM', sequence(sequence(statement, statement))],
  ['an empty list of certificates', sequence(sequence(statement), sequence())],
  ['something other than a certificate', sequence(sequence(statement), sequence(context(3, oid('1.2.3'))))],
  [
    'too many certificates',
    sequence(sequence(statement), sequence(...Array.from({ length: 17 }, () => certificate))),
  ],
  ['something after the certificates', sequence(sequence(statement), sequence(certificate), sequence())],
  ['something after a hint', sequence(sequence(sequence(oid('1.2.3'), certify, ia5String('a'), certify)))],
  [
    'a statement that goes on',
    sequence(
      sequence(
        sequence(
          oid('2.23.133.20.1'),
          sequence(...Array.from({ length: 4 }, () => octetString(certificate))),
        ),
      ),
    ),
  ],
  ['a statement cut short', sequence(sequence(sequence(oid('2.23.133.20.1'), sequence())))],
])('a bundle with %s is malformed', async (_, bundle) => {
  const error = await refusal(() => parseAttestationBundle(bundle));
  expect(error.code).toBe('ATTESTATION_MALFORMED');
});
