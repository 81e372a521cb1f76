import { constants, createHash, privateEncrypt } from 'node:crypto';
import { PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { concat, octetString, oid, sequence } from '../path-validation/der.ts';
import { requestOf, setUpEnrollment, type Enrollment } from './enrollment-fixture.ts';
import {
  certified,
  foreignRequest,
  ids,
  nullSigned,
  pair,
  attribute,
  regInfo,
  requestKey,
  signedMessage,
  taggedRequest,
} from './foreign-cmc.ts';
import { refusal } from './refusal.ts';
import { SoftwareKey } from './software-key.ts';

/**
 * Signatures that lax verifiers of RSASSA-PKCS1-v1_5 take and that an attacker without the key can find where the
 * exponent is small. Made with the private key, they show what verification looks at: all of the encoded message.
 */

const modulusBytes = 256;
const noParameters = Uint8Array.of(5, 0);
const digestAlgorithm = (...parameters: Uint8Array[]): Uint8Array =>
  sequence(oid('2.16.840.1.101.3.4.2.1'), ...parameters);
const digest = (message: Uint8Array): Uint8Array => createHash('sha256').update(message).digest();
const digestInfo = (message: Uint8Array): Uint8Array =>
  sequence(digestAlgorithm(noParameters), octetString(digest(message)));

/** EM = 00 01 PS 00 T, filled up with `garbage` behind T to the length of the modulus. */
function encoded(t: Uint8Array, paddingBytes = modulusBytes - 3 - t.length, garbage = 0xaa): Uint8Array {
  const em = new Uint8Array(modulusBytes).fill(garbage);
  em.set(concat(Uint8Array.of(0, 1), new Uint8Array(paddingBytes).fill(0xff), Uint8Array.of(0), t));
  return em;
}

const forgeries: [what: string, em: (message: Uint8Array) => Uint8Array][] = [
  ['short padding and octets behind the hash', (message) => encoded(digestInfo(message), 8)],
  ['no padding and octets behind the hash', (message) => encoded(digestInfo(message), 0)],
  ['one octet behind the hash', (message) => encoded(digestInfo(message), modulusBytes - 4 - 51)],
  [
    'an extra field in DigestInfo',
    (message) =>
      encoded(
        sequence(
          digestAlgorithm(noParameters),
          octetString(digest(message)),
          octetString(new Uint8Array(60)),
        ),
      ),
  ],
  [
    'octets in the parameters of the hash algorithm',
    (message) =>
      encoded(sequence(digestAlgorithm(octetString(new Uint8Array(100))), octetString(digest(message)))),
  ],
  [
    'a field behind the parameters of the hash algorithm',
    (message) =>
      encoded(
        sequence(
          digestAlgorithm(noParameters, octetString(new Uint8Array(100))),
          octetString(digest(message)),
        ),
      ),
  ],
  [
    'a length in BER',
    (message) => {
      const t = digestInfo(message);
      return encoded(concat(Uint8Array.of(0x30, 0x81), t.subarray(1)));
    },
  ],
  [
    'another name for the hash',
    (message) =>
      encoded(sequence(sequence(oid('2.16.840.1.101.3.4.2.4'), noParameters), octetString(digest(message)))),
  ],
  ['the bare hash', (message) => encoded(digest(message))],
  [
    'block type 2',
    (message) => {
      const em = encoded(digestInfo(message));
      em[1] = 2;
      return em;
    },
  ],
  [
    'padding that is not all ones',
    (message) => {
      const em = encoded(digestInfo(message));
      em[20] = 0xfe;
      return em;
    },
  ],
];

const sha256WithRsa = sequence(oid('1.2.840.113549.1.1.11'), noParameters);

function raw(key: SoftwareKey, em: Uint8Array): Uint8Array {
  return Uint8Array.from(privateEncrypt({ key: key.privateKey, padding: constants.RSA_NO_PADDING }, em));
}

const agentKey = new SoftwareKey('rsa2048');
const userKey = new SoftwareKey('rsa2048');

async function rsaEnrollment(): Promise<Enrollment> {
  return setUpEnrollment({ agentKey, aliceKey: userKey });
}

function cmcBy(enrollment: Enrollment, em: (message: Uint8Array) => Uint8Array): Uint8Array {
  const { agentCertificate, alice } = enrollment;
  return foreignRequest({
    controls: [regInfo(2, String.raw`requestername=CONTOSO\alice`)],
    requests: [taggedRequest(nullSigned(alice.key.publicKey))],
    signers: [
      certified(agentKey, agentCertificate, {
        signatureAlgorithm: sha256WithRsa,
        signature: (message) => raw(agentKey, em(message)),
      }),
    ],
  });
}

test('made by hand and right, the signature holds', async () => {
  const enrollment = await rsaEnrollment();
  await enrollment.ca.issue(cmcBy(enrollment, (message) => encoded(digestInfo(message))));
});

describe.each(forgeries)('an RSA signature with %s is refused', (_what, em) => {
  test('by an agent in CMC', async () => {
    const enrollment = await rsaEnrollment();
    const error = await refusal(async () => enrollment.ca.issue(cmcBy(enrollment, em)));
    expect(error.code).toBe('SIGNATURE_INVALID');
  });

  test('by an agent around PKCS#10', async () => {
    const enrollment = await rsaEnrollment();
    const { agentCertificate, alice } = enrollment;
    const signer = certified(agentKey, agentCertificate, {
      attributes: [attribute(ids.nameValuePair, pair('requestername', alice.account))],
      signatureAlgorithm: sha256WithRsa,
      signature: (message) => raw(agentKey, em(message)),
    });
    const der = signedMessage(await requestOf(alice), { contentType: ids.data, signers: [signer] });
    expect((await refusal(async () => enrollment.ca.issue(der))).code).toBe('SIGNATURE_INVALID');
  });

  test('by the key of the request', async () => {
    const enrollment = await rsaEnrollment();
    const { agentCertificate, alice } = enrollment;
    const { keyIdentifier } = PublicKey.parse(alice.key.publicKey);
    const der = foreignRequest({
      controls: [regInfo(2, String.raw`requestername=CONTOSO\alice`)],
      requests: [taggedRequest(nullSigned(alice.key.publicKey))],
      signers: [
        certified(agentKey, agentCertificate, {
          signatureAlgorithm: sha256WithRsa,
          signature: (message) => agentKey.signNow('rsa-pkcs1-sha256', message),
        }),
        requestKey(userKey, keyIdentifier, {
          signatureAlgorithm: sha256WithRsa,
          signature: (message) => raw(userKey, em(message)),
        }),
      ],
    });
    expect((await refusal(async () => enrollment.ca.issue(der))).code).toBe('SIGNATURE_INVALID');
  });
});

test('a signature one octet shorter or longer than the modulus is refused', async () => {
  const enrollment = await rsaEnrollment();
  const { agentCertificate, alice } = enrollment;
  for (const resize of [
    (signature: Uint8Array) => concat(Uint8Array.of(0), signature),
    (signature: Uint8Array) => signature.subarray(1),
    (signature: Uint8Array) => concat(signature, Uint8Array.of(0)),
  ]) {
    const der = foreignRequest({
      controls: [regInfo(2, String.raw`requestername=CONTOSO\alice`)],
      requests: [taggedRequest(nullSigned(alice.key.publicKey))],
      signers: [
        certified(agentKey, agentCertificate, {
          signatureAlgorithm: sha256WithRsa,
          signature: (message) => resize(agentKey.signNow('rsa-pkcs1-sha256', message)),
        }),
      ],
    });
    expect((await refusal(async () => enrollment.ca.issue(der))).code).toBe('SIGNATURE_INVALID');
  }
});
