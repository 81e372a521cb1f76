import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { kdfA, kdfE } from '../../src/session/index.ts';

const hashes = ['sha256', 'sha384', 'sha512'] as const;
const lengths = [1, 16, 31, 32, 33, 48, 64, 100];

test.each(hashes)('KDFa over %s is the KBKDF of OpenSSL, in counter mode over HMAC', (hash) => {
  for (const length of lengths) {
    const [key, u, v] = [randomBytes(32), randomBytes(32), randomBytes(16)];
    const expected = openssl('KBKDF', length, {
      mac: 'HMAC',
      digest: hash,
      mode: 'COUNTER',
      hexkey: key.toString('hex'),
      salt: 'ATH',
      hexinfo: Buffer.concat([u, v]).toString('hex'),
    });
    expect(hex(kdfA(hash, key, 'ATH', u, v, length))).toBe(expected);
    // Long enough not to meet by chance.
    if (length >= 16) expect(hex(kdfA(hash, key, 'CFB', u, v, length))).not.toBe(expected);
  }
});

test.each(hashes)('KDFe over %s is the SSKDF of OpenSSL', (hash) => {
  for (const length of lengths) {
    const [z, u, v] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const info = Buffer.concat([Buffer.from('SECRET\0'), u, v]).toString('hex');
    const expected = openssl('SSKDF', length, { digest: hash, hexkey: z.toString('hex'), hexinfo: info });
    expect(hex(kdfE(hash, z, 'SECRET', u, v, length))).toBe(expected);
  }
});

function openssl(kdf: string, length: number, options: Readonly<Record<string, string>>): string {
  const list = Object.entries(options).flatMap(([name, value]) => ['-kdfopt', `${name}:${value}`]);
  const output = execFileSync('openssl', ['kdf', '-keylen', String(length), ...list, kdf], {
    encoding: 'utf8',
  });
  return output.replaceAll(/[:\s]/gu, '').toLowerCase();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
