import {
  encodeTpmSignature,
  parseAttestationBundle,
  parseTpmAttest,
  parseTpmSignature,
  tpmKeyEvidenceAttribute,
  TpmPublicArea,
} from '@countersign/core';
import { createAttestedKey } from '../attestation/attested-key.ts';
import { createTpmKey } from '../attestation/software-tpm.ts';
import type { FuzzedParser } from './parsers.ts';

/** The structures in which a request says that a TPM holds its key. */
export function attestationParsers(): FuzzedParser[] {
  const attested = [createAttestedKey(), createAttestedKey(createTpmKey({ algorithm: 'rsa2048' }))];
  const evidence = attested.map((each) => each.evidence);
  return [
    {
      name: 'attestation bundle',
      documents: evidence.flatMap((each) => tpmKeyEvidenceAttribute(each).values),
      parse: (document) => {
        parseAttestationBundle(document);
        return undefined;
      },
    },
    {
      name: 'TPMS_ATTEST',
      documents: evidence.map(({ attest }) => attest),
      parse: (document) => {
        parseTpmAttest(document);
        return undefined;
      },
    },
    {
      name: 'TPMT_PUBLIC',
      documents: attested.flatMap(({ userKey, attestationKey }) => [userKey.area, attestationKey.area]),
      parse: (document) => TpmPublicArea.parse(document).bytes,
    },
    {
      name: 'TPMT_SIGNATURE',
      documents: evidence.map(({ signature }) => signature),
      parse: (document) => encodeTpmSignature(parseTpmSignature(document)),
    },
  ];
}
