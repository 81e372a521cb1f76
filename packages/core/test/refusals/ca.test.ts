import {
  Certificate,
  createRootCertificate,
  Name,
  validatePath,
  type CertificationAuthorityOptions,
} from '@countersign/core';
import { expect, test } from 'vitest';
import { requesterAttribute, forgeForAlice, attributes } from '../enrollment/countersignature-forger.ts';
import { der, integer, oid, sequence } from '../enrollment/der.ts';
import { caName, countersignAs, countersignForAlice, now } from '../enrollment/enrollment-fixture.ts';
import { assembleCertificate, extension, keyUsage } from '../enrollment/assemble-certificate.ts';
import { softwareKey } from '../enrollment/software-key.ts';
import { agentDocument, recordAgent } from './agent-document.ts';
import {
  benchOf,
  casesAt,
  createBench,
  expectRefused,
  type Attempt,
  type Attempts,
  type Bench,
} from './refusal-bench.ts';

const isCa = der(0x01, Uint8Array.of(0xff));
const cA = extension('2.5.29.19', sequence(isCa));
const cAWithoutCasBelow = extension('2.5.29.19', sequence(isCa, integer(0)));
const signsAsCa = keyUsage(1, 0x06);

const attempts: Attempts<'ca'> = {
  'an issuer that is no CA': issuer(async ({ agentKey: key, agentCertificate: certificate }) =>
    Promise.resolve({ key, certificate }),
  ),
  'an issuer that may not sign certificates': issuer(async (bench) => ({
    certificate: await rootWith(bench, cA, keyUsage(1, 0x02)),
  })),
  "an issuer's certificate for another key": issuer(async () => ({
    certificate: await createRootCertificate(await softwareKey('p256'), caName, now),
  })),
  'an issuer whose purposes do not cover the profile': issuer(async (bench) => ({
    certificate: await rootWith(
      bench,
      cA,
      signsAsCa,
      extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
    ),
  })),
  'an issuer whose validity is over': async (bench) => {
    const agent = await recordAgent(bench, (await agentDocument(bench, { notAfter: in2045 })).der);
    bench.clock.now = new Date(bench.ca.certificate.notAfter.getTime() + 1);
    expect(agent.notAfter > bench.clock.now).toBe(true);
    return { countersigned: await countersignAs(bench, bench.agentKey, agent) };
  },
  'an issuer whose validity has not begun': async (bench) => {
    const later = new Date(now.getTime() + 86_400_000);
    const certificate = await createRootCertificate(bench.caKey, caName, later);
    return { countersigned: await countersignForAlice(bench), at: benchOf(bench, { certificate }) };
  },
  'a path longer than its CA allows': async (bench) => {
    const { path, top } = await pathBelow(bench);
    return {
      setUp: () => validatePath(path, { trustAnchor: top, at: now }),
    };
  },
  'an agent below a CA that the path length forbids': async (bench) => {
    const at = benchOf(bench, { certificate: await rootWith(bench, cAWithoutCasBelow, signsAsCa) });
    const agent = (await pathBelow(bench)).path.at(-1);
    if (agent === undefined) throw new Error('the path is empty');
    await recordAgent(bench, agent.der);
    return { countersigned: await countersignAs(bench, bench.agentKey, agent), at };
  },
  "a subject outside the issuer's name constraints": async (bench) => {
    const permitted = der(0xa4, Name.fromString('DC=fabrikam,DC=example').der);
    const constraints = extension('2.5.29.30', sequence(der(0xa0, sequence(permitted))));
    const certificate = await rootWith(bench, cA, signsAsCa, constraints);
    return { countersigned: await countersignForAlice(bench), at: benchOf(bench, { certificate }) };
  },
  'a profile that this CA does not issue': async (bench) => ({
    countersigned: await countersignForAlice(bench),
    at: benchOf(bench, { profiles: ['kdc', 'enrollment-agent'] }),
  }),
  'a key that was certified for another': async (bench) => {
    await bench.ca.issue(await countersignForAlice(bench));
    return {
      countersigned: await forgeForAlice(bench, ([type, digest]) =>
        attributes(type, digest, requesterAttribute('CONTOSO\\bob')),
      ),
    };
  },
};

test.each(casesAt('ca', attempts))('refused: $name ($rule: $code)', async (refused) => {
  await expectRefused(await createBench(), refused);
});

test('a CA with a certificate made by hand issues, and never past its own validity', async () => {
  const bench = await createBench();
  const certificate = await rootWith(bench, cAWithoutCasBelow, signsAsCa);
  const { ca, clock } = benchOf(bench, { certificate });
  const agent = await recordAgent(bench, (await agentDocument(bench, { notAfter: in2045 })).der);
  clock.now = certificate.notAfter;
  const issued = await ca.issue(await countersignAs(bench, bench.agentKey, agent));
  expect(issued.notAfter).toEqual(certificate.notAfter);
});

test('the same path holds where each CA allows one more below it', async () => {
  const bench = await createBench();
  const { path, top } = await pathBelow(bench, cA);
  validatePath(path, { trustAnchor: top, at: now });
});

const in2045 = der(0x17, Buffer.from('450101000000Z'));

/** What is to be a CA, with these options instead of the right ones. */
function issuer(wrong: (bench: Bench) => Promise<Partial<CertificationAuthorityOptions>>): Attempt {
  return async (bench) => {
    const options = await wrong(bench);
    return { setUp: () => benchOf(bench, options) };
  };
}

/** The CA's certificate with these extensions alone. */
async function rootWith(
  { caKey, caOptions }: Bench,
  ...extensions: readonly Uint8Array[]
): Promise<Certificate> {
  return assembleCertificate(caOptions.certificate, caKey, Uint8Array.of(0x41), extensions);
}

/** The bench's CA below another, a CA below it, and an agent below that; the first with these basic constraints. */
async function pathBelow(
  bench: Bench,
  constraints = cAWithoutCasBelow,
): Promise<{ readonly path: readonly Certificate[]; readonly top: Certificate }> {
  const { caKey, agentKey } = bench;
  const topKey = await softwareKey('p256');
  const top = await createRootCertificate(topKey, Name.fromString('CN=Top CA'), now);
  const lowerKey = await softwareKey('p256');
  const lower = Name.fromString('CN=Lower CA');
  const documents = [
    await agentDocument(
      { caKey: topKey, ca: { certificate: top }, agentKey },
      {
        subject: caName.der,
        publicKey: caKey.publicKey,
        extensions: [constraints, signsAsCa],
      },
    ),
    await agentDocument(bench, {
      subject: lower.der,
      publicKey: lowerKey.publicKey,
      extensions: [cA, signsAsCa],
    }),
    await agentDocument({
      caKey: lowerKey,
      ca: { certificate: await createRootCertificate(lowerKey, lower, now) },
      agentKey,
    }),
  ];
  return { path: documents.map((document) => Certificate.parse(document.der)), top };
}
