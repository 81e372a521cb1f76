import { CertificationAuthority, CountersignError, type Key } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { PreparedCertificate } from '../../src/ca/issuance/prepared-certificate.ts';
import { hex } from './der.ts';
import { countersignForAlice, createEnrollment, now, type Enrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';

const outage = new CountersignError('LEDGER_UNAVAILABLE', 'the disk is full', 'Make room.');

describe('a prepared certificate', () => {
  test('is redeemed once', async () => {
    const prepared = new PreparedCertificate('40', now, Uint8Array.of(0x30, 0));
    expect(hex(prepared.redeem())).toBe('3000');
    for (let i = 0; i < 2; i++) {
      const error = await refusal(() => prepared.redeem());
      expect(error.code).toBe('LEDGER_CONFLICT');
      expect(error.message).toContain('40');
    }
    expect(hex(prepared.tbsCertificate)).toBe('3000');
  });

  test('cannot be written to once it is checked', () => {
    const checked = Uint8Array.of(0x30, 0);
    const prepared = new PreparedCertificate('40', now, checked);
    for (const bytes of [checked, prepared.tbsCertificate, prepared.redeem()]) bytes.fill(0xff);
    expect(hex(prepared.tbsCertificate)).toBe('3000');
  });
});

describe('once a serial number is reserved, whatever fails issues nothing and revokes the number', () => {
  test.each<[string, string, (enrollment: Enrollment) => Partial<Key>]>([
    [
      'a key that writes to what it is given, and signs that',
      'CERTIFICATE_NOT_CONFORMANT',
      ({ caKey }) => ({
        sign: async (scheme, message) => {
          overwrite(message, 'Alice Example', 'Administrator');
          return caKey.sign(scheme, message);
        },
      }),
    ],
    [
      'a key that writes to what it is given, having signed it',
      'CERTIFICATE_NOT_CONFORMANT',
      ({ caKey }) => ({
        sign: async (scheme, message) => {
          const signature = await caKey.sign(scheme, Uint8Array.from(message));
          overwrite(message, 'Alice Example', 'Administrator');
          return signature;
        },
      }),
    ],
    [
      'a key that signs something else',
      'SIGNATURE_INVALID',
      ({ caKey }) => ({
        sign: async (scheme, message) => {
          const other = Uint8Array.from(message);
          overwrite(other, 'Alice Example', 'Administrator');
          return caKey.sign(scheme, other);
        },
      }),
    ],
    [
      'a key that is another',
      'SIGNATURE_INVALID',
      ({ agentKey }) => ({ sign: async (...given) => agentKey.sign(...given) }),
    ],
  ])('%s', async (_, code, changes) => {
    const enrollment = await createEnrollment();
    const key = { ...enrollment.caKey, ...changes(enrollment) };
    const ca = new CertificationAuthority({ ...enrollment.caOptions, key });
    const request = await countersignForAlice(enrollment);
    const error = await refusal(async () => ca.issue(request));
    expect(error.code).toBe(code);
    await expectWithdrawn(enrollment, code);
    await enrollment.ca.issue(await countersignForAlice(enrollment));
  });

  test('a ledger that cannot record', async () => {
    const enrollment = await createEnrollment();
    const { ca, ledger } = enrollment;
    ledger.failAt('record', outage);
    const request = await countersignForAlice(enrollment);
    await expect(ca.issue(request)).rejects.toBe(outage);
    await expectWithdrawn(enrollment, 'LEDGER_UNAVAILABLE');
  });

  test('an audit that cannot take the record of it', async () => {
    const enrollment = await createEnrollment();
    const { ca, ledger } = enrollment;
    ledger.failAt('appendAudit', outage, 'certificate-issued');
    const request = await countersignForAlice(enrollment);
    await expect(ca.issue(request)).rejects.toBe(outage);
    await expectWithdrawn(enrollment, 'LEDGER_UNAVAILABLE');
  });

  test('a ledger that cannot revoke either leaves the number reserved, for an operator to revoke', async () => {
    const enrollment = await createEnrollment();
    const { ca, ledger } = enrollment;
    ledger.failAt('record', outage);
    ledger.failAt('revoke', new Error('the second failure'));
    const request = await countersignForAlice(enrollment);
    // The first failure is the one that tells what happened.
    await expect(ca.issue(request)).rejects.toBe(outage);
    ledger.recover();
    const { serialNumber = '' } = ledger.reservations.at(-1) ?? {};
    expect(await ledger.find(serialNumber)).toMatchObject({ certificate: undefined, revocation: undefined });
    await ca.revoke(serialNumber, 'cessationOfOperation');
    expect((await ledger.beginCrl(now)).revoked).toMatchObject([{ serialNumber }]);
  });
});

/** The last reservation led to no certificate, stands on the next CRL, and the audit says why: once, and in order. */
async function expectWithdrawn({ ledger }: Enrollment, code: string): Promise<void> {
  ledger.recover();
  const { serialNumber = '', reservedAt } = ledger.reservations.at(-1) ?? {};
  expect(ledger.reservations).toHaveLength(2);
  expect(ledger.recorded).toHaveLength(1);
  const revocation = { reason: 'cessationOfOperation', revokedAt: reservedAt };
  expect(await ledger.find(serialNumber)).toMatchObject({ certificate: undefined, revocation });
  expect((await ledger.audit()).slice(1)).toMatchObject([
    { event: 'issuance-failed', details: { serialNumber, reason: 'cessationOfOperation', code } },
    { event: 'request-refused', details: { code } },
  ]);
  expect((await ledger.beginCrl(now)).revoked).toMatchObject([{ serialNumber }]);
}

/** Replaces a text by another of the same length, in place. */
function overwrite(bytes: Uint8Array, from: string, to: string): void {
  const at = Buffer.from(bytes).indexOf(from);
  if (at < 0 || from.length !== to.length) throw new Error(`${from} is not there, or not as long as ${to}`);
  bytes.set(Buffer.from(to), at);
}
