import { createPrivateKey, sign as signWith } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Certificate,
  CertificationRequest,
  createCountersignedRequest,
  decodePemOrDer,
  type Key,
} from '@countersign/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  alice,
  caIssue,
  countersignFor,
  enrollmentSite,
  expectCleanRefusal,
  raCountersign,
  type Site,
} from './enrollment-site.ts';
import { openssl } from './openssl.ts';

let site: Site;
beforeAll(async () => {
  site = await enrollmentSite();
  await countersignFor(site, 'alice.pem', 'alice.cms');
  await site.runJson(caIssue('alice.cms', 'alice.crt'));
});
afterAll(async () => site.remove());

test('the agent of another CA is refused, though that CA has the same name', async () => {
  const other = await enrollmentSite();
  try {
    await writeFile(join(site.path, 'other-ca.pem'), await readFile(join(other.path, 'ca', 'ca.pem')));
    const subjects = ['other-ca.pem', 'ca/ca.pem'].map(async (file) =>
      openssl(['x509', '-in', file, '-noout', '-subject'], site.path),
    );
    const [otherSubject, ownSubject] = await Promise.all(subjects);
    expect(otherSubject).toBe(ownSubject);

    await countersignFor(other, 'alice.pem', 'alice.cms');
    await writeFile(join(site.path, 'foreign.cms'), await readFile(join(other.path, 'alice.cms')));
    await expectCleanRefusal(site, 'CERTIFICATE_NOT_TRUSTED', caIssue('foreign.cms', 'out.pem'));
    // At home the same file is good.
    await other.runJson(caIssue('alice.cms', 'alice.crt'));
  } finally {
    await other.remove();
  }
});

test('a certificate of this CA without the enrollment agent purpose is refused: the user signs for herself', async () => {
  await writeFile(join(site.path, 'self.cms'), await countersignedBy('alice.key', 'alice.crt'));
  const refusal = await expectCleanRefusal(site, 'AGENT_NOT_AUTHORIZED', caIssue('self.cms', 'out.pem'));
  expect(refusal.message).toContain('1.3.6.1.4.1.311.20.2.1');
});

test('an agent enrolls whom its rights in ca.json name, and nobody else', async () => {
  const path = join(site.path, 'ca', 'ca.json');
  const before = await readFile(path, 'utf8');
  const restrict = async (right: Record<string, unknown>): Promise<void> => {
    const agentRights = [
      { agent: 'CN=Countersign Registration Authority', profiles: ['hello-logon'], ...right },
    ];
    await writeFile(path, JSON.stringify({ ...JSON.parse(before), agentRights }));
  };
  try {
    await countersignFor(site, 'alice.pem', 'again.cms');
    await restrict({ subjects: ['S-1-5-21-1-2-3-999'] });
    await expectCleanRefusal(site, 'AGENT_RESTRICTED', caIssue('again.cms', 'out.pem'));
    await restrict({ subjects: [alice.sid] });
    await site.runJson(caIssue('again.cms', 'again.crt'));
    await restrict({ everybody: true });
    await expectCleanRefusal(site, 'STATE_DAMAGED', caIssue('again.cms', 'out.pem'));
  } finally {
    await writeFile(path, before);
  }
});

test('a self-made certificate with the purpose is refused', async () => {
  const forge = ['req', '-x509', '-new', '-key', 'alice.key', '-subj', '/CN=Countersign CA'];
  const purpose = [
    '-addext',
    'extendedKeyUsage=1.3.6.1.4.1.311.20.2.1',
    '-addext',
    'keyUsage=digitalSignature',
  ];
  const notCa = ['-addext', 'basicConstraints=critical,CA:false'];
  await openssl([...forge, ...purpose, ...notCa, '-out', 'forged.crt'], site.path);
  await writeFile(join(site.path, 'forged.cms'), await countersignedBy('alice.key', 'forged.crt'));
  await expectCleanRefusal(site, 'CERTIFICATE_NOT_TRUSTED', caIssue('forged.cms', 'out.pem'));
});

test('the agent’s certificate over somebody else’s signature is refused', async () => {
  await openssl(['x509', '-in', 'ra/ra.pem', '-out', 'agent.crt'], site.path);
  await writeFile(join(site.path, 'borrowed.cms'), await countersignedBy('alice.key', 'agent.crt'));
  await expectCleanRefusal(site, 'SIGNATURE_INVALID', caIssue('borrowed.cms', 'out.pem'));
});

test('a signature by openssl cms, which names no requester, is refused', async () => {
  await openssl(['req', '-in', 'alice.pem', '-outform', 'DER', '-out', 'alice.der'], site.path);
  const sign = ['cms', '-sign', '-binary', '-nodetach', '-nosmimecap', '-md', 'sha256', '-outform', 'DER'];
  const files = ['-in', 'alice.der', '-signer', 'alice.crt', '-inkey', 'alice.key', '-out', 'openssl.cms'];
  await openssl([...sign, ...files], site.path);
  await expectCleanRefusal(site, 'REQUESTER_MISMATCH', caIssue('openssl.cms', 'out.pem'));
});

test('an expired agent is refused, by the RA and by the CA', async () => {
  // The CA and its RA came to be three years ago; an agent's certificate is good for two.
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(clockSetBack(3 * 365))}` };
  const old = await enrollmentSite({ env });
  try {
    const dates = await openssl(
      ['x509', '-in', 'ra/ra.pem', '-noout', '-checkend', '-31536000'],
      old.path,
    ).catch(() => 'expired more than a year ago');
    expect(dates).toBe('Certificate will not expire\n');
    expect((await old.run(raCountersign('alice.pem', 'back-then.cms'), env)).status).toBe(0);
    await expectCleanRefusal(old, 'CERTIFICATE_EXPIRED', caIssue('back-then.cms', 'out.pem'));
    await expectCleanRefusal(old, 'CERTIFICATE_EXPIRED', raCountersign('alice.pem', 'out.cms'));
    // Back then it was good.
    expect((await old.run(caIssue('back-then.cms', 'out.pem'), env)).status).toBe(0);
  } finally {
    await old.remove();
  }
});

test('a revoked agent is refused, and what it countersigned before as well', async () => {
  await countersignFor(site, 'alice.pem', 'before.cms');
  const serial = await openssl(['x509', '-in', 'ra/ra.pem', '-noout', '-serial'], site.path);
  await site.runJson(['ca', 'revoke', '--dir', 'ca', serial.trim().replace('serial=', '')]);
  await expectCleanRefusal(site, 'CERTIFICATE_REVOKED', caIssue('before.cms', 'out.pem'));
  // Another agent of the same CA goes on.
  await site.runJson(['ra', 'init', '--dir', 'ra2', '--ca', 'ca']);
  const [, , , , ...rest] = raCountersign('alice.pem', 'after.cms');
  await site.runJson(['ra', 'countersign', '--dir', 'ra2', ...rest]);
  await site.runJson(caIssue('after.cms', 'after.crt'));
});

/** Alice's request, in the form of AD CS, signed by a key in a PEM file. */
async function countersignedBy(keyFile: string, certificateFile: string): Promise<Uint8Array> {
  const certificate = Certificate.parse(await derOf(certificateFile, 'CERTIFICATE'));
  const request = CertificationRequest.parse(await derOf('alice.pem', 'CERTIFICATE REQUEST'));
  const privateKey = createPrivateKey(await readFile(join(site.path, keyFile)));
  const key: Key = {
    ref: keyFile,
    label: keyFile,
    algorithm: 'p256',
    publicKey: certificate.publicKey.subjectPublicKeyInfo,
    schemes: ['ecdsa-sha256'],
    sign: async (_scheme, message) => signWith('sha256', message, privateKey),
  };
  return createCountersignedRequest(key, 'ecdsa-sha256', certificate, request, alice.account);
}

async function derOf(file: string, label: string): Promise<Uint8Array> {
  return decodePemOrDer(await readFile(join(site.path, file)), [label]);
}

/** Source of a module after which the process lives in the past. */
function clockSetBack(days: number): string {
  return `
    const Now = Date, back = ${days * 86_400_000};
    globalThis.Date = class Date extends Now {
      constructor(...parts) { if (parts.length === 0) super(Now.now() - back); else super(...parts); }
      static now() { return Now.now() - back; }
    };`;
}
