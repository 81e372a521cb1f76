import { createCertificationRequest } from '@countersign/core';
import { test } from 'vitest';
import { ecKey, rsaKey } from '../keys/subject-public-keys.ts';
import { unremarkableModulus } from '../key-quality/rsa-moduli.ts';
import { forgeCountersignature, rightAttributes } from '../enrollment/countersignature-forger.ts';
import { der, integer, nullValue, octets, oid, sequence } from '../enrollment/der.ts';
import { extension } from '../enrollment/assemble-certificate.ts';
import {
  agentDocument,
  agentExtensions,
  recordAgent,
  type AgentDocument,
  type AgentParts,
} from './agent-document.ts';
import { commonName, withIndefiniteLength, withLongLength } from './handmade-der.ts';
import {
  casesAt,
  createBench,
  expectRefused,
  type Attempt,
  type Attempts,
  type Bench,
} from './refusal-bench.ts';

const requestAgent = sequence(oid('1.3.6.1.4.1.311.20.2.1'));

const attempts: Attempts<'agent-encoding'> = {
  'an indefinite length, in the certificate': madeWith({ tbsCertificate: withIndefiniteLength }),
  'octets after the certificate': async (bench) => {
    const document = await agentDocument(bench);
    return { countersigned: await signedBy(bench, document, [document.der, nullValue()]) };
  },
  'a length in more octets than it needs, in the certificate': madeWith({ tbsCertificate: withLongLength }),
  'a negative serial number': madeWith({ serialNumber: integer(0x85) }),
  'a serial number of 40 octets': madeWith({ serialNumber: der(0x02, new Uint8Array(40).fill(0x41)) }),
  'the serial number 00 00 05': madeWith({ serialNumber: der(0x02, Uint8Array.of(0, 0, 5)) }),
  'an empty serial number': madeWith({ serialNumber: der(0x02) }),
  'two basic constraints that contradict each other': extended(
    extension('2.5.29.19', sequence()),
    extension('2.5.29.19', sequence(der(0x01, Uint8Array.of(0xff)))),
  ),
  'version 1 with extensions': madeWith({ version: new Uint8Array() }),
  'version 5': madeWith({ version: der(0xa0, integer(4)) }),
  'an extension that is critical by 01, in the certificate': extended(criticalBy(1)),
  'an extension that is critical by FALSE, in the certificate': extended(criticalBy(0)),
  'octets at the end of an extension': extended(sequence(oid('1.2.3.4'), octets(nullValue()), nullValue())),
  'octets at the end of the purposes': madeWith({
    extensions: [
      ...agentExtensions.slice(0, 1),
      extension('2.5.29.37', Uint8Array.from([...requestAgent, 5, 0])),
    ],
  }),
  'a UTCTime without seconds': madeWith({ notBefore: der(0x17, Buffer.from('2603040000Z')) }),
  'an empty list of extensions': madeWith({ extensions: [] }),
  'a NUL in the common name': madeWith({ subject: sequence(commonName('agent\0.contoso.example')) }),
  'a common name that is not UTF-8, in the certificate': madeWith({
    subject: sequence(commonName(Uint8Array.of(0x41, 0xc3, 0x28))),
  }),
  'a field after the signature, in the certificate': madeWith({ afterSignature: nullValue() }),
  'a purpose with a superfluous 80': madeWith({
    extensions: [
      ...agentExtensions.slice(0, 1),
      extension(
        '2.5.29.37',
        sequence(der(0x06, Uint8Array.of(0x80, ...oid('1.3.6.1.4.1.311.20.2.1').subarray(2)))),
      ),
    ],
  }),
  'a key off the curve': madeWith({ publicKey: ecKey(Uint8Array.from([4, ...new Uint8Array(64).fill(1)])) }),
  'an RSA key with the exponent 3': madeWith({ publicKey: rsaKey(unremarkableModulus(), 3n) }),
  'another algorithm inside than outside': madeWith({
    innerAlgorithm: sequence(oid('1.2.840.10045.4.3.3')),
  }),
};

test.each(casesAt('agent-encoding', attempts))('refused: $name ($rule: $code)', async (refused) => {
  await expectRefused(await createBench(), refused);
});

test("an agent's certificate that is written part by part and right countersigns", async () => {
  const bench = await createBench();
  for (const parts of [{}, { subject: sequence(commonName('agent.contoso.example')) }]) {
    const serialNumber = der(0x02, Uint8Array.of(0x42, bench.ledger.reservations.length));
    const document = await agentDocument(bench, { serialNumber, ...parts });
    await recordAgent(bench, document.der);
    await bench.ca.issue(await signedBy(bench, document));
  }
});

/** Its form is all that is wrong: the CA's key signed it. */
function madeWith(parts: AgentParts): Attempt {
  return async (bench) => ({ countersigned: await signedBy(bench, await agentDocument(bench, parts)) });
}

function extended(...extensions: readonly Uint8Array[]): Attempt {
  return madeWith({ extensions: [...agentExtensions, ...extensions] });
}

async function signedBy(
  { agentKey: key, agentCertificate: certificate, aliceKey }: Bench,
  { der: whole, sid }: AgentDocument,
  certificates: readonly Uint8Array[] = [whole],
): Promise<Uint8Array> {
  const content = await createCertificationRequest(aliceKey);
  const attributes = rightAttributes(content);
  return forgeCountersignature({ key, certificate, content, certificates, sid, attributes });
}

function criticalBy(octet: number): Uint8Array {
  return sequence(oid('1.2.3.4'), der(0x01, Uint8Array.of(octet)), octets(nullValue()));
}
