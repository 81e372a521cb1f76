import { readFileSync } from 'node:fs';
import {
  Certificate,
  CertificationRequest,
  ChallengePassword,
  decodePemOrDer,
  encodeRequestAttribute,
  parseEnrollCertType,
  readRequestAttributes,
  type RequestAttribute,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { concat, hex, int, oid, seq, text, tlv, toHex } from '../encodings/der.ts';
import { certificate, extension } from '../encodings/documents.ts';
import { attribute, meaningOf, types } from './attribute-der.ts';

test('a real request to AD CS (MS-WSTEP 4.1.1.1)', () => {
  const pem = readFileSync(new URL('../cmc/ms-wstep-4.1.1-request.pem', import.meta.url));
  const request = CertificationRequest.parse(decodePemOrDer(pem, ['CERTIFICATE REQUEST']));
  const attributes = readRequestAttributes(request.attributes);
  expect(attributes.slice(0, 3)).toMatchObject([
    { kind: 'osVersion', version: '6.1.7053.2' },
    {
      kind: 'requestClientInfo',
      clientId: 5,
      machineName: '9-1351C0405A.d9-1351C0406A.nttest.microsoft.com',
      userName: 'D9-1351C0406A\\abby',
      processName: 'CesTest.exe',
    },
    {
      kind: 'enrollmentCspProvider',
      keySpec: 1,
      cspName: 'Microsoft Enhanced Cryptographic Provider v1.0',
    },
  ]);
  const [, , , wishes] = attributes;
  if (wishes?.kind !== 'extensionRequest') throw new Error('the vector has changed');
  expect(wishes.extensions).toEqual(request.extensionRequests);
  const template = wishes.extensions.find((found) => found.oid === types.enrollCertType);
  expect(parseEnrollCertType(template?.value ?? new Uint8Array())).toEqual({
    templateName: 'User',
    form: 'bmpString',
  });
  expect(attributes.map(encodeRequestAttribute).map(comparable)).toEqual(request.attributes.map(comparable));
});

const renewed = certificate();
const wished = [{ oid: '2.5.29.19', critical: true, value: hex('3000') }];
const extensions = seq(extension('2.5.29.19', hex('3000'), 0xff));
const attestation = hex('0403010203');

test.each<[string, string, Uint8Array, RequestAttribute]>([
  ['OS version', types.osVersion, text(0x16, '10.0.1.2'), { kind: 'osVersion', version: '10.0.1.2' }],
  [
    'CSP',
    types.enrollmentCspProvider,
    seq(int(2), tlv(0x1e, hex('00410042')), hex('0303000102')),
    { kind: 'enrollmentCspProvider', keySpec: 2, cspName: 'AB', signature: hex('0102') },
  ],
  [
    'renewal certificate',
    types.renewalCertificate,
    renewed,
    { kind: 'renewalCertificate', certificate: Certificate.parse(renewed) },
  ],
  [
    'client info',
    types.requestClientInfo,
    seq(int(8), text(0x0c, 'pc'), text(0x0c, 'C\\a'), text(0x0c, 'p.exe')),
    { kind: 'requestClientInfo', clientId: 8, machineName: 'pc', userName: 'C\\a', processName: 'p.exe' },
  ],
  [
    'extensionRequest of PKCS #9',
    types.extensionRequest,
    extensions,
    { kind: 'extensionRequest', type: 'pkcs9', extensions: wished },
  ],
  [
    'CERT_EXTENSIONS of Microsoft',
    types.certExtensions,
    extensions,
    { kind: 'extensionRequest', type: 'microsoft', extensions: wished },
  ],
  [
    'template name, bare',
    types.enrollCertType,
    hex('1e080055007300650072'),
    { kind: 'enrollCertType', templateName: 'User', form: 'bmpString' },
  ],
  [
    'template name in a SEQUENCE',
    types.enrollCertType,
    seq(text(0x0c, 'User')),
    { kind: 'enrollCertType', templateName: 'User', form: 'sequence' },
  ],
  [
    'template',
    types.certificateTemplate,
    seq(oid('1.3.6.1.4.1.311.21.8.1'), int(100), int(3)),
    {
      kind: 'certificateTemplate',
      template: { oid: '1.3.6.1.4.1.311.21.8.1', majorVersion: 100, minorVersion: 3 },
    },
  ],
  [
    'UPN',
    types.ntPrincipalName,
    text(0x0c, 'alice@contoso.test'),
    { kind: 'ntPrincipalName', userPrincipalName: 'alice@contoso.test' },
  ],
  [
    'statement of attestation',
    '1.3.6.1.4.1.311.21.33',
    attestation,
    { kind: 'attestation', name: 'enrollAttestationStatement', values: [attestation] },
  ],
  ['unknown attribute', '1.2.3.4', hex('0500'), { kind: 'unknown', type: '1.2.3.4', values: [hex('0500')] }],
])('%s, both ways', (_, type, value, meaning) => {
  expect(meaningOf(type, value)).toEqual(meaning);
  expect(comparable(encodeRequestAttribute(meaning))).toEqual([type, [toHex(value)]]);
});

test.each([
  ['21.23', 'enrollEkInfo'],
  ['21.39', 'enrollAikInfo'],
  ['21.25', 'enrollKspName'],
  ['21.28', 'enrollAttestationChallenge'],
  ['21.27', 'enrollCaExchangeCertificateHash'],
  ['21.29', 'enrollEncryptionAlgorithm'],
])('attribute %s of attestation is left as bytes', (arc, name) => {
  const values = [hex('3000'), attestation];
  const read = readRequestAttributes([attribute(`1.3.6.1.4.1.311.${arc}`, ...values)]);
  expect(read).toEqual([{ kind: 'attestation', name, values }]);
});

test.each([
  ['UTF8String', text(0x0c, '10.0')],
  ['PrintableString', text(0x13, '10.0')],
  ['BMPString', tlv(0x1e, hex('0031 0030 002e 0030'))],
])('the OS version may be a %s', (_, value) => {
  expect(meaningOf(types.osVersion, value)).toEqual({ kind: 'osVersion', version: '10.0' });
});

test('a challenge password is a PrintableString where it can be, a UTF8String otherwise (RFC 2985 5.4.1)', () => {
  expect(written('abc')).toEqual(['1303616263']);
  expect(written('a@b')).toEqual(['0c03614062']);
  expect(written('Zoë')).toEqual([toHex(concat(hex('0c04'), Buffer.from('Zoë')))]);
});

function written(password: string): string[] {
  const challenge = { kind: 'challengePassword', password: ChallengePassword.of(password) } as const;
  return encodeRequestAttribute(challenge).values.map(toHex);
}

function comparable({
  type,
  values,
}: {
  readonly type: string;
  readonly values: readonly Uint8Array[];
}): unknown {
  return [type, values.map(toHex)];
}
