import { MemoryLedger, type SerialReservation } from '@countersign/core';
import { expect, test } from 'vitest';
import { refusal } from './refusal.ts';

const at = new Date('2026-03-04T05:06:07Z');

function reservation(serialNumber: string, changes: Partial<SerialReservation> = {}): SerialReservation {
  return {
    serialNumber,
    profile: 'kdc',
    subject: 'CN=dc1.contoso.example',
    agentSerialNumber: undefined,
    requestDigest: serialNumber.padEnd(64, '0'),
    keyId: serialNumber.padEnd(64, '1'),
    keyOwner: 'CN=dc1.contoso.example',
    tbsCertificate: Uint8Array.of(1),
    notAfter: new Date('2027-03-04T05:06:07Z'),
    reservedAt: at,
    ...changes,
  };
}

test('a serial number is reserved once, and so is a request', async () => {
  const ledger = new MemoryLedger();
  await ledger.reserve(reservation('40'));
  const sameSerial = reservation('40', { requestDigest: 'f'.repeat(64) });
  expect((await refusal(async () => ledger.reserve(sameSerial))).code).toBe('LEDGER_CONFLICT');
  const sameRequest = reservation('41', { requestDigest: reservation('40').requestDigest });
  expect((await refusal(async () => ledger.reserve(sameRequest))).code).toBe('REQUEST_REPLAYED');
  expect(await ledger.find('41')).toBeUndefined();
  // A refused reservation reserves nothing: neither its request nor its serial number.
  await ledger.reserve(reservation('41', { requestDigest: 'f'.repeat(64) }));
});

test('a certificate is recorded once, under a serial number that was reserved', async () => {
  const ledger = new MemoryLedger();
  const unknown = await refusal(async () => ledger.record('40', Uint8Array.of(1)));
  expect(unknown.code).toBe('LEDGER_CONFLICT');
  await ledger.reserve(reservation('40'));
  expect((await ledger.find('40'))?.certificate).toBeUndefined();
  const certificate = Uint8Array.of(1, 2, 3);
  await ledger.record('40', certificate);
  certificate.fill(0);
  expect((await ledger.find('40'))?.certificate).toEqual(Uint8Array.of(1, 2, 3));
  expect((await refusal(async () => ledger.record('40', certificate))).code).toBe('LEDGER_CONFLICT');
});

test('a revocation survives the recording that comes after it', async () => {
  const ledger = new MemoryLedger();
  await ledger.reserve(reservation('40'));
  await ledger.revoke('40', { reason: 'cessationOfOperation', revokedAt: at });
  await ledger.record('40', Uint8Array.of(1));
  expect((await ledger.find('40'))?.revocation?.reason).toBe('cessationOfOperation');
  expect((await ledger.beginCrl(at)).revoked).toEqual([
    { serialNumber: '40', reason: 'cessationOfOperation', revokedAt: at },
  ]);
});

test('refusals are rejections: nothing is thrown before there is a promise', async () => {
  const ledger = new MemoryLedger();
  await ledger.reserve(reservation('40'));
  const promises = [
    ledger.reserve(reservation('40')),
    ledger.record('41', Uint8Array.of(1)),
    ledger.revoke('41', { reason: 'superseded', revokedAt: at }),
  ];
  const results = await Promise.allSettled(promises);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  await ledger.close();
});
