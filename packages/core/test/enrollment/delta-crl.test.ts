import {
  CertificateList,
  CertificationAuthority,
  CountersignError,
  type Certificate,
  type CertificationAuthorityOptions,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { hasOpenssl } from '../ocsp/openssl.ts';
import { opensslText, opensslVerdict, ourVerdict, type Verdict } from './crl-verdicts.ts';
import { countersignForAlice, createEnrollment, now, type Enrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';

const hour = 3_600_000;
const deltaUri = 'http://pki.contoso.example/delta.crl';

interface Publishing extends Enrollment {
  readonly target: Certificate;
}

/** A CA that publishes deltas, and a certificate of it. */
async function createPublishing(options: Partial<CertificationAuthorityOptions> = {}): Promise<Publishing> {
  const enrollment = await createEnrollment();
  const caOptions = { ...enrollment.caOptions, deltaCrlUris: [deltaUri], ...options };
  const ca = new CertificationAuthority(caOptions);
  const target = await ca.issue(await countersignForAlice(enrollment));
  return { ...enrollment, caOptions, ca, target };
}

/** Everyone who relies on the certificate says so, given these CRLs. */
async function expectVerdict(
  { ca, target, clock }: Publishing,
  verdict: Verdict,
  ...crls: readonly Uint8Array[]
): Promise<void> {
  const relyingParty = { target, ca: ca.certificate, at: clock.now };
  expect(ourVerdict(relyingParty, ...crls)).toBe(verdict);
  if (hasOpenssl) expect(await opensslVerdict(relyingParty, ...crls)).toBe(verdict);
}

test('there is no delta before there is a complete CRL', async () => {
  const { ca, ledger, caSigned } = await createPublishing();
  const signed = caSigned.length;
  const audited = (await ledger.audit()).length;
  expect((await refusal(async () => ca.createDeltaCrl())).code).toBe('CRL_BASE_MISSING');
  expect(caSigned).toHaveLength(signed);
  expect(await ledger.audit()).toHaveLength(audited);
  expect(CertificateList.parse(await ca.createCrl()).crlNumber).toBe(1n);
  expect(CertificateList.parse(await ca.createDeltaCrl()).crlNumber).toBe(2n);
});

describe('what happened since the complete CRL stands in the delta', () => {
  test('a revocation', async () => {
    const publishing = await createPublishing();
    const { ca, target } = publishing;
    const complete = await ca.createCrl();
    await expectVerdict(publishing, 'good', complete);
    await expectVerdict(publishing, 'good', complete, await ca.createDeltaCrl());
    await ca.revoke(target.serialNumber, 'keyCompromise');
    const delta = await ca.createDeltaCrl();
    await expectVerdict(publishing, 'good', complete);
    await expectVerdict(publishing, 'revoked', complete, delta);
    await expectVerdict(publishing, 'unknown', delta);
  });

  test('a release from hold', async () => {
    const publishing = await createPublishing();
    const { ca, target } = publishing;
    const { serialNumber } = target;
    await ca.revoke(serialNumber, 'certificateHold');
    const complete = await ca.createCrl();
    await expectVerdict(publishing, 'revoked', complete, await ca.createDeltaCrl());
    await ca.release(serialNumber);
    const delta = await ca.createDeltaCrl();
    expect(entryOf(delta, publishing)).toMatchObject({
      reason: 'removeFromCRL',
      revokedAt: wholeSeconds(now),
    });
    await expectVerdict(publishing, 'good', complete, delta);
    await expectVerdict(publishing, 'revoked', complete);
    // The next complete one leaves it out, and so does the delta to that.
    const next = [await ca.createCrl(), await ca.createDeltaCrl()] as const;
    for (const crl of next) expect(entryOf(crl, publishing)).toBeUndefined();
    await expectVerdict(publishing, 'good', ...next);
    await expectVerdict(publishing, 'good', next[0], delta);
  });

  test('a hold that began and ended between two complete CRLs', async () => {
    const publishing = await createPublishing();
    const { ca, target } = publishing;
    const complete = await ca.createCrl();
    await ca.revoke(target.serialNumber, 'certificateHold');
    const held = await ca.createDeltaCrl();
    await ca.release(target.serialNumber);
    // Whoever saw the first delta must learn of it from the second.
    const released = await ca.createDeltaCrl();
    expect(entryOf(released, publishing)?.reason).toBe('removeFromCRL');
    await expectVerdict(publishing, 'revoked', complete, held);
    await expectVerdict(publishing, 'good', complete, released);
  });

  test('a hold that became a revocation for good', async () => {
    const publishing = await createPublishing();
    const { ca, target } = publishing;
    await ca.revoke(target.serialNumber, 'certificateHold');
    const complete = await ca.createCrl();
    await ca.revoke(target.serialNumber, 'keyCompromise');
    const delta = await ca.createDeltaCrl();
    expect(entryOf(delta, publishing)?.reason).toBe('keyCompromise');
    await expectVerdict(publishing, 'revoked', complete, delta);
  });

  test('everything since, in each delta again, whatever stood in the one before', async () => {
    const publishing = await createPublishing();
    const { ca, agentCertificate, target } = publishing;
    await ca.createCrl();
    await ca.revoke(target.serialNumber, 'superseded');
    await ca.createDeltaCrl();
    await ca.revoke(agentCertificate.serialNumber, 'keyCompromise');
    const second = await ca.createDeltaCrl();
    expect(entryOf(second, publishing)?.reason).toBe('superseded');
    expect(entryOf(second, { ca, target: agentCertificate })?.reason).toBe('keyCompromise');
  });
});

describe.runIf(hasOpenssl)('openssl', () => {
  test('reads the number, the base, and where deltas are', async () => {
    const { ca, target } = await createPublishing();
    await ca.createCrl();
    await ca.revoke(target.serialNumber, 'certificateHold');
    const complete = await opensslText(ca.certificate, await ca.createCrl());
    expect(complete).toContain('X509v3 CRL Number: 2 ');
    expect(complete).toContain(`X509v3 Freshest CRL: Full Name: URI:${deltaUri}`);
    expect(complete).not.toContain('Delta CRL Indicator');
    expect(complete).toContain('X509v3 CRL Reason Code: Certificate Hold');
    await ca.release(target.serialNumber);
    const delta = await opensslText(ca.certificate, await ca.createDeltaCrl());
    expect(delta).toContain('X509v3 CRL Number: 3 ');
    expect(delta).toContain('X509v3 Delta CRL Indicator: critical 2 ');
    // RFC 5280 5.2.6: a delta does not say where deltas are.
    expect(delta).not.toContain('Freshest CRL');
    expect(delta).toContain(`Serial Number: ${target.serialNumber.toUpperCase()} `);
    expect(delta).toContain('X509v3 CRL Reason Code: Remove From CRL');
  });

  test('reads no freshest CRL where the CA publishes no deltas', async () => {
    const { ca } = await createPublishing({ deltaCrlUris: [] });
    expect(await opensslText(ca.certificate, await ca.createCrl())).not.toContain('Freshest CRL');
  });
});

test('a delta is good for a day, or for as long as the CA chooses; the complete CRL for its own time', async () => {
  for (const [options, lengths] of [
    [{}, [7 * 24 * hour, 24 * hour]],
    [{ deltaCrlValidityMs: hour }, [7 * 24 * hour, hour]],
    [{ crlValidityMs: 48 * hour }, [48 * hour, 24 * hour]],
  ] as const) {
    const { ca } = await createPublishing(options);
    const crls = [await ca.createCrl(), await ca.createDeltaCrl()].map((crl) => CertificateList.parse(crl));
    const begin = wholeSeconds(now).getTime();
    expect(crls.map(({ thisUpdate }) => thisUpdate.getTime())).toEqual([begin, begin]);
    expect(crls.map(({ nextUpdate }) => nextUpdate?.getTime())).toEqual(
      lengths.map((length) => begin + length),
    );
  }
});

test('a stale delta says nothing more', async () => {
  const publishing = await createPublishing();
  const { ca, clock, target } = publishing;
  await ca.revoke(target.serialNumber, 'certificateHold');
  const complete = await ca.createCrl();
  await ca.release(target.serialNumber);
  const delta = await ca.createDeltaCrl();
  clock.now = new Date(now.getTime() + 25 * hour);
  expect(ourVerdict({ target, ca: ca.certificate, at: clock.now }, complete, delta)).toBe('revoked');
  clock.now = new Date(now.getTime() + 8 * 24 * hour);
  await expectVerdict(publishing, 'unknown', complete, delta);
});

test('each delta leaves one audit record that names its base; without it, none is handed out', async () => {
  const { ca, ledger, target } = await createPublishing();
  await ca.createCrl();
  await ca.revoke(target.serialNumber, 'superseded');
  await ca.createDeltaCrl();
  expect((await ledger.audit()).at(-1)).toMatchObject({
    at: now,
    event: 'crl-issued',
    details: { number: '2', entries: '1', baseNumber: '1' },
  });
  const audited = (await ledger.audit()).length;
  const outage = new CountersignError('LEDGER_UNAVAILABLE', 'the disk is full', 'Make room.');
  for (const [method, event] of [
    ['beginDeltaCrl', ''],
    ['appendAudit', 'crl-issued'],
  ] as const) {
    ledger.failAt(method, outage, event);
    await expect(ca.createDeltaCrl()).rejects.toBe(outage);
    ledger.recover();
  }
  expect(await ledger.audit()).toHaveLength(audited);
});

test('a complete CRL that was not signed, or not recorded, is no base of deltas', async () => {
  const { ca, ledger, target } = await createPublishing();
  const outage = new CountersignError('LEDGER_UNAVAILABLE', 'the disk is full', 'Make room.');
  ledger.failAt('recordCrl', outage);
  await expect(ca.createCrl()).rejects.toBe(outage);
  ledger.recover();
  await expect(ca.createDeltaCrl()).rejects.toMatchObject({ code: 'CRL_BASE_MISSING' });
  const complete = CertificateList.parse(await ca.createCrl());
  await ca.revoke(target.serialNumber, 'superseded');
  ledger.failAt('recordCrl', outage);
  await expect(ca.createCrl()).rejects.toBe(outage);
  ledger.recover();
  const delta = CertificateList.parse(await ca.createDeltaCrl());
  // RFC 5280 5.2.4: BaseCRLNumber, an INTEGER.
  expect(delta.extension('2.5.29.27')).toEqual(Uint8Array.of(2, 1, Number(complete.crlNumber)));
  expect(delta.find(ca.certificate.subject, target.serialNumber)?.reason).toBe('superseded');
});

function entryOf(
  crl: Uint8Array,
  { ca, target }: Pick<Publishing, 'ca' | 'target'>,
): ReturnType<CertificateList['find']> {
  return CertificateList.parse(crl).find(ca.certificate.subject, target.serialNumber);
}

function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
