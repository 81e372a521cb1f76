import { execFileSync } from 'node:child_process';
import { sign } from 'node:crypto';
import {
  CertificationAuthority,
  createRootCertificate,
  MemoryLedger,
  Name,
  type Key,
  type RevokedEntry,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { readTree } from '../encodings/der.ts';
import { exampleKey, examplePublicKey } from '../encodings/documents.ts';

const now = new Date('2026-06-01T00:00:00Z');

const key: Key = {
  ref: 'memory:id=00',
  label: 'CA',
  algorithm: 'p256',
  publicKey: examplePublicKey,
  schemes: ['ecdsa-sha256'],
  sign: async (_, message) => Promise.resolve(sign('sha256', message, exampleKey)),
};

test.each([0, 1, 150_000])('a CRL lists %i revoked certificates, and OpenSSL reads it', async (count) => {
  const revoked = Array.from({ length: count }, (_, i): RevokedEntry => ({
    serialNumber: (0x40000000 + i).toString(16),
    reason: 'superseded',
    revokedAt: now,
  }));
  const ledger = new MemoryLedger();
  ledger.beginCrl = async () => Promise.resolve({ number: 1, revoked });
  ledger.recordCrl = async () => Promise.resolve();
  const authority = new CertificationAuthority({
    key,
    certificate: await createRootCertificate(key, Name.fromString('CN=CA'), now),
    directory: { findByUpn: nobody, findByAccount: nobody },
    ledger,
    helloLogonTemplate: { oid: '1.2.3', majorVersion: 1, minorVersion: 0 },
    crlUris: [],
    caIssuersUris: [],
    clock: () => now,
  });
  const crl = await authority.createCrl();
  // RFC 5280 5.1: revokedCertificates stands behind the two times, and is absent where nothing is revoked.
  const entries = readTree(crl)
    .children?.[0]?.children?.slice(5)
    .find(({ identifier }) => identifier === 0x30);
  expect(entries?.children?.length ?? 0).toBe(count);
  const number = execFileSync('openssl', ['crl', '-inform', 'DER', '-noout', '-crlnumber'], {
    input: crl,
    encoding: 'utf8',
  });
  expect(number.trim()).toBe('crlNumber=0x01');
});

async function nobody(): Promise<undefined> {
  return Promise.resolve(undefined);
}
