import {
  CertificationAuthority,
  createCertificationRequest,
  createRootCertificate,
  Name,
  parseApplicationPolicies,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseCertificateTemplate,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseNtdsCaSecurityExtension,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
  userPrincipalNamesIn,
  type Certificate,
  type OperatorOrder,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { hex } from './der.ts';
import {
  agentName,
  alice,
  caName,
  countersignForAlice,
  createEnrollment,
  MemoryDirectory,
  now,
  template,
} from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';
import { softwareKey } from './software-key.ts';

/** extnValue contents of every extension in order, `*` before the critical ones. */
function extensionsOf(certificate: Certificate): [oid: string, value: string][] {
  return certificate.extensions.map(({ oid, critical, value }) => [
    (critical ? '*' : '') + oid,
    Buffer.from(value).toString('hex'),
  ]);
}

/** keyUsage digitalSignature. */
const digitalSignature = ['*2.5.29.15', '03020780'];

/** The four that depend on keys and issuer: SKI, AKI, CDP and AIA as RFC 5280 4.2.1.1, .2, .13 and 4.2.2.1 encode them. */
function issuerExtensions(certificate: Certificate, issuer: Certificate): unknown[] {
  return [
    ['2.5.29.14', `0414${hex(certificate.publicKey.keyIdentifier)}`],
    ['2.5.29.35', `30168014${hex(issuer.publicKey.keyIdentifier)}`],
    ['2.5.29.31', `30293027a025a0238621${ascii('http://pki.contoso.example/ca.crl')}`],
    ['1.3.6.1.5.5.7.1.1', `302f302d06082b060105050730028621${ascii('http://pki.contoso.example/ca.cer')}`],
  ];
}

function ascii(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

test('a hello-logon certificate has these extensions, octet for octet, and no others', async () => {
  const enrollment = await createEnrollment();
  const certificate = await enrollment.ca.issue(await countersignForAlice(enrollment));
  expect(extensionsOf(certificate)).toEqual([
    digitalSignature,
    // Smart card logon and client authentication.
    ['2.5.29.37', '3016060a2b06010401823714020206082b06010505070302'],
    ['1.3.6.1.4.1.311.21.10', '301a300c060a2b060104018237140202300a06082b06010505070302'],
    ['1.3.6.1.4.1.311.21.7', '3017060f2b0601040182371508cbad07818000020164020103'],
    ['2.5.29.17', `3027a025060a2b060104018237140203a0170c15${ascii('alice@contoso.example')}`],
    [
      '1.3.6.1.4.1.311.25.2',
      // GeneralNames { otherName { objectSid, OCTET STRING of the SID's text } } (MS-WCCE 2.2.2.7.7.4).
      '303ea03c060a2b060104018237190201a02e042c532d312d352d32312d313030343333363334382d313137373233383931352d3638323030333333302d353132',
    ],
    ...issuerExtensions(certificate, enrollment.ca.certificate),
  ]);
});

test('what the parsers say of a hello-logon certificate is what the directory says of the user', async () => {
  const enrollment = await createEnrollment();
  const { ca, aliceKey } = enrollment;
  const certificate = await ca.issue(await countersignForAlice(enrollment));
  const value = (oid: string): Uint8Array => certificate.extension(oid) ?? new Uint8Array();
  expect(parseKeyUsage(value('2.5.29.15'))).toEqual(['digitalSignature']);
  const purposes = ['1.3.6.1.4.1.311.20.2.2', '1.3.6.1.5.5.7.3.2'];
  expect(parseExtendedKeyUsage(value('2.5.29.37'))).toEqual(purposes);
  expect(parseApplicationPolicies(value('1.3.6.1.4.1.311.21.10'))).toEqual(purposes);
  expect(parseCertificateTemplate(value('1.3.6.1.4.1.311.21.7'))).toEqual(template);
  expect(userPrincipalNamesIn(parseSubjectAltName(value('2.5.29.17')))).toEqual([alice.upn]);
  expect(parseNtdsCaSecurityExtension(value('1.3.6.1.4.1.311.25.2'))).toBe(alice.sid);
  expect(hex(parseSubjectKeyIdentifier(value('2.5.29.14')))).toBe(hex(certificate.publicKey.keyIdentifier));
  const issuerKeyIdentifier = ca.certificate.extension('2.5.29.14') ?? new Uint8Array();
  expect(hex(parseAuthorityKeyIdentifier(value('2.5.29.35')))).toBe(
    hex(parseSubjectKeyIdentifier(issuerKeyIdentifier)),
  );
  expect(certificate.extension('2.5.29.19')).toBeUndefined();
  expect(certificate.subject.toString()).toBe(alice.distinguishedName);
  expect(hex(certificate.publicKey.subjectPublicKeyInfo)).toBe(hex(aliceKey.publicKey));
});

test('the subject is the whole distinguished name of the directory, RDN by RDN', async () => {
  const enrollment = await createEnrollment();
  const certificate = await enrollment.ca.issue(await countersignForAlice(enrollment));
  expect(hex(certificate.subject.der)).toBe(
    '305b31173015060a0992268993f22c64011916076578616d706c6531173015060a0992268993f22c6401191607636f6e746f736f310f300d060355040b0c0650656f706c653116301406035504030c0d416c696365204578616d706c65',
  );
  expect(certificate.issuer.equals(caName)).toBe(true);
});

test('an enrollment-agent certificate may request certificates and nothing else', async () => {
  const { agentCertificate, ca } = await createEnrollment();
  expect(agentCertificate.subject.equals(agentName)).toBe(true);
  expect(extensionsOf(agentCertificate)).toEqual([
    digitalSignature,
    ['2.5.29.37', '300c060a2b060104018237140201'],
    ['1.3.6.1.4.1.311.21.10', '300e300c060a2b060104018237140201'],
    ...issuerExtensions(agentCertificate, ca.certificate),
  ]);
});

test('a kdc certificate names krbtgt of its realm and its host (RFC 4556 3.2.4)', async () => {
  const { ca, ledger } = await createEnrollment();
  const request = await createCertificationRequest(await softwareKey('p256'));
  const order = { profile: 'kdc', realm: 'CONTOSO.EXAMPLE', hostName: 'dc1.contoso.example' } as const;
  const certificate = await ca.issueForOperator(request, order);
  expect(certificate.subject.toString()).toBe('CN=dc1.contoso.example');
  expect(extensionsOf(certificate)).toEqual([
    ['*2.5.29.15', '03020388'],
    ['2.5.29.37', '301d06072b06010502030506082b0601050507030106082b06010505070302'],
    [
      '2.5.29.17',
      '305c82136463312e636f6e746f736f2e6578616d706c65a04506062b0601050202a03b3039a0111b0f434f4e544f534f2e4558414d504c45a1243022a003020102a11b30191b066b72627467741b0f434f4e544f534f2e4558414d504c45',
    ],
    ...issuerExtensions(certificate, ca.certificate),
  ]);
  expect(await ledger.find(certificate.serialNumber)).toMatchObject({
    profile: 'kdc',
    subject: 'CN=dc1.contoso.example',
    agentSerialNumber: undefined,
  });
});

test('a root certificate may sign certificates of end entities and CRLs', async () => {
  const key = await softwareKey('p256');
  const root = await createRootCertificate(key, caName, now);
  expect(root.subject.equals(caName)).toBe(true);
  expect(root.isIssuedBy(root)).toBe(true);
  expect(extensionsOf(root)).toEqual([
    ['*2.5.29.19', '30060101ff020100'],
    ['*2.5.29.15', '03020106'],
    ['2.5.29.14', `0414${hex(root.publicKey.keyIdentifier)}`],
  ]);
  expect(parseBasicConstraints(root.extension('2.5.29.19') ?? new Uint8Array())).toEqual({
    cA: true,
    pathLenConstraint: 0,
  });
});

test('no root certificate without a name', async () => {
  const key = await softwareKey('p256');
  const error = await refusal(async () => createRootCertificate(key, Name.empty, now));
  expect(error.code).toBe('NAME_MALFORMED');
});

test.each<[string, OperatorOrder]>([
  ['an empty host name', { profile: 'kdc', realm: 'CONTOSO.EXAMPLE', hostName: '' }],
  [
    'a host name that is not ASCII',
    { profile: 'kdc', realm: 'CONTOSO.EXAMPLE', hostName: 'dc1.müller.example' },
  ],
])('an order for a kdc with %s is refused', async (_, order) => {
  const { ca, ledger } = await createEnrollment();
  const request = await createCertificationRequest(await softwareKey('p256'));
  const error = await refusal(async () => ca.issueForOperator(request, order));
  expect(['NAME_MALFORMED', 'VALUE_OUT_OF_RANGE']).toContain(error.code);
  expect(ledger.recorded).toHaveLength(1);
});

test('an operator gets no certificate for a request whose proof of possession fails', async () => {
  const { ca, ledger } = await createEnrollment();
  const request = await createCertificationRequest(await softwareKey('p256'));
  const altered = Uint8Array.from(request);
  // The last octet is the end of s.
  altered.set([(altered.at(-1) ?? 0) ^ 1], altered.length - 1);
  const order = { profile: 'enrollment-agent', subject: agentName } as const;
  const error = await refusal(async () => ca.issueForOperator(altered, order));
  expect(error.code).toBe('PROOF_OF_POSSESSION_INVALID');
  expect(error.adcs).toEqual({ symbol: 'NTE_BAD_SIGNATURE', hresult: 0x80090006 });
  expect(ledger.recorded).toHaveLength(1);
  expect((await ledger.audit()).at(-1)).toMatchObject({
    event: 'request-refused',
    details: { code: 'PROOF_OF_POSSESSION_INVALID' },
  });
});

test.each([
  ['CN=Alice,DC=contoso,DC=example', 'S-1-5-21-1-2-3-4', 'alice@contoso.example'],
  [
    'CN=Åsa Öberg+UID=asa,OU=Vård,DC=contoso,DC=example',
    'S-1-5-21-4294967295-0-1-1500',
    'åsa@contoso.example',
  ],
])(
  '%s: subject, SID and UPN are carried over as the directory writes them',
  async (distinguishedName, sid, upn) => {
    const enrollment = await createEnrollment();
    const directory = new MemoryDirectory({ ...alice, distinguishedName, sid, upn });
    const ca = new CertificationAuthority({ ...enrollment.caOptions, directory });
    const certificate = await ca.issue(await countersignForAlice(enrollment));
    expect(certificate.subject.equals(Name.fromString(distinguishedName))).toBe(true);
    const value = (oid: string): Uint8Array => certificate.extension(oid) ?? new Uint8Array();
    expect(parseNtdsCaSecurityExtension(value('1.3.6.1.4.1.311.25.2'))).toBe(sid);
    expect(userPrincipalNamesIn(parseSubjectAltName(value('2.5.29.17')))).toEqual([upn]);
  },
);
