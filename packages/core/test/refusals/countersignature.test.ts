import { createCertificationRequest, createCmcRequest, PublicKey } from '@countersign/core';
import { expect, test } from 'vitest';
import {
  attribute,
  attributes,
  data,
  digestAttribute,
  ecdsaWithSha256,
  forgeCountersignature,
  forgeForAlice,
  issuerAndSerialNumber,
  mirroredSignature,
  requesterAttribute,
  rightAttributes,
  sha256 as sha256Identifier,
  type Change,
} from '../enrollment/countersignature-forger.ts';
import {
  ascending,
  der,
  descend,
  elements,
  integer,
  nullValue,
  octets,
  oid,
  sequence,
} from '../enrollment/der.ts';
import { alice, countersignForAlice, issueAgent } from '../enrollment/enrollment-fixture.ts';
import { softwareKey } from '../enrollment/software-key.ts';
import {
  nested,
  rsassaPss,
  sha256,
  sideBySide,
  withIndefiniteLength,
  withLongLength,
} from './handmade-der.ts';
import {
  casesAt,
  createBench,
  expectRefused,
  type Attempt,
  type Attempts,
  type Bench,
} from './refusal-bench.ts';
import { rebuilt, withSignature, type SignedDataParts } from './signed-data-parts.ts';

const flipped = (signature: Uint8Array): Uint8Array =>
  signature.with(signature.length - 1, (signature.at(-1) ?? 0) ^ 1);

const attempts: Attempts<'countersignature'> = {
  'a plain request': async ({ aliceKey }) => ({ countersigned: await createCertificationRequest(aliceKey) }),
  'nobody signed': forged(() => ({ signerInfos: () => [] })),
  'the request swapped after signing': async ({ aliceKey, agentKey: key, agentCertificate: certificate }) => {
    const [signed, content] = [
      await createCertificationRequest(aliceKey),
      await createCertificationRequest(aliceKey),
    ];
    const countersigned = await forgeCountersignature({
      key,
      certificate,
      content,
      attributes: rightAttributes(signed),
    });
    return { countersigned };
  },
  'the requester swapped after signing': rewritten((right) => {
    const name = Buffer.from('CONTOSO\\alice', 'utf16le').swap16();
    const at = Buffer.from(right).indexOf(name);
    expect(at).toBeGreaterThan(0);
    return right.with(at + name.length - 1, 'f'.charCodeAt(0));
  }),
  'a signature with one bit flipped, by the agent': forged(() => ({ signature: flipped })),
  'a signature by another key, by the agent': async (bench) => {
    const key = await softwareKey('p256');
    return { countersigned: await forgeForAlice(bench, () => ({ key })) };
  },
  'a signature r and s side by side, by the agent': forged(() => ({ signature: sideBySide })),
  'no signed attributes': async (bench) => {
    const { aliceKey, agentKey: key, agentCertificate: certificate } = bench;
    const content = await createCertificationRequest(aliceKey);
    const signature = octets(await key.sign('ecdsa-sha256', content));
    const sid = issuerAndSerialNumber(certificate);
    const bare = sequence(integer(1), sid, sha256Identifier, ecdsaWithSha256, signature);
    return {
      countersigned: await forgeCountersignature({ key, certificate, content, signerInfos: () => [bare] }),
    };
  },
  'no signed content type': forged(([, digest, requester]) => attributes(digest, requester)),
  'no signed digest': forged(([type, , requester]) => attributes(type, requester)),
  'no requester': forged(([type, digest]) => attributes(type, digest)),
  'two requesters': forged(([type, digest]) =>
    attributes(type, digest, requesterAttribute('CONTOSO\\alice', 'CONTOSO\\bob')),
  ),
  'unsigned attributes': forged(() => ({
    signerInfos: (right) => [
      sequence(descend(right, [0]).contents, der(0xa1, requesterAttribute('CONTOSO\\bob'))),
    ],
  })),
  'two SignerInfos, one with a flipped signature': forged(() => ({
    signerInfos: (right) => [right, withSignature(right, flipped)],
  })),
  'two SignerInfos in CMC, one with a flipped signature': async (bench) => ({
    countersigned: await cmcOfTwoAgents(bench, flipped),
  }),
  'another ContentInfo type': forged(() => ({ contentInfoType: '1.2.840.113549.1.7.3' })),
  'an unknown content type': forged(() => ({ eContentType: '1.2.3.4' })),
  'a SHA-1 digest': digestedWith('sha1', '1.3.14.3.2.26'),
  'an MD5 digest': digestedWith('md5', '1.2.840.113549.2.5'),
  'a signature algorithm whose last arc is 2^32 too large, by the agent': forged(() => ({
    signatureAlgorithm: sequence(oid(`1.2.840.10045.4.3.${2 ** 32 + 2}`)),
  })),
  'a content type whose last arc is 2^32 too large': forged(() => ({
    eContentType: `1.2.840.113549.1.7.${2 ** 32 + 1}`,
  })),
  'PSS with a salt of 20 octets, as stated, by the agent': forged(() => ({
    signatureAlgorithm: sequence(
      oid(rsassaPss),
      sequence(
        der(0xa0, sequence(oid(sha256), nullValue())),
        der(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sequence(oid(sha256), nullValue()))),
      ),
    ),
  })),
  'octets after the message': rewritten((right) => Uint8Array.from([...right, 0])),
  'an indefinite length, by the agent': rewritten(withIndefiniteLength),
  'a length in more octets than it needs, by the agent': rewritten(withLongLength),
  'a constructed OCTET STRING as content': rebuiltWith(({ encapContentInfo }) => {
    const content = descend(encapContentInfo, [0, 1, 0]).contents;
    const pieces = der(0x24, octets(content.subarray(0, 20)), octets(content.subarray(20)));
    return { encapContentInfo: sequence(oid(data), der(0xa0, pieces)) };
  }),
  'a version 00 01': rebuiltWith(() => ({ version: der(0x02, Uint8Array.of(0, 1)) })),
  '10,000 levels of nesting in a signed attribute': forged((right) => ({
    attributes: [...right, attribute('1.2.3', nested(10_000))],
  })),
  'more than eight signers': forged(() => ({
    signerInfos: (right) =>
      Array.from({ length: 9 }, (_, i) => withSignature(right, (signature) => signature.with(9, i))),
  })),
  'the same message again': async (bench) => {
    const countersigned = await countersignForAlice(bench);
    await bench.ca.issue(countersigned);
    return { countersigned };
  },
  'the same message with (r, n - s) for (r, s)': async (bench) => {
    const first = await forgeForAlice(bench, () => ({}));
    await bench.ca.issue(first);
    return {
      countersigned: rebuilt(first, ({ signerInfos }) => ({
        signerInfos: signerInfos.map((signerInfo) => withSignature(signerInfo, mirroredSignature)),
      })),
    };
  },
};

test.each(casesAt('countersignature', attempts))('refused: $name ($rule: $code)', async (refused) => {
  await expectRefused(await createBench(), refused);
});

test('made by hand and right, countersignatures are taken', async () => {
  const bench = await createBench();
  await bench.ca.issue(rebuilt(await forgeForAlice(bench, () => ({})), () => ({})));
  await bench.ca.issue(await cmcOfTwoAgents(bench, (signature) => signature));
  // The second agent's certificate, too.
  expect(bench.signatures.ca).toBe(3);
});

function forged(change: Change): Attempt {
  return async (bench) => ({ countersigned: await forgeForAlice(bench, change) });
}

/** A sound message written in another way. */
function rewritten(rewrite: (whole: Uint8Array) => Uint8Array): Attempt {
  return async (bench) => ({ countersigned: rewrite(await forgeForAlice(bench, () => ({}))) });
}

function rebuiltWith(change: (parts: SignedDataParts) => Partial<SignedDataParts>): Attempt {
  return rewritten((whole) => rebuilt(whole, change));
}

function digestedWith(hash: string, id: string): Attempt {
  return forged(([type, , requester], content) => ({
    digestAlgorithm: sequence(oid(id)),
    ...attributes(type, digestAttribute(content, hash), requester),
  }));
}

/** A full PKI request that a second agent signed as well, whose signature is spoilt. */
async function cmcOfTwoAgents(
  bench: Bench,
  spoil: (signature: Uint8Array) => Uint8Array,
): Promise<Uint8Array> {
  const { agentKey, agentCertificate, aliceKey, ca } = bench;
  const publicKey = PublicKey.parse(aliceKey.publicKey);
  const key = await softwareKey('p256');
  const certificate = await issueAgent(ca, key);
  const first = await createCmcRequest(agentKey, 'ecdsa-sha256', agentCertificate, publicKey, alice.account);
  const [signerInfo = new Uint8Array()] = elements(descend(first, [0, 1, 0, 4]).contents).map(
    ({ whole }) => whole,
  );
  const signedAttributes = descend(signerInfo, [0, 3]);
  const signature = await key.sign('ecdsa-sha256', der(0x31, signedAttributes.contents));
  const second = sequence(
    integer(1),
    issuerAndSerialNumber(certificate),
    sha256Identifier,
    signedAttributes.whole,
    ecdsaWithSha256,
    octets(spoil(signature)),
  );
  return rebuilt(first, ({ certificates, signerInfos }) => ({
    certificates: ascending([...certificates, certificate.der]),
    signerInfos: ascending([...signerInfos, second]),
  }));
}
