import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chainCase } from './certificate-cases.ts';
import { writeChain, type Chain } from './core-chain.ts';
import { writeCrl } from './core-crl.ts';
import * as core from './core-reader.ts';
import { crlCase } from './crl-cases.ts';
import { readCertificates as opensslCertificates } from './openssl-certificate-reader.ts';
import { readCountersigned as opensslCountersigned } from './openssl-cms-reader.ts';
import { readCrl as opensslCrl } from './openssl-crl-reader.ts';
import { readRequest as opensslRequest } from './openssl-request-reader.ts';
import { hasOpenssl, OpensslFiles } from './openssl.ts';
import * as peculiar from './peculiar-reader.ts';
import * as pkijs from './pkijs-reader.ts';
import { createSigners, type Signer } from './software-key.ts';

/** The other tests of this folder say that signatures verify; these say that the same checks can fail. */

const files = new OpensslFiles();
let signers: readonly Signer[];
let chain: Chain;
let crl: { readonly crl: Uint8Array; readonly ca: Uint8Array };

beforeAll(async () => {
  signers = await createSigners(['p256'], 4);
  chain = await writeChain(one(chainCase(signers)));
  crl = await writeCrl(one(crlCase(signers)));
});

afterAll(() => files.remove());

test('no reader takes a request whose signature was altered', async () => {
  expect(new Set(await verdictsOnRequest(chain.request))).toEqual(new Set([true]));
  expect(new Set(await verdictsOnRequest(altered(chain.request)))).toEqual(new Set([false]));
});

test('no reader takes a certificate whose signature was altered', async () => {
  const issuer = chain.ca.der;
  const verdicts = async (der: Uint8Array): Promise<boolean[]> => [
    core.readCertificate(der, issuer).verifies,
    (await peculiar.readCertificate(der, issuer)).verifies,
    (await pkijs.readCertificate(der, issuer)).verifies,
    ...(hasOpenssl ? opensslCertificates(files, [der], issuer).map(({ verifies }) => verifies) : []),
  ];
  expect(new Set(await verdicts(chain.helloLogon.der))).toEqual(new Set([true]));
  expect(new Set(await verdicts(altered(chain.helloLogon.der)))).toEqual(new Set([false]));
});

test('no reader takes a countersigned request whose signature was altered', async () => {
  const verdicts = async (der: Uint8Array): Promise<boolean[]> => [
    core.readCountersigned(der).verifies,
    (await pkijs.readCountersigned(der)).verifies,
    ...(hasOpenssl ? [opensslCountersigned(files, der, chain.ca.der).verifies] : []),
  ];
  expect(new Set(await verdicts(chain.countersigned))).toEqual(new Set([true]));
  expect(new Set(await verdicts(altered(chain.countersigned)))).toEqual(new Set([false]));
});

test('no reader takes a CRL whose signature was altered', async () => {
  const verdicts = async (der: Uint8Array): Promise<boolean[]> => [
    (await peculiar.readCrl(der, crl.ca)).verifies,
    (await pkijs.readCrl(der, crl.ca)).verifies,
    ...(hasOpenssl ? [opensslCrl(files, der, crl.ca).verifies] : []),
  ];
  expect(new Set(await verdicts(crl.crl))).toEqual(new Set([true]));
  expect(new Set(await verdicts(altered(crl.crl)))).toEqual(new Set([false]));
});

async function verdictsOnRequest(der: Uint8Array): Promise<boolean[]> {
  return [
    core.readRequest(der).verifies,
    (await peculiar.readRequest(der)).verifies,
    (await pkijs.readRequest(der)).verifies,
    ...(hasOpenssl ? [opensslRequest(der).verifies] : []),
  ];
}

/** The signature comes last in all of these; its last octet is the low end of s. */
function altered(der: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(der);
  const last = copy.length - 1;
  copy[last] = (copy[last] ?? 0) ^ 1;
  return copy;
}

function one<T>(arbitrary: fc.Arbitrary<T>): T {
  const [value] = fc.sample(arbitrary, 1);
  if (value === undefined) throw new Error('fast-check made no case');
  return value;
}
