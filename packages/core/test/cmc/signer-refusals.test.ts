import { createRootCertificate, Name, parseCmcRequest, PublicKey } from '@countersign/core';
import { describe, test } from 'vitest';
import { boolean, concat, element, integer, octetString, oid, sequence } from '../path-validation/der.ts';
import { certifyAgent, now, requestOf, setUpEnrollment } from './enrollment-fixture.ts';
import {
  attribute,
  certified,
  dummySigner,
  foreignRequest,
  hash,
  ids,
  nobody,
  nullSigned,
  pkiData,
  requestKey,
  sha256,
  signedMessage,
  taggedRequest,
} from './foreign-cmc.ts';
import { handmadeAgent } from './handmade-agent.ts';
import { SoftwareKey } from './software-key.ts';
import { expectRefused, soundRequest } from './sound-request.ts';

describe('the signature', () => {
  test('does not hold for another request inside', async () => {
    const enrollment = await setUpEnrollment();
    const request = soundRequest(enrollment);
    const swapped = { ...request, requests: [taggedRequest(nullSigned(enrollment.bob.key.publicKey))] };
    const [signer] = request.signers;
    const signers = [
      {
        version: 1,
        ...signer,
        sign: (type: string) => signer?.sign(type, pkiData(request)) ?? new Uint8Array(),
      },
    ];
    await expectRefused(enrollment, foreignRequest({ ...swapped, signers }), 'SIGNATURE_INVALID', /digest/);
  });

  test('does not hold for another type of the content', async () => {
    const enrollment = await setUpEnrollment();
    const der = foreignRequest(soundRequest(enrollment, { contentType: ids.data }));
    await expectRefused(enrollment, der, 'SIGNATURE_INVALID', /content type/);
  });

  test('is refused without signed attributes, though it be over the content itself', async () => {
    const enrollment = await setUpEnrollment();
    const der = foreignRequest(soundRequest(enrollment, { withoutAttributes: true }));
    await expectRefused(enrollment, der, 'DER_MALFORMED');
  });

  test('is refused where the message digest is not among the signed attributes', async () => {
    const enrollment = await setUpEnrollment();
    const { agentKey, agentCertificate } = enrollment;
    const { der } = await enrollment.ra.countersign(await requestOf(enrollment.alice), enrollment.alice.upn, {
      format: 'cmc',
    });
    const { content } = parseCmcRequest(der);
    const bare = sequence(oid(ids.contentType), element(0x31, oid(ids.pkiData)));
    const signature = agentKey.signNow('ecdsa-sha256', element(0x31, bare));
    const signerInfo = sequence(
      integer(1),
      sequence(agentCertificate.issuer.der, element(0x02, agentCertificate.serialNumberOctets)),
      sha256,
      element(0xa0, bare),
      sequence(oid('1.2.840.10045.4.3.2')),
      octetString(signature),
    );
    const signers = [{ version: 1, certificate: agentCertificate.der, sign: () => signerInfo }];
    await expectRefused(enrollment, signedMessage(content, { signers }), 'SIGNATURE_INVALID', /1\.9\.4/);
  });

  test('is refused with an attribute that is signed twice', async () => {
    const enrollment = await setUpEnrollment();
    const attributes = [octetString(Uint8Array.of(1)), octetString(Uint8Array.of(2))].map((value) =>
      attribute('1.2.3.4', value),
    );
    const once = foreignRequest(soundRequest(enrollment, { attributes: attributes.slice(1) }));
    const twice = foreignRequest(soundRequest(enrollment, { attributes }));
    await expectRefused(enrollment, twice, 'DER_MALFORMED', /stands twice/);
    await enrollment.ca.issue(once);
  });

  test('is refused where it hashes otherwise than the content is digested', async () => {
    const enrollment = await setUpEnrollment();
    const der = foreignRequest(
      soundRequest(enrollment, {
        signatureAlgorithm: sequence(oid('1.2.840.10045.4.3.3')),
        signature: (message) => enrollment.agentKey.signNow('ecdsa-sha384', message),
      }),
    );
    await expectRefused(enrollment, der, 'SIGNATURE_INVALID', /different hashes/);
  });

  test('is refused with unsigned attributes', async () => {
    const enrollment = await setUpEnrollment();
    const der = foreignRequest(
      soundRequest(enrollment, { unsignedAttributes: [attribute(ids.clientInfo, sequence())] }),
    );
    await expectRefused(enrollment, der, 'DER_MALFORMED');
  });

  test('of one agent does not make up for a bad one of another', async () => {
    const enrollment = await setUpEnrollment();
    const secondKey = new SoftwareKey('p256');
    const second = await certifyAgent(enrollment.ca, secondKey);
    const request = soundRequest(enrollment);
    const stranger = new SoftwareKey('p256');
    for (const signer of [certified(stranger, second), certified(stranger, enrollment.agentCertificate)]) {
      const der = foreignRequest({ ...request, signers: [...request.signers, signer] });
      await expectRefused(enrollment, der, 'SIGNATURE_INVALID');
    }
    const both = { ...request, signers: [...request.signers, certified(secondKey, second)] };
    await enrollment.ca.issue(foreignRequest(both));
  });

  test('of an agent does not make up for a certified signer who is none', async () => {
    const enrollment = await setUpEnrollment();
    const { ca, ra, alice } = enrollment;
    const own = await ca.issue((await ra.countersign(await requestOf(alice), alice.upn)).der);
    const request = soundRequest(enrollment);
    const signers = [...request.signers, certified(alice.key, own)];
    await expectRefused(enrollment, foreignRequest({ ...request, signers }), 'AGENT_NOT_AUTHORIZED');
  });

  test('of an agent does not make up for a bad one of the key of the request', async () => {
    const enrollment = await setUpEnrollment();
    const { keyIdentifier } = PublicKey.parse(enrollment.alice.key.publicKey);
    const request = soundRequest(enrollment);
    const signers = [...request.signers, requestKey(enrollment.bob.key, keyIdentifier)];
    await expectRefused(enrollment, foreignRequest({ ...request, signers }), 'SIGNATURE_INVALID');
  });

  test('by a key that is not that of the request is refused though its holder is named', async () => {
    const enrollment = await setUpEnrollment();
    const { keyIdentifier } = PublicKey.parse(enrollment.bob.key.publicKey);
    const request = soundRequest(enrollment);
    for (const signer of [requestKey(enrollment.bob.key, keyIdentifier), nobody(keyIdentifier)]) {
      const der = foreignRequest({ ...request, signers: [...request.signers, signer] });
      await expectRefused(enrollment, der, 'SIGNATURE_INVALID', /not the key/);
    }
  });

  test('of nobody must be the hash of the attributes', async () => {
    const enrollment = await setUpEnrollment();
    const { keyIdentifier } = PublicKey.parse(enrollment.alice.key.publicKey);
    const request = soundRequest(enrollment);
    const signers = [
      ...request.signers,
      nobody(keyIdentifier, { signature: (message) => hash(concat(message, Uint8Array.of(0))) }),
    ];
    await expectRefused(enrollment, foreignRequest({ ...request, signers }), 'SIGNATURE_INVALID', /hash/);
  });

  test('of nobody must be over this content and no other', async () => {
    const enrollment = await setUpEnrollment();
    const { keyIdentifier } = PublicKey.parse(enrollment.alice.key.publicKey);
    const request = soundRequest(enrollment);
    const elsewhere = {
      version: 3,
      sign: (type: string) => nobody(keyIdentifier).sign(type, Uint8Array.of(1)),
    };
    const signers = [...request.signers, elsewhere];
    await expectRefused(enrollment, foreignRequest({ ...request, signers }), 'SIGNATURE_INVALID', /digest/);
  });

  test("of nobody cannot stand under an agent's serial number", async () => {
    const enrollment = await setUpEnrollment();
    const request = soundRequest(enrollment, {
      signatureAlgorithm: sequence(oid('1.3.6.1.5.5.7.6.2'), Uint8Array.of(5, 0)),
      signature: hash,
    });
    await expectRefused(enrollment, foreignRequest(request), 'SIGNATURE_INVALID', /not the key/);
    const dummies = { ...soundRequest(enrollment), signers: [dummySigner(1)] };
    await expectRefused(enrollment, foreignRequest(dummies), 'SIGNATURE_INVALID', /not the key/);
  });

  test('of nobody and of the key of the request are not those of an agent', async () => {
    const enrollment = await setUpEnrollment();
    const { keyIdentifier } = PublicKey.parse(enrollment.alice.key.publicKey);
    for (const signer of [
      nobody(keyIdentifier),
      dummySigner(),
      requestKey(enrollment.alice.key, keyIdentifier),
    ]) {
      const der = foreignRequest({ ...soundRequest(enrollment), signers: [signer] });
      await expectRefused(enrollment, der, 'REQUEST_NOT_COUNTERSIGNED');
    }
  });

  test('must be there', async () => {
    const enrollment = await setUpEnrollment();
    const der = foreignRequest({ ...soundRequest(enrollment), signers: [] });
    await expectRefused(enrollment, der, 'REQUEST_NOT_COUNTERSIGNED', /no signature/);
  });

  test('is needed once or twice, not nine times', async () => {
    const enrollment = await setUpEnrollment();
    const request = soundRequest(enrollment);
    // ECDSA signatures differ each time, so the elements of the set do.
    const signers = Array.from({ length: 9 }).flatMap(() => request.signers);
    const der = foreignRequest({ ...request, signers, certificates: [enrollment.agentCertificate.der] });
    await expectRefused(enrollment, der, 'DER_MALFORMED', /more than 8 signers/);
  });

  test('needs the certificate behind it enclosed', async () => {
    const enrollment = await setUpEnrollment();
    const request = soundRequest(enrollment);
    for (const certificates of [[], [enrollment.ca.certificate.der]]) {
      await expectRefused(
        enrollment,
        foreignRequest({ ...request, certificates }),
        'DER_MALFORMED',
        /enclosed/,
      );
    }
  });
});

describe('the agent', () => {
  test('of another CA is refused', async () => {
    const enrollment = await setUpEnrollment();
    const other = await setUpEnrollment();
    const signers = [certified(other.agentKey, other.agentCertificate)];
    await expectRefused(
      enrollment,
      foreignRequest({ ...soundRequest(enrollment), signers }),
      'CERTIFICATE_NOT_TRUSTED',
    );
  });

  test('whose certificate is revoked is refused', async () => {
    const enrollment = await setUpEnrollment();
    await enrollment.ca.revoke(enrollment.agentCertificate.serialNumber, 'keyCompromise');
    await expectRefused(enrollment, foreignRequest(soundRequest(enrollment)), 'CERTIFICATE_REVOKED');
  });

  test('is not the CA itself', async () => {
    const enrollment = await setUpEnrollment();
    const key = new SoftwareKey('p256');
    const certificate = await createRootCertificate(key, Name.fromString('CN=Test CA,O=Contoso'), now);
    const signers = [certified(key, certificate)];
    await expectRefused(
      enrollment,
      foreignRequest({ ...soundRequest(enrollment), signers }),
      'CERTIFICATE_NOT_TRUSTED',
    );
  });

  test('with a critical extension that is unknown is refused', async () => {
    const enrollment = await setUpEnrollment();
    const unknown = [oid('1.2.3.4'), boolean(true), octetString(sequence())];
    const known = [oid('1.2.3.4'), octetString(sequence())];
    const key = new SoftwareKey('p256');
    const critical = await handmadeAgent(enrollment, key, sequence(...unknown));
    const harmless = await handmadeAgent(enrollment, key, sequence(...known));
    const request = soundRequest(enrollment);
    const by = (certificate: typeof critical): Uint8Array =>
      foreignRequest({ ...request, signers: [certified(key, certificate)] });
    await expectRefused(enrollment, by(critical), 'CERTIFICATE_NOT_TRUSTED', /critical extension 1\.2\.3\.4/);
    await enrollment.ca.issue(by(harmless));
  });
});
