import { isDeepStrictEqual } from 'node:util';
import {
  CertificationRequest,
  ChallengePassword,
  encodeRequestAttribute,
  matchesChallengePassword,
  readRequestAttributes,
  type Certificate,
  type RequestAttribute,
} from '@countersign/core';
import { hex, oid, seq, tlv } from '../encodings/der.ts';
import { request } from '../encodings/documents.ts';

/** The attributes of requests, `[0] IMPLICIT SET OF Attribute`, in the one order that DER has. */
export function attributeSets(renewed: Certificate): Uint8Array[] {
  const extensions = [{ oid: '2.5.29.19', critical: true, value: hex('3000') }];
  const templateName = 'User';
  const all: RequestAttribute[] = [
    { kind: 'osVersion', version: '10.0.26100.2' },
    { kind: 'enrollmentCspProvider', keySpec: 1, cspName: 'Microsoft Platform', signature: hex('00ff') },
    { kind: 'renewalCertificate', certificate: renewed },
    { kind: 'requestClientInfo', clientId: 5, machineName: 'pc', userName: 'C\\alice', processName: 'p.exe' },
    { kind: 'extensionRequest', type: 'pkcs9', extensions },
    { kind: 'enrollCertType', templateName, form: 'bmpString' },
    { kind: 'certificateTemplate', template: { oid: '1.2.3', majorVersion: 100, minorVersion: 3 } },
    { kind: 'ntPrincipalName', userPrincipalName: 'alice@contoso.example' },
    { kind: 'challengePassword', password: ChallengePassword.of('Zoë, correct horse') },
    { kind: 'attestation', name: 'enrollAttestationStatement', values: [hex('0403010203')] },
  ];
  const others: RequestAttribute[] = [
    { kind: 'extensionRequest', type: 'microsoft', extensions },
    { kind: 'enrollCertType', templateName, form: 'sequence' },
    { kind: 'challengePassword', password: ChallengePassword.of('abc') },
  ];
  return [all, others, ...all.map((attribute) => [attribute])].map(encodeSet);
}

/**
 * Reads a set as it stands in a request, and what is read once more after it was written.
 * @throws Error if that says something else; no refusal, so that the fuzzer finds it
 */
export function readAndRewriteAttributes(document: Uint8Array): undefined {
  const { attributes } = CertificationRequest.parse(request({ attributes: document }));
  const read = readRequestAttributes(attributes);
  matchesChallengePassword(attributes, 'abc');
  for (const before of read) {
    // Written in IA5String alone, whichever type it was read in.
    if (before.kind === 'osVersion' && !/^[ -~]*$/u.test(before.version)) continue;
    const [after] = readRequestAttributes([encodeRequestAttribute(before)]);
    if (!isDeepStrictEqual(meaning(before), meaning(after))) {
      throw new Error(`the attribute ${before.kind} was written as another`);
    }
  }
  return undefined;
}

function meaning(attribute: RequestAttribute | undefined): unknown {
  return attribute?.kind === 'challengePassword'
    ? Buffer.from(attribute.password.encode())
    : attribute?.kind === 'renewalCertificate'
      ? Buffer.from(attribute.certificate.der)
      : JSON.stringify(attribute, (_, value: unknown) =>
          value instanceof Uint8Array ? Array.from(value) : value,
        );
}

function encodeSet(attributes: readonly RequestAttribute[]): Uint8Array {
  const elements = attributes.map((attribute) => {
    const { type, values } = encodeRequestAttribute(attribute);
    return seq(oid(type), tlv(0x31, ...values));
  });
  return tlv(0xa0, ...elements.sort((a, b) => Buffer.compare(a, b)));
}
