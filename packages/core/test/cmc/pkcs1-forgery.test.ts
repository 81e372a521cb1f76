import { constants, privateEncrypt } from 'node:crypto';
import { PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { concat, oid, sequence } from '../path-validation/der.ts';
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
import { digestInfo, encoded, forgeries, noParameters } from './pkcs1-encodings.ts';
import { refusal } from './refusal.ts';
import { SoftwareKey } from './software-key.ts';

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
