import { parseCountersignedRequest, verifySignerInfo } from '@countersign/core';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cases, timeoutMs } from './cases.ts';
import { chainCase, type ChainCase } from './certificate-cases.ts';
import { writeCountersigned, type CoreCountersigned } from './core-chain.ts';
import { expectedCountersigned } from './countersigned-cases.ts';
import * as openssl from './openssl-cms-reader.ts';
import { hasOpenssl, OpensslFiles } from './openssl.ts';
import * as peculiar from './peculiar-reader.ts';
import * as pkijs from './pkijs-reader.ts';
import { createSigners, type Signer } from './software-key.ts';
import { hex, type CountersignedValues } from './values.ts';

let signers: readonly Signer[];
const files = new OpensslFiles();

beforeAll(async () => {
  signers = await createSigners(['p256', 'p384', 'p521', 'ed25519', 'rsa2048', 'rsa3072'], 4);
});

afterAll(() => files.remove());

test('pkijs reads and verifies what core countersigned', { timeout: timeoutMs }, async () => {
  await everyCountersigned(({ countersigned }) => pkijs.readCountersigned(countersigned));
});

test.runIf(hasOpenssl)(
  'openssl reads and verifies what core countersigned',
  { timeout: timeoutMs },
  async () => {
    await everyCountersigned(({ countersigned, ca }) =>
      openssl.readCountersigned(files, countersigned, ca.der),
    );
  },
);

// @peculiar/x509 2.2.0 has no SignedData (only bags of certificates), so it is given what is inside the message.
test(
  '@peculiar/x509 reads and verifies the request and the agent certificate inside what core countersigned',
  { timeout: timeoutMs },
  async () => {
    const property = fc.asyncProperty(chainCase(signers), async (chain) => {
      const { countersigned, ca } = await writeCountersigned(chain);
      const { request, signedData } = parseCountersignedRequest(countersigned);
      const readRequest = await peculiar.readRequest(request.der);
      expect(readRequest).toMatchObject({ publicKey: hex(chain.user.key.publicKey), verifies: true });
      const agent = await peculiar.readCertificate(signedData.signerCertificate.der, ca.der);
      expect(agent).toMatchObject({
        subject: chain.agentName,
        publicKey: hex(chain.agent.key.publicKey),
        verifies: true,
      });
    });
    await fc.assert(property, cases);
  },
);

async function everyCountersigned(
  read: (chain: CoreCountersigned) => CountersignedValues | Promise<CountersignedValues>,
): Promise<void> {
  const property = fc.asyncProperty(chainCase(signers), async (chain) => {
    const written = await writeCountersigned(chain);
    const expected = expectedValues(chain, written);
    expect(await read(written)).toEqual(expected);
    const parsed = parseCountersignedRequest(written.countersigned);
    expect(parsed.requesterName).toBe(chain.account);
    expect(hex(parsed.request.der)).toBe(expected.content);
    verifySignerInfo(parsed.signedData);
  });
  await fc.assert(property, cases);
}

function expectedValues(
  chain: ChainCase,
  { request, agent, countersignedAt }: CoreCountersigned,
): CountersignedValues {
  return expectedCountersigned({
    request,
    agentCertificate: agent.der,
    agentIssuer: chain.caName,
    agentSerialNumber: agent.serialNumber,
    scheme: chain.agent.scheme,
    requesterName: chain.account,
    signingTime: countersignedAt,
  });
}
