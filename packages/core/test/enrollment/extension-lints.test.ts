import { CertificationAuthority, createCertificationRequest, Name, type Extension } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { ascending, der, nullValue, octets, oid, sequence, utf8String } from './der.ts';
import { agentName, caName, createEnrollment } from './enrollment-fixture.ts';
import { caCertificateByHand, extendedKeyUsageOf, permittedSubtree } from './handmade-certificate.ts';
import {
  changedCriticality,
  issuer,
  lintOutcome,
  madeCritical,
  orders,
  otherKey,
  replaced,
  soundDraft,
  withExtensions,
  without,
  withProfile,
  written,
  type Draft,
} from './lint-fixture.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { softwareKey } from './software-key.ts';

const skiOid = '2.5.29.14';
const keyUsageOid = '2.5.29.15';
const sanOid = '2.5.29.17';
const akiOid = '2.5.29.35';
const ekuOid = '2.5.29.37';
const applicationPoliciesOid = '1.3.6.1.4.1.311.21.10';
const sidOid = '1.3.6.1.4.1.311.25.2';
const unknownOid = '1.3.6.1.4.1.99999.1';

const keyUsage = (unusedBits: number, bits: number): Extension => ({
  oid: keyUsageOid,
  critical: true,
  value: der(0x03, Uint8Array.of(unusedBits, bits)),
});
const unknown = (critical: boolean): Extension => ({ oid: unknownOid, critical, value: nullValue() });
const upn = (text: string): Uint8Array =>
  der(0xa0, oid('1.3.6.1.4.1.311.20.2.3'), der(0xa0, utf8String(text)));
const names = (...parts: readonly Uint8Array[]): Extension => ({
  oid: sanOid,
  critical: false,
  value: sequence(...ascending(parts)),
});
const aki = (...parts: readonly Uint8Array[]): Extension => ({
  oid: akiOid,
  critical: false,
  value: sequence(...parts),
});
const agent = (): Draft => soundDraft(orders['enrollment-agent']);
const responder = (): Draft => soundDraft(orders['ocsp-responder']);

describe('a certificate with one extension wrong is found', () => {
  test.each<[string, readonly string[], () => Draft]>([
    ['no AKI', ['RFC 5280 4.2.1.1'], () => withExtensions(soundDraft(), without(akiOid))],
    [
      "another CA's AKI",
      ['RFC 5280 4.2.1.1'],
      () => withExtensions(soundDraft(), replaced(aki(der(0x80, otherKey.keyIdentifier)))),
    ],
    [
      'an AKI by issuer and serial number alone',
      ['RFC 5280 4.2.1.1'],
      () =>
        withExtensions(
          soundDraft(),
          replaced(aki(der(0xa1, der(0xa4, caName.der)), der(0x82, issuer.serialNumberOctets))),
        ),
    ],
    [
      'a critical AKI',
      ['RFC 5280 4.2.1.1', 'RFC 5280 4.2'],
      () => withExtensions(soundDraft(), madeCritical(akiOid)),
    ],
    ['no SKI', ['RFC 5280 4.2.1.2'], () => withExtensions(soundDraft(), without(skiOid))],
    [
      "another key's SKI",
      ['RFC 5280 4.2.1.2'],
      () =>
        withExtensions(
          soundDraft(),
          replaced({ oid: skiOid, critical: false, value: octets(otherKey.keyIdentifier) }),
        ),
    ],
    [
      'a critical SKI',
      ['RFC 5280 4.2.1.2', 'RFC 5280 4.2'],
      () => withExtensions(soundDraft(), madeCritical(skiOid)),
    ],
    ['no key usage', ['RFC 5280 4.2.1.3'], () => withProfile(soundDraft(), without(keyUsageOid))],
    [
      'a key usage that may be ignored',
      ['RFC 5280 4.2.1.3'],
      () => withProfile(soundDraft(), changedCriticality(keyUsageOid, false)),
    ],
    [
      'a key that signs certificates',
      ['RFC 5280 4.2.1.3'],
      () => withProfile(soundDraft(), replaced(keyUsage(2, 0x84))),
    ],
    [
      'a key that signs CRLs',
      ['RFC 5280 4.2.1.3'],
      () => withProfile(soundDraft(), replaced(keyUsage(1, 0x82))),
    ],
    [
      'a key that signs nothing',
      ['RFC 5280 4.2.1.3'],
      () => withProfile(soundDraft(), replaced(keyUsage(3, 0x08))),
    ],
    [
      'a CA',
      ['RFC 5280 4.2.1.9'],
      () =>
        withProfile(soundDraft(), (extensions) => [
          ...extensions,
          { oid: '2.5.29.19', critical: true, value: sequence(der(0x01, Uint8Array.of(0xff))) },
        ]),
    ],
    ['any purpose, by silence', ['RFC 5280 4.2.1.12'], () => withProfile(responder(), without(ekuOid))],
    [
      'any purpose, by name',
      ['RFC 5280 4.2.1.12'],
      () => withProfile(responder(), replaced(extendedKeyUsageOf('1.3.6.1.5.5.7.3.9', '2.5.29.37.0'))),
    ],
    [
      'application policies that are not its purposes',
      ['MS-WCCE 2.2.2.7.7.3'],
      () => withProfile(agent(), replaced(extendedKeyUsageOf('1.3.6.1.5.5.7.3.2'))),
    ],
    [
      'application policies that are more than its purposes',
      ['MS-WCCE 2.2.2.7.7.3'],
      () =>
        withProfile(
          agent(),
          replaced({
            oid: applicationPoliciesOid,
            critical: false,
            value: sequence(sequence(oid('1.3.6.1.4.1.311.20.2.1')), sequence(oid('1.3.6.1.5.5.7.3.2'))),
          }),
        ),
    ],
    ['a UPN without a SID', ['MS-PKCA 3.1.5.2.1'], () => withProfile(soundDraft(), without(sidOid))],
    ['a SID without a UPN', ['MS-PKCA 3.1.5.2.1'], () => withProfile(soundDraft(), without(sanOid))],
    [
      'two UPNs',
      ['MS-PKCA 3.1.5.2.1'],
      () =>
        withProfile(soundDraft(), replaced(names(upn('alice@contoso.example'), upn('bob@contoso.example')))),
    ],
    [
      'a critical extension that relying parties do not know',
      ['RFC 5280 4.2'],
      () => withProfile(soundDraft(), (extensions) => [...extensions, unknown(true)]),
    ],
    [
      'an extension that no profile gave',
      ['RFC 5280 4.2'],
      () => withExtensions(soundDraft(), (extensions) => [...extensions, unknown(false)]),
    ],
    [
      'an extension of the profile left out',
      ['RFC 5280 4.2'],
      () => withExtensions(responder(), without('1.3.6.1.5.5.7.48.1.5')),
    ],
    [
      'an extension of the profile with another value',
      ['RFC 5280 4.2'],
      () => withExtensions(soundDraft(), replaced(names(upn('bob@contoso.example')))),
    ],
    [
      'an extension of the profile made critical',
      ['RFC 5280 4.2'],
      () => withExtensions(soundDraft(), madeCritical(sanOid)),
    ],
  ])('%s %j', async (_, expected, draftOf) => {
    const draft = draftOf();
    const { refused, clauses } = lintOutcome(await written(draft), draft);
    expect(clauses).toEqual(expected);
    expect(refused?.code).toBe('CERTIFICATE_NOT_CONFORMANT');
    expect(refused?.message).toContain(`(${expected[0] ?? ''})`);
  });

  test('names that the CA may not certify (RFC 5280 4.2.1.10)', async () => {
    const draft = soundDraft();
    const certificate = await written(draft);
    for (const [base, clauses] of [
      ['DC=contoso,DC=example', []],
      ['DC=fabrikam,DC=example', ['RFC 5280 4.2.1.10']],
    ] as const) {
      const constrained = await caCertificateByHand(await softwareKey('p256'), [
        { oid: skiOid, critical: false, value: octets(issuer.publicKey.keyIdentifier) },
        permittedSubtree(Name.fromString(base)),
      ]);
      const { refused, clauses: found } = lintOutcome(certificate, { ...draft, issuer: constrained });
      expect(found).toEqual(clauses);
      expect(refused?.code).toBe(clauses.length === 0 ? undefined : 'CERTIFICATE_NOT_CONFORMANT');
    }
  });
});

test('what is not wrong is let pass: basic constraints of an end entity, critical purposes and names', async () => {
  const notCa = { oid: '2.5.29.19', critical: true, value: sequence() };
  for (const change of [
    (extensions: readonly Extension[]) => [...extensions, notCa],
    madeCritical(ekuOid),
    madeCritical(sanOid),
    (extensions: readonly Extension[]) => [...extensions, unknown(false)],
  ]) {
    const draft = withProfile(soundDraft(), change);
    expect(lintOutcome(await written(draft), draft)).toEqual({ refused: undefined, clauses: [] });
  }
});

test('a CA with name constraints signs within them, and nothing without', async () => {
  const enrollment = await createEnrollment();
  const { caKey, caOptions } = enrollment;
  const certificate = await caCertificateByHand(caKey, [permittedSubtree(Name.fromString('O=Contoso'))]);
  const ca = new CertificationAuthority({ ...caOptions, certificate });
  const request = await createCertificationRequest(await softwareKey('p256'));
  const outside = { profile: 'enrollment-agent', subject: Name.fromString('CN=Agent,O=Fabrikam') } as const;
  const error = await refusedByCa({ ...enrollment, ca }, request, outside);
  expect(error.code).toBe('CERTIFICATE_NOT_CONFORMANT');
  expect(error.message).toContain('(RFC 5280 4.2.1.10)');
  const inside = { ...outside, subject: agentName };
  expect((await ca.issueForOperator(request, inside)).subject.equals(agentName)).toBe(true);
});
