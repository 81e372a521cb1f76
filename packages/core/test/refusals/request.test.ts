import { constants, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import {
  createCertificationRequest,
  subjectAltName,
  userPrincipalName,
  type Extension,
} from '@countersign/core';
import { expect, test } from 'vitest';
import {
  ascending,
  der,
  descend,
  integer,
  nullValue,
  octets,
  oid,
  sequence,
  set,
} from '../enrollment/der.ts';
import { alice, bob } from '../enrollment/enrollment-fixture.ts';
import { requestWith, type RequestParts } from '../enrollment/handmade-request.ts';
import { softwareKey } from '../enrollment/software-key.ts';
import {
  commonName,
  extensionOf,
  extensionRequest,
  microsoftExtensionRequest,
  purpose,
  purposes,
  rsassaPss,
  sha256,
  sideBySide,
} from './handmade-der.ts';
import { casesAt, createBench, expectRefused, type Attempt, type Attempts } from './refusal-bench.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaPublicKey = Uint8Array.from(rsa.publicKey.export({ format: 'der', type: 'spki' }));
const rsaPrivateKey = createPrivateKey(rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }));

const attempts: Attempts<'request'> = {
  'an empty signature': madeWith({ signature: () => new Uint8Array() }),
  'no signature element': async ({ aliceKey: key }) => {
    const whole = await requestWith({ key });
    return { request: sequence(descend(whole, [0, 0]).whole, descend(whole, [0, 1]).whole) };
  },
  'a signature with one bit flipped': madeWith({
    signature: (right) => right.with(right.length - 1, (right.at(-1) ?? 0) ^ 1),
  }),
  'a signature by another key': async ({ aliceKey: { publicKey } }) => {
    const other = await softwareKey('p256');
    return { request: await requestWith({ key: { ...other, publicKey } }) };
  },
  "another request's signature": async ({ aliceKey: key }) => {
    const other = await requestWith({ key, subject: sequence(commonName('Other')) });
    const signature = descend(other, [0, 2]).contents.subarray(1);
    return { request: await requestWith({ key, signature: () => signature }) };
  },
  'a signature r and s side by side': madeWith({ signature: sideBySide }),
  'a signature of zeros': madeWith({ signature: () => sequence(integer(0), integer(0)) }),
  'ECDSA with SHA-1': madeWith({ algorithm: sequence(oid('1.2.840.10045.4.1')) }),
  'RSA with SHA-1': rsaSigned(sequence(oid('1.2.840.113549.1.1.5'), nullValue()), { hash: 'sha1' }),
  'RSA with MD5': rsaSigned(sequence(oid('1.2.840.113549.1.1.4'), nullValue()), { hash: 'md5' }),
  'PSS with a salt of 20 octets, as stated': rsaSigned(pss({ saltLength: 20 }), { saltLength: 20 }),
  'PSS with a salt of 20 octets where 32 are stated': rsaSigned(pss(), { saltLength: 20 }),
  'PSS with MGF1 over another hash': rsaSigned(pss({ mask: '2.16.840.1.101.3.4.2.2' }), { saltLength: 32 }),
  'PSS with parameters by default (SHA-1)': rsaSigned(sequence(oid(rsassaPss), sequence()), {
    hash: 'sha1',
    saltLength: 20,
  }),
  'PSS with a trailer field spelt out': rsaSigned(pss({ trailer: der(0xa3, integer(1)) }), {
    saltLength: 32,
  }),
  'a signature algorithm of another family': madeWith({
    algorithm: sequence(oid('1.2.840.113549.1.1.11'), nullValue()),
  }),
  'a signature algorithm whose last arc is 2^32 too large': madeWith({
    algorithm: sequence(oid(`1.2.840.10045.4.3.${2 ** 32 + 2}`)),
  }),
  'two lists of requested extensions': asking(
    [extensionRequest, purposes],
    [microsoftExtensionRequest, purposes],
  ),
  'two lists of requested extensions in one attribute': asking([
    extensionRequest,
    purposes,
    sequence(extensionOf('1.2.9', nullValue())),
  ]),
  'one extension requested twice': asking([extensionRequest, sequence(purpose, purpose)]),
  'an empty list of requested extensions': asking([extensionRequest, sequence()]),
  'a wish to be a CA': wishing({
    oid: '2.5.29.19',
    critical: true,
    value: sequence(der(0x01, Uint8Array.of(0xff))),
  }),
  'a wish to sign certificates': wishing({
    oid: '2.5.29.15',
    critical: true,
    value: der(0x03, Uint8Array.of(2, 4)),
  }),
  'a wish for a host name': wishing(subjectAltName([{ kind: 'dNSName', text: 'dc1.contoso.example' }])),
  'a wish for a host name beside the own UPN': wishing(
    subjectAltName([userPrincipalName(alice.upn), { kind: 'dNSName', text: 'dc1.contoso.example' }]),
  ),
  "a wish for another user's UPN": wishing(subjectAltName([userPrincipalName(bob.upn)])),
  "a wish for another user's UPN in Microsoft's attribute": asking([
    microsoftExtensionRequest,
    sequence(extensionOf('2.5.29.17', subjectAltName([userPrincipalName(bob.upn)]).value)),
  ]),
  "a wish for another user's SID": wishing({
    oid: '1.3.6.1.4.1.311.25.2',
    critical: false,
    value: sequence(der(0xa0, oid('1.3.6.1.4.1.311.25.2.1'), der(0xa0, octets(Buffer.from(bob.sid))))),
  }),
  'a wish to be an enrollment agent': wishing({
    oid: '2.5.29.37',
    critical: false,
    value: sequence(oid('1.3.6.1.4.1.311.20.2.1')),
  }),
  'a wish for any purpose': wishing({
    oid: '2.5.29.37',
    critical: false,
    value: sequence(oid('2.5.29.37.0')),
  }),
  'a wish for any application policy': wishing({
    oid: '1.3.6.1.4.1.311.21.10',
    critical: false,
    value: sequence(sequence(oid('2.5.29.37.0'))),
  }),
  'a key that nobody registered': async () => ({
    request: await createCertificationRequest(await softwareKey('p256')),
  }),
  "another user's key": async ({ directory }) => {
    const key = await softwareKey('p256');
    directory.setKeys(bob.upn, key);
    return { request: await createCertificationRequest(key) };
  },
};

test.each(casesAt('request', attempts))('refused: $name ($rule: $code)', async (refused) => {
  await expectRefused(await createBench(), refused);
});

test('made by hand and right, requests go through', async () => {
  const bench = await createBench();
  const { aliceKey, directory, ra, ca, signatures } = bench;
  const rsaKey = await softwareKey('rsa2048');
  directory.setKeys(alice.upn, aliceKey, { ...rsaKey, publicKey: rsaPublicKey });
  const right = [
    await requestWith({ key: aliceKey }),
    await asking([extensionRequest, purposes])(bench),
    await rsaSigned(sequence(oid('1.2.840.113549.1.1.11'), nullValue()), { hash: 'sha256' })(bench),
    await rsaSigned(pss(), { saltLength: 32 })(bench),
  ];
  for (const input of right) {
    const request =
      input instanceof Uint8Array ? input : 'request' in input ? input.request : new Uint8Array();
    await ca.issue((await ra.countersign(request, alice.upn)).der);
  }
  expect(signatures).toEqual({ ca: right.length, ra: right.length });
});

function madeWith(parts: RequestParts): Attempt {
  return async ({ aliceKey: key }) => ({ request: await requestWith({ key, ...parts }) });
}

function wishing(...extensionRequests: readonly Extension[]): Attempt {
  return async ({ aliceKey }) => ({
    request: await createCertificationRequest(aliceKey, { extensionRequests }),
  });
}

function asking(...attributes: readonly [type: string, ...values: readonly Uint8Array[]][]): Attempt {
  const encoded = attributes.map(([type, ...values]) => sequence(oid(type), set(...ascending(values))));
  return madeWith({ attributes: der(0xa0, ...ascending(encoded)) });
}

interface RsaSigning {
  readonly hash?: string;
  /** PSS if given. */
  readonly saltLength?: number;
}

function rsaSigned(algorithm: Uint8Array, { hash = 'sha256', saltLength }: RsaSigning): Attempt {
  const padding = saltLength === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  const signature = (_: Uint8Array, info: Uint8Array): Uint8Array =>
    Uint8Array.from(sign(hash, info, { key: rsaPrivateKey, ...padding }));
  return madeWith({ publicKey: rsaPublicKey, algorithm, signature });
}

interface PssParameters {
  readonly saltLength?: number;
  readonly mask?: string;
  readonly trailer?: Uint8Array;
}

/** RSASSA-PSS-params (RFC 4055 3.1) for SHA-256. */
function pss({ saltLength = 32, mask = sha256, trailer = new Uint8Array() }: PssParameters = {}): Uint8Array {
  const maskGeneration = sequence(oid('1.2.840.113549.1.1.8'), sequence(oid(mask), nullValue()));
  const hash = der(0xa0, sequence(oid(sha256), nullValue()));
  const parameters = sequence(hash, der(0xa1, maskGeneration), der(0xa2, integer(saltLength)), trailer);
  return sequence(oid(rsassaPss), parameters);
}
