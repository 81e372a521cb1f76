import { CountersignError } from '@countersign/core';
import { DerReader } from '@countersign/core/asn1';
import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { aliceSignsIn, enrollAlice, type Enrolled } from './alice-signs-in.ts';
import { generateExportableKey } from '@countersign/hello/trial-domain';
import { forgeReply } from './forged-reply.ts';
import { askKdc, startMitKdc } from './mit-kdc.ts';
import { startPkinitKdc, startScriptedKdc } from './scripted-kdc.ts';

const cases = Number(process.env['COUNTERSIGN_CASES'] ?? 300);

/** What may be said of a reply that somebody tampered with. */
const refusals: ReadonlySet<string> = new Set([
  'KDC_REPLY_MALFORMED',
  'KDC_REPLY_MISMATCH',
  'KDC_NOT_TRUSTED',
  'ALGORITHM_NOT_SUPPORTED',
]);

let enrolled: Enrolled;

beforeAll(async () => {
  enrolled = await enrollAlice();
});

test('an alteration of one octet in what proves the KDC, or in what is encrypted, is found', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (place, change) => {
      const outcome = await signInWith((reply) => {
        const altered = Uint8Array.from(reply);
        const covered = coveredOctets(reply);
        const at = covered[place % covered.length] ?? 0;
        altered[at] = (altered[at] ?? 0) ^ change;
        return altered;
      });
      expect(refusals).toContain(outcome);
    }),
    { numRuns: cases },
  );
});

test('whatever is done to a reply, it is refused in order or says what it said', async () => {
  await fc.assert(
    fc.asyncProperty(mutations, async (mutate) => {
      const outcome = await signInWith(mutate);
      if (outcome !== 'signed in') expect([...refusals, 'KDC_UNREACHABLE']).toContain(outcome);
    }),
    { numRuns: cases },
  );
});

test('random octets are no reply', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (octets) => {
      // 7e is a KRB-ERROR: this one would have to be a whole one to be anything else.
      for (const message of [octets, Buffer.concat([Uint8Array.of(0x6b), octets])]) {
        expect(await signInWith(() => message)).toBe('KDC_REPLY_MALFORMED');
      }
    }),
    { numRuns: Math.ceil(cases / 3) },
  );
});

test('a reply of a real KDC that is altered on its way is refused', async () => {
  const identity = await enrolled.pki.issueKdc({ key: await generateExportableKey('rsa2048') });
  const kdc = await startMitKdc({ ...identity, anchors: [enrolled.pki.caCertificate] });
  for (const place of [0.05, 0.3, 0.6, 0.95]) {
    const outcome = await outcomeOf(
      aliceSignsIn(
        enrolled,
        await startScriptedKdc(async (asRequest) => {
          const reply = Uint8Array.from(await askKdc(kdc, asRequest));
          if (reply[0] !== 0x6b) return { message: reply };
          const covered = coveredOctets(reply);
          const at = covered[Math.floor(place * covered.length)] ?? 0;
          reply[at] = (reply[at] ?? 0) ^ 0x01;
          return { message: reply };
        }),
      ),
    );
    expect(refusals).toContain(outcome);
  }
});

async function signInWith(alter: (reply: Uint8Array) => Uint8Array): Promise<string> {
  const kdc = await startPkinitKdc(async (asRequest) => ({
    message: alter(await forgeReply(asRequest, enrolled.kdc)),
  }));
  return outcomeOf(aliceSignsIn(enrolled, kdc));
}

async function outcomeOf(signIn: Promise<unknown>): Promise<string> {
  try {
    await signIn;
    return 'signed in';
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}

/**
 * Where PA-PK-AS-REP and the encrypted part stand: the key is derived from the one (RFC 8636) and authenticates the other.
 * Nothing covers the ticket but the key of its service.
 */
function coveredOctets(reply: Uint8Array): number[] {
  const fields = DerReader.document(reply, 'AS-REP').constructed(0x6b).sequence();
  fields.context(0);
  fields.context(1);
  const items = fields.context(2).sequence();
  const places: number[] = [];
  while (!items.done) {
    const item = items.sequence();
    const isProof = item.context(1).smallInteger() === 17;
    const start = item.offset;
    const { length } = item.any(0xa2);
    if (isProof) places.push(...range(start, length));
  }
  for (const n of [3, 4, 5]) fields.context(n);
  const encrypted = fields.context(6).sequence();
  encrypted.context(0);
  if (encrypted.at(0xa1)) encrypted.context(1);
  const start = encrypted.offset;
  places.push(...range(start, encrypted.any(0xa2).length));
  return places;
}

function range(start: number, length: number): number[] {
  return Array.from({ length }, (_, i) => start + i);
}

const mutations: fc.Arbitrary<(reply: Uint8Array) => Uint8Array> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat({ max: 255 })).map(([place, octet]) => (reply: Uint8Array) => {
    const altered = Uint8Array.from(reply);
    altered[place % reply.length] = octet;
    return altered;
  }),
  fc.tuple(fc.nat(), fc.nat({ max: 40 })).map(([place, length]) => (reply: Uint8Array) => {
    const at = place % reply.length;
    return Buffer.concat([reply.subarray(0, at), reply.subarray(at + length)]);
  }),
  fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 40 })).map(([place, octets]) => (reply: Uint8Array) => {
    const at = place % reply.length;
    return Buffer.concat([reply.subarray(0, at), octets, reply.subarray(at)]);
  }),
  fc.nat().map((place) => (reply: Uint8Array) => reply.subarray(0, place % reply.length)),
);
