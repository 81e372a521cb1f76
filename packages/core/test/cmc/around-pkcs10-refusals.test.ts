import { PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { element, sequence } from '../path-validation/der.ts';
import { requestOf, setUpEnrollment, type Enrollment } from './enrollment-fixture.ts';
import {
  attribute,
  certified,
  dummySigner,
  ids,
  pair,
  requestKey,
  signedMessage,
  type ForeignRequest,
  type Signer,
} from './foreign-cmc.ts';
import { expectRefused } from './sound-request.ts';

/** The form around PKCS#10 has exactly one signer, an agent; what CMC allows beyond that stays in CMC. */

const attributes = [attribute(ids.nameValuePair, pair('requestername', String.raw`CONTOSO\alice`))];

async function aroundPkcs10(
  { agentKey, agentCertificate, alice }: Enrollment,
  others: readonly Signer[] = [],
  changes: Partial<ForeignRequest> = {},
): Promise<Uint8Array> {
  return signedMessage(await requestOf(alice), {
    contentType: ids.data,
    signers: [certified(agentKey, agentCertificate, { attributes }), ...others],
    ...changes,
  });
}

describe('around PKCS#10', () => {
  test('a message with one agent is granted', async () => {
    const enrollment = await setUpEnrollment();
    const certificate = await enrollment.ca.issue(await aroundPkcs10(enrollment));
    expect(certificate.subject.toString()).toBe(enrollment.alice.distinguishedName);
  });

  test.each([0, 2, 3, 4])(
    'a message of version %i is refused: no signature covers the version',
    async (version) => {
      const enrollment = await setUpEnrollment();
      await expectRefused(
        enrollment,
        await aroundPkcs10(enrollment, [], { version }),
        'DER_MALFORMED',
        /version/,
      );
    },
  );

  test('a second signer is refused, whoever it is', async () => {
    const enrollment = await setUpEnrollment();
    const { agentKey, agentCertificate, alice } = enrollment;
    const { keyIdentifier } = PublicKey.parse(alice.key.publicKey);
    for (const other of [
      certified(agentKey, agentCertificate, { attributes }),
      requestKey(alice.key, keyIdentifier),
      dummySigner(),
    ]) {
      const certificates = [agentCertificate.der];
      const der = await aroundPkcs10(enrollment, [other], { certificates });
      await expectRefused(enrollment, der, 'DER_MALFORMED', /2 signers/);
    }
  });

  test('a signer named by a key identifier is refused, though it be that of the agent', async () => {
    const enrollment = await setUpEnrollment();
    const { agentKey, agentCertificate } = enrollment;
    const signers = [requestKey(agentKey, agentCertificate.publicKey.keyIdentifier, { attributes })];
    const certificates = [agentCertificate.der];
    const der = await aroundPkcs10(enrollment, [], { signers, certificates });
    await expectRefused(enrollment, der, 'DER_MALFORMED', /issuer and serial number/);
  });

  test('enclosed CRLs are refused', async () => {
    const enrollment = await setUpEnrollment();
    const der = await aroundPkcs10(enrollment, [], { crls: [element(0xa1, sequence())] });
    await expectRefused(enrollment, der, 'DER_MALFORMED', /CRLs/);
  });
});
