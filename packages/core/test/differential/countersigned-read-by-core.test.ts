import { createCertificationRequest, Name, parseCountersignedRequest } from '@countersign/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cases, timeoutMs } from './cases.ts';
import { chainCase, type ChainCase } from './certificate-cases.ts';
import { writeCountersigned, type CoreCountersigned } from './core-chain.ts';
import * as core from './core-reader.ts';
import { expectedCountersigned } from './countersigned-cases.ts';
import { extensionOids as oids } from './extension-oids.ts';
import * as openssl from './openssl-cms-writer.ts';
import { hasOpenssl, OpensslFiles } from './openssl.ts';
import * as pkijs from './pkijs-cms-writer.ts';
import { createSigners, type Signer } from './software-key.ts';
import { hex, type CountersignedValues } from './values.ts';

// @peculiar/x509 2.2.0 writes no SignedData; its requests and certificates are in the tests of these.

let signers: readonly Signer[];
const files = new OpensslFiles();

beforeAll(async () => {
  signers = await createSigners(['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa3072'], 4);
});

afterAll(() => files.remove());

test('core reads what pkijs countersigned, and its CA answers it', { timeout: timeoutMs }, async () => {
  await everyChain(async (chain, { authority, agent }) => {
    // Not the request that the CA answered already: with RSA, whose signatures do not vary, that would be a replay.
    const fields = { subject: Name.fromString('CN=again'), scheme: chain.user.scheme };
    const request = await createCertificationRequest(chain.user.key, fields);
    const der = await pkijs.countersign(chain.agent, agent.der, request, chain.account);
    expect(core.readCountersigned(der)).toEqual(expectedValues(chain, { agent, request }));
    expect(parseCountersignedRequest(der).requesterName).toBe(chain.account);
    const certificate = await authority.issue(der);
    expect(hex(certificate.publicKey.subjectPublicKeyInfo)).toBe(hex(chain.user.key.publicKey));
  });
});

test.runIf(hasOpenssl)('core reads and verifies what openssl signed', { timeout: timeoutMs }, async () => {
  await everyChain((chain, { agent, request }) => {
    const der = openssl.signRequest(files, chain.agent, agent.der, request);
    const { signedAttributes, ...values } = core.readCountersigned(der);
    const { signedAttributes: expectedAttributes, ...expected } = expectedValues(chain, { agent, request });
    expect(values).toEqual(expected);
    // openssl adds the signing time and cannot name a requester.
    expect(signedAttributes.map(({ type }) => type)).toContain(oids.signingTime);
    expect(signedAttributes.filter(({ type }) => type !== oids.signingTime)).toEqual(
      expectedAttributes.filter(({ type }) => type !== oids.enrollmentNameValuePair),
    );
    expect(() => parseCountersignedRequest(der)).toThrow(
      expect.objectContaining({ code: 'REQUESTER_MISMATCH' }),
    );
  });
});

async function everyChain(
  check: (chain: ChainCase, written: CoreCountersigned) => void | Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(chainCase(signers), async (chain) =>
    check(chain, await writeCountersigned(chain)),
  );
  await fc.assert(property, cases);
}

function expectedValues(
  chain: ChainCase,
  { agent, request }: Pick<CoreCountersigned, 'agent' | 'request'>,
): CountersignedValues {
  return expectedCountersigned({
    request,
    agentCertificate: agent.der,
    agentIssuer: chain.caName,
    agentSerialNumber: agent.serialNumber,
    scheme: chain.agent.scheme,
    requesterName: chain.account,
  });
}
