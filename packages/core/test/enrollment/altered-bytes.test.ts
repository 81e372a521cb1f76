import { CountersignError, createCertificationRequest, type KeyAlgorithm } from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { alice, countersignForAlice, createEnrollment, type Enrollment } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';

const every = { ca: 'p256', agent: 'p256', user: 'p256' } as const;

/** Every way in which a document can differ from itself by one bit; or, for each octet, some of the eight. */
function* withOneBitFlipped(
  document: Uint8Array,
  bitsPerOctet = 8,
): Generator<[altered: Uint8Array, where: string]> {
  for (let at = 0; at < document.length; at++) {
    for (let turn = 0; turn < bitsPerOctet; turn++) {
      const bit = (at + turn) % 8;
      const altered = Uint8Array.from(document);
      altered.set([(document[at] ?? 0) ^ (1 << bit)], at);
      yield [altered, `bit ${bit} of octet ${at}`];
    }
  }
}

/** The places at which the work was done although it should have been refused. */
async function acceptedOf(
  documents: Iterable<[altered: Uint8Array, where: string]>,
  work: (document: Uint8Array) => Promise<unknown>,
): Promise<string[]> {
  const accepted: string[] = [];
  for (const [document, where] of documents) {
    try {
      await work(document);
      accepted.push(where);
    } catch (error) {
      if (!(error instanceof CountersignError))
        throw new Error(`${where}: ${String(error)}`, { cause: error });
    }
  }
  return accepted;
}

async function requestOf({ aliceKey }: Enrollment): Promise<Uint8Array> {
  return createCertificationRequest(aliceKey);
}

test.each<[KeyAlgorithm]>([['p256'], ['rsa2048'], ['ed25519']])(
  'the RA refuses a %s request in which any one bit is another',
  async (user) => {
    const enrollment = await createEnrollment({ ...every, user });
    const { ra } = enrollment;
    const request = await requestOf(enrollment);
    const countersign = async (document: Uint8Array): Promise<unknown> => ra.countersign(document, alice.upn);
    expect(await acceptedOf(withOneBitFlipped(request), countersign)).toEqual([]);
    await countersign(request);
  },
);

test.each<[KeyAlgorithm, KeyAlgorithm]>([
  ['p256', 'p256'],
  ['rsa2048', 'rsa2048'],
])(
  'the CA refuses a countersigned request (CA %s, agent %s) in which any one bit is another, and records nothing',
  async (ca, agent) => {
    const enrollment = await createEnrollment({ ...every, ca, agent });
    const { ledger } = enrollment;
    const countersigned = await countersignForAlice(enrollment);
    const issue = async (document: Uint8Array): Promise<unknown> => enrollment.ca.issue(document);
    expect(await acceptedOf(withOneBitFlipped(countersigned), issue)).toEqual([]);
    // The agent's alone.
    expect(ledger.reservations).toHaveLength(1);
    const audit = await ledger.audit();
    expect(audit).toHaveLength(1 + 8 * countersigned.length);
    expect(audit.slice(1).every(({ event }) => event === 'request-refused')).toBe(true);
    await issue(countersigned);
  },
);

test('the CA refuses a request signed with RSASSA-PSS in which one bit of any octet is another', async () => {
  const enrollment = await createEnrollment({ agent: 'rsa2048', agentScheme: 'rsa-pss-sha256' });
  const countersigned = await countersignForAlice(enrollment);
  const issue = async (document: Uint8Array): Promise<unknown> => enrollment.ca.issue(document);
  expect(await acceptedOf(withOneBitFlipped(countersigned, 1), issue)).toEqual([]);
  await issue(countersigned);
});

test('several bits, octets put in, taken out or overwritten: all refused', async () => {
  const enrollment = await createEnrollment();
  const { ca, ra } = enrollment;
  const request = await requestOf(enrollment);
  const countersigned = await countersignForAlice(enrollment);
  const edit = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 4 }),
    insert: fc.uint8Array({ maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(edit, { minLength: 1, maxLength: 3 }), async (atRa, edits) => {
      const original = atRa ? request : countersigned;
      const altered = edits.reduce((bytes, { at, remove, insert }) => {
        const position = at % bytes.length;
        return Uint8Array.from([
          ...bytes.subarray(0, position),
          ...insert,
          ...bytes.subarray(position + remove),
        ]);
      }, original);
      fc.pre(Buffer.compare(altered, original) !== 0);
      await refusal(async () => (atRa ? ra.countersign(altered, alice.upn) : ca.issue(altered)));
    }),
    { numRuns: 500 },
  );
  await ra.countersign(request, alice.upn);
  await ca.issue(countersigned);
});

test('cut off at any octet, or with anything after its end: all refused', async () => {
  const enrollment = await createEnrollment();
  const { ca, ra } = enrollment;
  const request = await requestOf(enrollment);
  const countersigned = await countersignForAlice(enrollment);
  for (const [document, work] of [
    [request, async (bytes: Uint8Array): Promise<unknown> => ra.countersign(bytes, alice.upn)],
    [countersigned, async (bytes: Uint8Array): Promise<unknown> => ca.issue(bytes)],
  ] as const) {
    for (let length = 0; length < document.length; length++) {
      const error = await refusal(async () => work(document.subarray(0, length)));
      expect(error.code).toBe('DER_MALFORMED');
    }
    for (const after of [[0], [0, 0], [0x30, 0], [...document]]) {
      const error = await refusal(async () => work(Uint8Array.from([...document, ...after])));
      expect(error.code).toBe('DER_MALFORMED');
    }
    await work(document);
  }
});

test('a view into a larger buffer is read within its bounds', async () => {
  const enrollment = await createEnrollment();
  const countersigned = await countersignForAlice(enrollment);
  const larger = new Uint8Array(countersigned.length + 20).fill(0x30);
  larger.set(countersigned, 7);
  const view = larger.subarray(7, 7 + countersigned.length);
  const certificate = await enrollment.ca.issue(view);
  larger.fill(0);
  expect((await enrollment.ledger.find(certificate.serialNumber))?.certificate).toEqual(certificate.der);
  expect(certificate.subject.toString()).toBe(alice.distinguishedName);
  expect(certificate.publicKey.subjectPublicKeyInfo).toEqual(enrollment.aliceKey.publicKey);
});
