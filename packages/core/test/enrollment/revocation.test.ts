import { execFile } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CertificateList,
  CertificationAuthority,
  encodePem,
  isRevocationReason,
  revocationReasonCodes,
  type RevocationReason,
} from '@countersign/core';
import { expect, onTestFinished, test } from 'vitest';
import { der, descend, elements, hex, integer, octets, oid, sequence } from './der.ts';
import { caName, countersignForAlice, createEnrollment, now, type Enrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';

/** RFC 5280 5.3.1. */
const reasons: readonly [RevocationReason, number][] = [
  ['unspecified', 0],
  ['keyCompromise', 1],
  ['cACompromise', 2],
  ['affiliationChanged', 3],
  ['superseded', 4],
  ['cessationOfOperation', 5],
  ['certificateHold', 6],
  ['privilegeWithdrawn', 9],
  ['aACompromise', 10],
];

test('the reasons are those of RFC 5280, without the one that is only for delta CRLs', () => {
  expect(Object.entries(revocationReasonCodes)).toEqual(reasons);
  expect(isRevocationReason('superseded')).toBe(true);
  for (const text of ['removeFromCRL', 'Superseded', '', 'toString'])
    expect(isRevocationReason(text)).toBe(false);
});

test('a serial number that the ledger does not know cannot be revoked', async () => {
  const { ca, ledger } = await createEnrollment();
  for (const serialNumber of ['', '00', '40'.repeat(18)]) {
    const error = await refusal(async () => ca.revoke(serialNumber, 'keyCompromise'));
    expect(error.code).toBe('REVOCATION_NOT_POSSIBLE');
  }
  expect(await ledger.audit()).toHaveLength(1);
  expect((await ledger.beginCrl(now)).revoked).toEqual([]);
});

test('what is revoked stays revoked as it was', async () => {
  const { ca, ledger, agentCertificate } = await createEnrollment();
  const { serialNumber } = agentCertificate;
  await ca.revoke(serialNumber, 'keyCompromise');
  for (const again of [() => ca.revoke(serialNumber, 'superseded'), () => ca.release(serialNumber)]) {
    expect((await refusal(again)).code).toBe('REVOCATION_NOT_POSSIBLE');
  }
  const { revocation } = (await ledger.find(serialNumber)) ?? {};
  expect(revocation).toEqual({ reason: 'keyCompromise', revokedAt: now });
  expect((await ledger.audit()).slice(1)).toMatchObject([
    { at: now, event: 'certificate-revoked', details: { serialNumber, reason: 'keyCompromise' } },
  ]);
});

test('an agent on hold may not countersign, and may again once it is released', async () => {
  const enrollment = await createEnrollment();
  const { ca, ledger, agentCertificate } = enrollment;
  const { serialNumber } = agentCertificate;
  await ca.revoke(serialNumber, 'certificateHold');
  const refused = await refusal(async () => ca.issue(await countersignForAlice(enrollment)));
  expect(refused.code).toBe('CERTIFICATE_REVOKED');
  expect(
    CertificateList.parse(await ca.createCrl()).find(ca.certificate.subject, serialNumber),
  ).toMatchObject({
    reason: 'certificateHold',
  });
  await ca.release(serialNumber);
  await ca.issue(await countersignForAlice(enrollment));
  expect(
    CertificateList.parse(await ca.createCrl()).find(ca.certificate.subject, serialNumber),
  ).toBeUndefined();
  const events = (await ledger.audit()).map(({ event }) => event);
  expect(events).toContain('certificate-released');
  expect((await refusal(() => ca.release(serialNumber))).code).toBe('REVOCATION_NOT_POSSIBLE');
});

test('a hold may become a revocation for good', async () => {
  const { ca, agentCertificate } = await createEnrollment();
  await ca.revoke(agentCertificate.serialNumber, 'certificateHold');
  await ca.revoke(agentCertificate.serialNumber, 'keyCompromise');
  expect((await refusal(() => ca.release(agentCertificate.serialNumber))).code).toBe(
    'REVOCATION_NOT_POSSIBLE',
  );
});

test('a CRL without entries has no list at all (RFC 5280 5.1.2.6)', async () => {
  const { ca, ledger } = await createEnrollment();
  const crl = parsedCrl(await ca.createCrl());
  expect(hex(crl.version)).toBe('020101');
  expect(hex(crl.issuer)).toBe(hex(caName.der));
  expect(crl.thisUpdate).toBe('260304050607Z');
  expect(crl.nextUpdate).toBe('260311050607Z');
  expect(crl.entries).toBeUndefined();
  expect(hex(crl.extensions)).toBe(hex(crlExtensions(ca, 1)));
  expect((await ledger.audit()).at(-1)).toMatchObject({
    at: now,
    event: 'crl-issued',
    details: { number: '1', entries: '0' },
  });
});

test('a CRL lists every revoked certificate in order of revocation, with time and reason', async () => {
  const enrollment = await createEnrollment();
  const { ca, clock, ledger } = enrollment;
  const certificates = [];
  for (let i = 0; i < reasons.length; i++)
    certificates.push(await ca.issue(await countersignForAlice(enrollment)));
  const expected: Uint8Array[] = [];
  for (const [i, [reason, code]] of reasons.entries()) {
    // Against the order of issuance.
    const certificate = certificates[reasons.length - 1 - i];
    if (certificate === undefined) throw new Error('there is one for each reason');
    clock.now = new Date(now.getTime() + i * 1000);
    await ca.revoke(certificate.serialNumber, reason);
    const reasonCode = sequence(sequence(oid('2.5.29.21'), octets(der(0x0a, Uint8Array.of(code)))));
    expected.push(
      sequence(
        der(0x02, certificate.serialNumberOctets),
        der(0x17, Buffer.from(`2603040506${String(7 + i).padStart(2, '0')}Z`)),
        ...(code === 0 ? [] : [reasonCode]),
      ),
    );
  }
  const crl = parsedCrl(await ca.createCrl());
  expect(crl.entries?.map(hex)).toEqual(expected.map(hex));
  expect(crl.thisUpdate).toBe('260304050615Z');
  expect((await ledger.audit()).at(-1)).toMatchObject({ details: { number: '1', entries: '9' } });
});

test('CRL numbers rise by one, also when CRLs are made at once', async () => {
  const { ca } = await createEnrollment();
  const first = [await ca.createCrl(), await ca.createCrl()];
  const atOnce = await Promise.all(Array.from({ length: 20 }, async () => ca.createCrl()));
  const numbers = [...first, ...atOnce].map((crl) => hex(parsedCrl(crl).extensions));
  expect(numbers).toEqual(Array.from({ length: 22 }, (_, i) => hex(crlExtensions(ca, i + 1))));
});

test('an expired certificate leaves the CRL after it stood on one more', async () => {
  const enrollment = await createEnrollment();
  const { ca, clock } = enrollment;
  const certificate = await ca.issue(await countersignForAlice(enrollment));
  await ca.revoke(certificate.serialNumber, 'superseded');
  clock.now = new Date(certificate.notAfter.getTime() - 1);
  expect(parsedCrl(await ca.createCrl()).entries).toHaveLength(1);
  clock.now = new Date(certificate.notAfter.getTime() + 1);
  // RFC 5280 3.3: it must appear on one CRL beyond its validity, so that nobody misses it who looks now and then.
  expect(parsedCrl(await ca.createCrl()).entries).toHaveLength(1);
  clock.now = new Date(clock.now.getTime() + 1);
  expect(parsedCrl(await ca.createCrl()).entries).toBeUndefined();
});

test('how long a CRL is good for is the choice of the CA', async () => {
  const { caOptions } = await createEnrollment();
  const ca = new CertificationAuthority({ ...caOptions, crlValidityMs: 3_600_000 });
  const { thisUpdate, nextUpdate } = parsedCrl(await ca.createCrl());
  expect([thisUpdate, nextUpdate]).toEqual(['260304050607Z', '260304060607Z']);
});

test.each(['p256', 'p384', 'rsa2048', 'ed25519'] as const)(
  'the signature of a CRL is by the %s key of the CA, over all of it',
  async (algorithm) => {
    const { ca, agentCertificate } = await createEnrollment({ ca: algorithm });
    await ca.revoke(agentCertificate.serialNumber, 'superseded');
    const crl = await ca.createCrl();
    const key = createPublicKey({
      key: Buffer.from(ca.certificate.publicKey.subjectPublicKeyInfo),
      format: 'der',
      type: 'spki',
    });
    const hash = { p256: 'sha256', p384: 'sha384', rsa2048: 'sha256', ed25519: undefined }[algorithm];
    const toBeSigned = Uint8Array.from(descend(crl, [0, 0]).whole);
    const signature = descend(crl, [0, 2]).contents.subarray(1);
    expect(verify(hash, toBeSigned, key, signature)).toBe(true);
    toBeSigned.set([(toBeSigned.at(-1) ?? 0) ^ 1], toBeSigned.length - 1);
    expect(verify(hash, toBeSigned, key, signature)).toBe(false);
    // RFC 5280 5.1.1.2: the same algorithm inside and outside.
    expect(hex(descend(crl, [0, 1]).whole)).toBe(hex(descend(crl, [0, 0, 1]).whole));
  },
);

test('openssl finds a certificate good before, and revoked after', async () => {
  const enrollment = await createEnrollment();
  // openssl goes by the time of the CRL and of the certificates, which is given to it below.
  const { ca } = enrollment;
  const certificate = await ca.issue(await countersignForAlice(enrollment));
  const before = await ca.createCrl();
  await ca.revoke(certificate.serialNumber, 'keyCompromise');
  const after = await ca.createCrl();
  expect(await opensslVerify(enrollment, certificate.der, before)).toContain('certificate.pem: OK');
  expect(await opensslVerify(enrollment, certificate.der, after)).toContain('certificate revoked');
});

/** What `openssl verify` says of a certificate, at the time of the tests' clock, with this CRL. */
async function opensslVerify({ ca }: Enrollment, certificate: Uint8Array, crl: Uint8Array): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-crl-'));
  onTestFinished(async () => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'ca.pem'), encodePem('CERTIFICATE', ca.certificate.der));
  await writeFile(join(directory, 'certificate.pem'), encodePem('CERTIFICATE', certificate));
  await writeFile(join(directory, 'crl.der'), crl);
  const openssl = async (...options: string[]): Promise<string> =>
    promisify(execFile)('openssl', options, { cwd: directory }).then(
      ({ stdout, stderr }) => stdout + stderr,
      (error: unknown) =>
        error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error),
    );
  const crlOptions = ['-inform', 'DER', '-in', 'crl.der', '-CAfile', 'ca.pem', '-out', 'crl.pem'];
  expect(await openssl('crl', ...crlOptions)).toContain('verify OK');
  const at = String(Math.floor(now.getTime() / 1000));
  const options = ['-attime', at, '-CAfile', 'ca.pem', '-crl_check', '-CRLfile', 'crl.pem', '-x509_strict'];
  return openssl('verify', ...options, 'certificate.pem');
}

interface ParsedCrl {
  readonly version: Uint8Array | undefined;
  readonly issuer: Uint8Array | undefined;
  readonly thisUpdate: string;
  readonly nextUpdate: string;
  readonly entries: Uint8Array[] | undefined;
  /** crlExtensions, with its context tag. */
  readonly extensions: Uint8Array | undefined;
}

/** RFC 5280 5.1: every part in its place, whatever it holds. */
function parsedCrl(crl: Uint8Array): ParsedCrl {
  const parts = elements(descend(crl, [0, 0]).contents);
  const [version, , issuer, thisUpdate, nextUpdate, ...rest] = parts;
  const list = rest.find(({ identifier }) => identifier === 0x30);
  return {
    version: version?.whole,
    issuer: issuer?.whole,
    thisUpdate: Buffer.from(thisUpdate?.contents ?? []).toString('latin1'),
    nextUpdate: Buffer.from(nextUpdate?.contents ?? []).toString('latin1'),
    entries: list === undefined ? undefined : elements(list.contents).map(({ whole }) => whole),
    extensions: rest.find(({ identifier }) => identifier === 0xa0)?.whole,
  };
}

/** Authority key identifier and CRL number, neither critical (RFC 5280 5.2.1, 5.2.3). */
function crlExtensions(ca: CertificationAuthority, number: number): Uint8Array {
  return der(
    0xa0,
    sequence(
      sequence(oid('2.5.29.35'), octets(sequence(der(0x80, ca.certificate.publicKey.keyIdentifier)))),
      sequence(oid('2.5.29.20'), octets(integer(number))),
    ),
  );
}
