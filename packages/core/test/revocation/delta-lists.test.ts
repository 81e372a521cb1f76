import {
  CertificateList,
  CountersignError,
  createCertificateList,
  encodePem,
  findPath,
  type Certificate,
  type CertificateListFields,
  type CertificateListScope,
} from '@countersign/core';
import { describe, expect, it } from 'vitest';
import { createOcspService, now } from '../ocsp/ocsp-fixture.ts';
import { hasOpenssl, OpensslFolder } from '../ocsp/openssl.ts';

/** Complete lists and deltas, in every combination: our verdict must be what they mean, and that of `openssl verify`. */

const service = await createOcspService();
const { certificate: ca } = service.ca;
const subject = await service.issue();
const { serialNumber } = subject;
const revokedAt = new Date(now.getTime() - 60_000);
const releasedAt = new Date(now.getTime() - 30_000);

type Verdict = 'good' | 'revoked' | 'unknown';

const inBase = { good: [], revoked: ['keyCompromise'], held: ['certificateHold'] } as const;
const inDelta = {
  'no delta': undefined,
  'no change': {},
  revoked: { reason: 'keyCompromise' },
  held: { reason: 'certificateHold' },
  released: { released: [{ serialNumber, releasedAt }] },
} as const;
const scopes: Readonly<Record<string, CertificateListScope | undefined>> = {
  'of all': undefined,
  'at the place that the certificate names': { uris: ['http://pki.contoso.example/ca.crl'] },
  'at another place': { uris: ['http://pki.contoso.example/other.crl'] },
  'of user certificates': { only: 'userCertificates' },
  'of CA certificates': { only: 'caCertificates' },
};
/** The delta counts from this number; the complete list has number 10. */
const baseNumbers = { 'from the complete list': 10, 'from an earlier list': 8, 'from a later list': 11 };

const cases = keysOf(inBase).flatMap((base) =>
  keysOf(inDelta).flatMap((delta) =>
    Object.keys(scopes).flatMap((scope) =>
      keysOf(baseNumbers).map((baseNumber) => ({ base, delta, scope, baseNumber })),
    ),
  ),
);
type Case = (typeof cases)[number];

describe('a complete list and a delta', () => {
  it('mean together what they should', async () => {
    for (const one of cases) {
      expect(ourVerdict(subject, await listsOf(one)), JSON.stringify(one)).toBe(meaning(one));
    }
  });

  it.runIf(hasOpenssl)(`mean the same to openssl verify, in ${cases.length} combinations`, async () => {
    const folder = await OpensslFolder.create();
    await folder.writeCertificates('ca.pem', ca);
    await folder.writeCertificates('subject.pem', subject);
    const verdicts = { good: 0, revoked: 0, unknown: 0 };
    for (const one of cases) {
      const lists = await listsOf(one);
      const theirs = await opensslVerdict(folder, lists);
      expect(theirs, JSON.stringify(one)).toBe(ourVerdict(subject, lists));
      verdicts[theirs]++;
    }
    // Neither side of the comparison may be empty talk.
    expect(Math.min(...Object.values(verdicts))).toBeGreaterThan(20);
  });

  it('do not go together if signed by another, for another scope, or at another time', async () => {
    const base = await create({ revoked: [entry('certificateHold')] });
    const release = { number: 12, delta: { baseNumber: 10, released: [{ serialNumber, releasedAt }] } };
    expect(ourVerdict(subject, [base, await create(release)])).toBe('good');
    const other = await createOcspService();
    const expired = {
      thisUpdate: new Date(now.getTime() - 7_200_000),
      nextUpdate: new Date(now.getTime() - 1000),
    };
    for (const delta of [
      await create(release, other.caKey),
      await create({ ...release, scope: { only: 'userCertificates' } }),
      await create({ ...release, ...expired }),
    ]) {
      expect(ourVerdict(subject, [base, delta])).toBe('revoked');
    }
  });

  it('of several deltas, the newest counts', async () => {
    const base = await create({});
    const hold = await create({
      number: 11,
      revoked: [entry('certificateHold')],
      delta: { baseNumber: 10, released: [] },
    });
    const release = await create({
      number: 12,
      delta: { baseNumber: 10, released: [{ serialNumber, releasedAt }] },
    });
    expect(ourVerdict(subject, [base, hold])).toBe('revoked');
    expect(ourVerdict(subject, [base, hold, release])).toBe('good');
    expect(ourVerdict(subject, [release, hold, base])).toBe('good');
  });

  it('a delta alone says nothing', async () => {
    const delta = await create({ number: 12, delta: { baseNumber: 10, released: [] } });
    expect(ourVerdict(subject, [delta])).toBe('unknown');
  });
});

describe.runIf(hasOpenssl)('a certificate on hold', () => {
  it('is gone from the complete list once released, and openssl lets it pass', async () => {
    const folder = await OpensslFolder.create();
    await folder.writeCertificates('ca.pem', ca);
    await folder.writeCertificates('subject.pem', subject);
    const held = [await create({ number: 10, revoked: [entry('certificateHold')] })];
    const released = [await create({ number: 11, revoked: [] })];
    for (const [lists, verdict] of [
      [held, 'revoked'],
      [released, 'good'],
    ] as const) {
      expect(await opensslVerdict(folder, lists)).toBe(verdict);
      expect(ourVerdict(subject, lists)).toBe(verdict);
    }
  });
});

/** What the lists of a case say, from the rules rather than from the code. */
function meaning({ base, delta, scope, baseNumber }: Case): Verdict {
  if (scope === 'at another place' || scope === 'of CA certificates') return 'unknown';
  // RFC 5280 5.2.4: the complete list must not be older than the one that the delta counts from.
  const counts = delta !== 'no delta' && delta !== 'no change' && baseNumber !== 'from a later list';
  const state = counts ? delta : base;
  return state === 'good' || state === 'released' ? 'good' : 'revoked';
}

async function listsOf({ base, delta, scope: scopeName, baseNumber }: Case): Promise<CertificateList[]> {
  const scope = scopes[scopeName];
  const limits = scope === undefined ? {} : { scope };
  const complete = await create({
    ...limits,
    revoked: inBase[base].map(entry),
    // openssl looks for deltas only where a list says that there are some.
    freshestCrlUris: ['http://pki.contoso.example/delta.crl'],
  });
  const change = inDelta[delta];
  if (change === undefined) return [complete];
  const deltaList = await create({
    ...limits,
    number: 12,
    revoked: 'reason' in change ? [entry(change.reason)] : [],
    delta: { baseNumber: baseNumbers[baseNumber], released: 'released' in change ? change.released : [] },
  });
  return [complete, deltaList];
}

function entry(reason: 'keyCompromise' | 'certificateHold'): {
  serialNumber: string;
  revokedAt: Date;
  reason: typeof reason;
} {
  return { serialNumber, revokedAt, reason };
}

async function create(
  changes: Partial<CertificateListFields>,
  key = service.caKey,
): Promise<CertificateList> {
  const der = await createCertificateList(key, 'ecdsa-sha256', {
    issuer: ca.subject,
    authorityKeyIdentifier: ca.publicKey.keyIdentifier,
    number: 10,
    thisUpdate: now,
    nextUpdate: new Date(now.getTime() + 3_600_000),
    revoked: [],
    ...changes,
  });
  return CertificateList.parse(der);
}

function ourVerdict(target: Certificate, certificateLists: readonly CertificateList[]): Verdict {
  try {
    findPath(target, { trustAnchors: [ca], certificates: [], certificateLists, at: now });
    return 'good';
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    if (error.code === 'CERTIFICATE_REVOKED') return 'revoked';
    expect(error.code).toBe('REVOCATION_UNKNOWN');
    return 'unknown';
  }
}

async function opensslVerdict(folder: OpensslFolder, lists: readonly CertificateList[]): Promise<Verdict> {
  await folder.write('crl.pem', lists.map(({ der }) => encodePem('X509 CRL', der)).join(''));
  const at = ['-attime', String(now.getTime() / 1000)];
  const crls = ['-crl_check', '-extended_crl', '-use_deltas', '-CRLfile', 'crl.pem'];
  const { said } = await folder.openssl('verify', ...at, '-CAfile', 'ca.pem', ...crls, 'subject.pem');
  if (said.includes('subject.pem: OK')) return 'good';
  if (said.includes('certificate revoked')) return 'revoked';
  expect(said).toMatch(/CRL/);
  return 'unknown';
}

function keysOf<T extends object>(record: T): (keyof T & string)[] {
  const keys: (keyof T & string)[] = [];
  for (const key in record) keys.push(key);
  return keys;
}
