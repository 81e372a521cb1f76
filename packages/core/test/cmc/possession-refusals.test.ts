import { CertificationRequest, Name } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { bitString, oid, sequence } from '../path-validation/der.ts';
import { requestOf, setUpEnrollment, type User } from './enrollment-fixture.ts';
import {
  attribute,
  foreignRequest,
  ids,
  nullSigned,
  pair,
  signedMessage,
  taggedRequest,
} from './foreign-cmc.ts';
import { refusal } from './refusal.ts';
import { expectRefused, soundRequest } from './sound-request.ts';

describe('a null signature', () => {
  test('is refused where it is not the hash of the request', async () => {
    const enrollment = await setUpEnrollment();
    const request = nullSigned(enrollment.alice.key.publicKey);
    request[request.length - 1] = (request.at(-1) ?? 0) ^ 1;
    const der = foreignRequest({ ...soundRequest(enrollment), requests: [taggedRequest(request)] });
    await expectRefused(enrollment, der, 'PROOF_OF_POSSESSION_INVALID');
  });

  test('is refused in the form around PKCS#10', async () => {
    const enrollment = await setUpEnrollment();
    const attributes = [attribute(ids.nameValuePair, pair('requestername', String.raw`CONTOSO\alice`))];
    const { signers } = soundRequest(enrollment, { attributes });
    const message = (content: Uint8Array): Uint8Array =>
      signedMessage(content, { contentType: ids.data, signers });
    await expectRefused(
      enrollment,
      message(nullSigned(enrollment.alice.key.publicKey)),
      'ALGORITHM_NOT_SUPPORTED',
    );
    await enrollment.ca.issue(message(await requestOf(enrollment.alice)));
  });

  test('is refused by the RA and by the operator of the CA', async () => {
    const { ca, ra, alice } = await setUpEnrollment();
    const request = nullSigned(alice.key.publicKey);
    const order = { profile: 'enrollment-agent', subject: Name.fromString('CN=X') } as const;
    for (const work of [
      async () => ra.countersign(request, alice.upn, { format: 'cmc' }),
      async () => ca.issueForOperator(request, order),
    ]) {
      expect((await refusal(work)).code).toBe('ALGORITHM_NOT_SUPPORTED');
    }
  });
});

test('a signature on the request inside that does not hold is refused, though the agent vouches', async () => {
  const enrollment = await setUpEnrollment();
  const { alice, bob } = enrollment;
  const { certificationRequestInfo } = CertificationRequest.parse(await requestOf(alice));
  const signedBy = ({ key }: User): Uint8Array => {
    const request = sequence(
      certificationRequestInfo,
      sequence(oid('1.2.840.10045.4.3.2')),
      bitString(key.signNow('ecdsa-sha256', certificationRequestInfo)),
    );
    return foreignRequest({ ...soundRequest(enrollment), requests: [taggedRequest(request)] });
  };
  await expectRefused(enrollment, signedBy(bob), 'PROOF_OF_POSSESSION_INVALID');
  await enrollment.ca.issue(signedBy(alice));
});
