import { generatePrimeSync } from 'node:crypto';
import { createCertificationRequest } from '@countersign/core';
import { expect, test } from 'vitest';
import { digestInfo, encoded, forgeries } from '../cmc/pkcs1-encodings.ts';
import { forgeCountersignature, rightAttributes } from '../enrollment/countersignature-forger.ts';
import { ascending, nullValue, oid, sequence, set } from '../enrollment/der.ts';
import { createEnrollment, issueAgent } from '../enrollment/enrollment-fixture.ts';
import { handmadeRsaKey, type HandmadeRsaKey } from '../keys/handmade-rsa-key.ts';
import { benchOf, casesAt, expectRefused, type Attempt, type Attempts, type Bench } from './refusal-bench.ts';

type Encoding = (message: Uint8Array) => Uint8Array;

const key = rsaKeyOf2048Bits();

const attempts: Attempts<'pkcs1-forgery'> = {
  'short padding and octets behind the hash': forgedBy('short padding and octets behind the hash'),
  'no padding and octets behind the hash': forgedBy('no padding and octets behind the hash'),
  'one octet behind the hash': forgedBy('one octet behind the hash'),
  'an extra field in DigestInfo': forgedBy('an extra field in DigestInfo'),
  'octets in the parameters of the hash algorithm': forgedBy(
    'octets in the parameters of the hash algorithm',
  ),
  'a field behind the parameters of the hash algorithm': forgedBy(
    'a field behind the parameters of the hash algorithm',
  ),
  'a length in BER': forgedBy('a length in BER'),
  'another name for the hash': forgedBy('another name for the hash'),
  'the bare hash': forgedBy('the bare hash'),
  'block type 2': forgedBy('block type 2'),
  'padding that is not all ones': forgedBy('padding that is not all ones'),
};

test.each(casesAt('pkcs1-forgery', attempts))('refused: $name ($rule: $code)', async (refused) => {
  await expectRefused(await rsaBench(), refused);
});

test('every forgery that there is stands in the table', () => {
  expect(Object.keys(attempts)).toEqual(forgeries.map(([what]) => what));
});

test('made by hand and right, the signature holds', async () => {
  const bench = await rsaBench();
  await bench.ca.issue(await countersignedWith(bench, (message) => encoded(digestInfo(message))));
  expect(bench.signatures.ca).toBe(1);
});

function forgedBy(what: string): Attempt {
  return async (bench) => {
    const forgery = forgeries.find(([name]) => name === what);
    if (forgery === undefined) throw new Error(`there is no forgery with ${what}`);
    return { countersigned: await countersignedWith(bench, forgery[1]) };
  };
}

/** An agent with an RSA key, whose private operation makes of any encoded message what verifiers open again. */
async function rsaBench(): Promise<Bench> {
  const enrollment = await createEnrollment();
  const agentCertificate = await issueAgent(enrollment.ca, key);
  return benchOf({ ...enrollment, agentKey: key, agentCertificate });
}

async function countersignedWith(
  { agentCertificate: certificate, aliceKey }: Bench,
  encoding: Encoding,
): Promise<Uint8Array> {
  const content = await createCertificationRequest(aliceKey);
  const attributes = ascending(rightAttributes(content));
  return forgeCountersignature({
    key,
    certificate,
    content,
    attributes,
    signatureAlgorithm: sequence(oid('1.2.840.113549.1.1.11'), nullValue()),
    signature: () => key.raw(encoding(set(...attributes))),
  });
}

function rsaKeyOf2048Bits(): HandmadeRsaKey {
  for (;;) {
    const [p, q] = [generatePrimeSync(1024, { bigint: true }), generatePrimeSync(1024, { bigint: true })];
    const hasInverse = p % 65537n !== 1n && q % 65537n !== 1n;
    if (hasInverse && (p * q).toString(2).length === 2048) return handmadeRsaKey([p, q]);
  }
}
