import {
  CertificationAuthority,
  createCertificationRequest,
  RegistrationAuthority,
  type CertificationAuthorityOptions,
  type Key,
} from '@countersign/core';
import { expect } from 'vitest';
import {
  contentTypeAttribute,
  data,
  digestAttribute,
  forgeCountersignature,
  requesterAttribute,
} from '../enrollment/countersignature-forger.ts';
import {
  alice,
  createEnrollment,
  type Enrollment,
  type EnrollmentOptions,
} from '../enrollment/enrollment-fixture.ts';
import { refusal } from '../enrollment/refusal.ts';
import { refusedByCa } from '../enrollment/refused-by-ca.ts';
import { everyRefusal, type CaseName, type RefusalCase, type Station } from './refusal-table.ts';

/** An enrollment chain whose CA and RA sign with keys that count. */
export interface Bench extends Enrollment {
  /** How often the CA's key and the RA's signed since the bench was made. */
  readonly signatures: { ca: number; ra: number };
}

/** What is handed in: a PKCS#10 request, or what the CA takes; or what is set up in vain. */
export type BadInput =
  | { readonly request: Uint8Array; readonly upn?: string; readonly account?: string; readonly at?: Bench }
  | { readonly countersigned: Uint8Array; readonly at?: Bench }
  /** Where there is no CA yet, or none that could be asked: nobody audits, and nothing else may happen either. */
  | { readonly setUp: () => unknown; readonly at?: Bench };

/** Makes the bad input of a case; `at` is the chain that must refuse it, where that is not the bench itself. */
export type Attempt = (bench: Bench) => Promise<BadInput>;

export type Attempts<S extends Station> = Readonly<Record<CaseName<S>, Attempt>>;

export async function createBench(options: EnrollmentOptions = {}): Promise<Bench> {
  return benchOf(await createEnrollment(options));
}

/** The same chain with counting keys, and these options of the CA. */
export function benchOf(enrollment: Enrollment, options: Partial<CertificationAuthorityOptions> = {}): Bench {
  const { agentKey, agentCertificate, clock } = enrollment;
  const signatures = { ca: 0, ra: 0 };
  const caOptions = { ...enrollment.caOptions, ...options };
  const ca = new CertificationAuthority({ ...caOptions, key: counting(caOptions.key, 'ca', signatures) });
  const ra = new RegistrationAuthority({
    key: counting(agentKey, 'ra', signatures),
    certificate: agentCertificate,
    directory: caOptions.directory,
    clock: () => clock.now,
    ...(caOptions.keyPolicy === undefined ? {} : { keyPolicy: caOptions.keyPolicy }),
  });
  return { ...enrollment, caOptions, ca, ra, signatures };
}

/** The cases of a station, from the table. */
export function casesAt<S extends Station>(
  station: S,
  attempts: Attempts<S>,
): readonly (RefusalCase & { readonly attempt: Attempt })[] {
  const byName = new Map<string, Attempt>(Object.entries<Attempt>(attempts));
  return everyRefusal
    .filter((row) => row.station === station)
    .map(({ name, code, rule, decidedBy }) => {
      const attempt = byName.get(name);
      if (attempt === undefined) throw new Error(`nobody attempts "${name}"`);
      return { station, name, code, rule, decidedBy, attempt };
    });
}

/**
 * Demands that the RA (where it decides) signs nothing and says the code, and that the CA, to whom the same comes
 * countersigned all the same, signs nothing, records nothing, and leaves one audit record with the code.
 */
export async function expectRefused(
  bench: Bench,
  { attempt, code, decidedBy }: RefusalCase & { readonly attempt: Attempt },
): Promise<void> {
  const input = await attempt(bench);
  const { at = bench } = input;
  const { ca, ra } = at.signatures;
  if ('setUp' in input) {
    const before = await footprint(at);
    expect((await refusal(input.setUp)).code).toBe(code);
    expect(await footprint(at)).toEqual(before);
    return;
  }
  if (decidedBy !== 'ca') {
    const request = 'request' in input ? input.request : await createCertificationRequest(at.aliceKey);
    const upn = 'request' in input ? (input.upn ?? alice.upn) : alice.upn;
    expect((await refusal(async () => at.ra.countersign(request, upn))).code).toBe(code);
  } else if ('request' in input) {
    // What the CA alone refuses, the RA, which knows no profiles, signs.
    await at.ra.countersign(input.request, input.upn ?? alice.upn);
  }
  if (decidedBy !== 'ra') {
    const countersigned = 'countersigned' in input ? input.countersigned : await forged(at, input);
    const error = await refusedByCa(at, countersigned);
    expect(error.code).toBe(code);
    expect(error.hint).not.toBe('');
  }
  expect(at.signatures).toEqual({ ca, ra: decidedBy === 'ca' && 'request' in input ? ra + 1 : ra });
}

async function footprint({ ledger, signatures }: Bench): Promise<unknown> {
  const audited = (await ledger.audit()).length;
  return [ledger.reservations.length, ledger.recorded.length, audited, { ...signatures }];
}

/** The request as an agent would hand it in who looks at nothing. */
async function forged(
  { agentKey: key, agentCertificate: certificate }: Bench,
  { request: content, account }: Extract<BadInput, { request: Uint8Array }>,
): Promise<Uint8Array> {
  const attributes = [
    contentTypeAttribute(data),
    digestAttribute(content),
    requesterAttribute(account ?? alice.account),
  ];
  return forgeCountersignature({ key, certificate, content, attributes });
}

function counting(key: Key, whose: 'ca' | 'ra', signatures: Bench['signatures']): Key {
  return {
    ...key,
    sign: async (scheme, message) => {
      signatures[whose]++;
      return key.sign(scheme, message);
    },
  };
}
