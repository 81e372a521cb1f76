import { parseCmcRequest, PublicKey, type CmcRequest } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { octetString, oid, sequence } from '../path-validation/der.ts';
import {
  auditRecords,
  certifyAgent,
  requestOf,
  setUpEnrollment,
  type Enrollment,
} from './enrollment-fixture.ts';
import {
  addAttributes,
  attribute,
  certified,
  dummySigner,
  foreignRequest,
  ids,
  nobody,
  nullSigned,
  pair,
  regInfo,
  requestKey,
  signedMessage,
  taggedRequest,
  type ForeignRequest,
} from './foreign-cmc.ts';
import { SoftwareKey } from './software-key.ts';

/** Requests of other writers: each shape is read, and leads to a certificate for the user it names. */

const named = regInfo(2, String.raw`requestername=CONTOSO\alice`);

async function issued(
  enrollment: Enrollment,
  fields: Partial<ForeignRequest> & Pick<ForeignRequest, 'signers'>,
): Promise<CmcRequest> {
  const { ca, alice } = enrollment;
  const der = foreignRequest({
    controls: [named],
    requests: [taggedRequest(nullSigned(alice.key.publicKey))],
    ...fields,
  });
  const parsed = parseCmcRequest(der);
  const certificate = await ca.issue(der);
  expect(certificate.subject.toString()).toBe(alice.distinguishedName);
  expect(Buffer.from(certificate.publicKey.subjectPublicKeyInfo)).toEqual(Buffer.from(alice.key.publicKey));
  return parsed;
}

describe('the requester may be named', () => {
  const name = String.raw`CONTOSO\alice`;
  const places: [place: string, controls: Uint8Array[], signed: Uint8Array[]][] = [
    ['in RegInfo', [named], []],
    ['in RegInfo, after other pairs', [regInfo(2, `CertificateTemplate=User&RequesterName=${name}`)], []],
    ['in a signed pair', [], [attribute(ids.nameValuePair, pair('requestername', name))]],
    [
      'in a signed pair with the terminators of C strings',
      [],
      [attribute(ids.nameValuePair, pair('requestername\0', `${name}\0`))],
    ],
    [
      'in a signed sequence of pairs',
      [],
      [attribute(ids.nameValuePair, sequence(pair('cdc', 'dc1'), pair('REQUESTERNAME', name)))],
    ],
    [
      'among the added attributes',
      [addAttributes(2, 1, attribute(ids.nameValuePair, pair('requestername', name)))],
      [],
    ],
    ['in two places that agree', [named], [attribute(ids.nameValuePair, pair('requestername', name))]],
  ];
  test.each(places)('%s', async (_place, controls, attributes) => {
    const enrollment = await setUpEnrollment();
    const { agentKey, agentCertificate } = enrollment;
    const parsed = await issued(enrollment, {
      controls,
      signers: [certified(agentKey, agentCertificate, { attributes })],
    });
    expect(parsed.requesterName).toBe(name);
  });

  test.each([
    ['a pair with the terminators of C strings', pair('requestername\0', `${name}\0`)],
    ['a pair', pair('requestername', name)],
    ['a sequence of pairs', sequence(pair('cdc', 'dc1'), pair('requestername', name))],
  ])('in the form around PKCS#10 as %s', async (_shape, value) => {
    const { ca, agentKey, agentCertificate, alice } = await setUpEnrollment();
    const der = signedMessage(await requestOf(alice), {
      contentType: ids.data,
      signers: [certified(agentKey, agentCertificate, { attributes: [attribute(ids.nameValuePair, value)] })],
    });
    expect((await ca.issue(der)).subject.toString()).toBe(alice.distinguishedName);
  });
});

describe('beside the agent may stand', () => {
  test('nobody, named by the key identifier of the request', async () => {
    const enrollment = await setUpEnrollment();
    const { agentKey, agentCertificate, alice } = enrollment;
    const { keyIdentifier } = PublicKey.parse(alice.key.publicKey);
    const parsed = await issued(enrollment, {
      signers: [nobody(keyIdentifier), certified(agentKey, agentCertificate)],
    });
    expect(parsed.signers.map(({ kind }) => kind).sort()).toEqual(['certificate', 'no-signature']);
    expect(parsed.proofOfPossession).toBe('agent');
  });

  test('nobody, named by a dummy issuer and the serial number 0', async () => {
    const enrollment = await setUpEnrollment();
    const { agentKey, agentCertificate } = enrollment;
    const parsed = await issued(enrollment, {
      signers: [dummySigner(), certified(agentKey, agentCertificate)],
    });
    expect(parsed.signers.map(({ kind }) => kind).sort()).toEqual(['certificate', 'no-signature']);
  });

  test('the key of the request, which then proves possession by its signature', async () => {
    const enrollment = await setUpEnrollment();
    const { agentKey, agentCertificate, alice } = enrollment;
    const { keyIdentifier } = PublicKey.parse(alice.key.publicKey);
    const parsed = await issued(enrollment, {
      signers: [requestKey(alice.key, keyIdentifier), certified(agentKey, agentCertificate)],
    });
    expect(parsed.proofOfPossession).toBe('key');
  });

  test('the key of the request, by the identifier that the request asks for', async () => {
    const enrollment = await setUpEnrollment();
    const { agentKey, agentCertificate, alice } = enrollment;
    const keyIdentifier = Buffer.from('an identifier of its own');
    const extension = sequence(oid('2.5.29.14'), octetString(octetString(keyIdentifier)));
    const request = nullSigned(alice.key.publicKey, attribute('1.2.840.113549.1.9.14', sequence(extension)));
    await issued(enrollment, {
      requests: [taggedRequest(request)],
      signers: [requestKey(alice.key, keyIdentifier), certified(agentKey, agentCertificate)],
    });
  });

  test('a second agent', async () => {
    const enrollment = await setUpEnrollment();
    const { agentKey, agentCertificate, ca, ledger } = enrollment;
    const secondKey = new SoftwareKey('p256');
    const second = await certifyAgent(ca, secondKey);
    await issued(enrollment, {
      signers: [certified(secondKey, second), certified(agentKey, agentCertificate)],
    });
    const records = await auditRecords(ledger);
    const approvedBy = records.at(-1)?.details['approvedBy']?.split(' ').sort();
    expect(approvedBy).toEqual([second.serialNumber, agentCertificate.serialNumber].sort());
  });
});

test("the client's own request may be inside, with its own signature", async () => {
  const enrollment = await setUpEnrollment();
  const { agentKey, agentCertificate, alice } = enrollment;
  const parsed = await issued(enrollment, {
    requests: [taggedRequest(await requestOf(alice))],
    signers: [certified(agentKey, agentCertificate)],
  });
  expect(parsed.proofOfPossession).toBe('key');
});

test('what Windows adds of the client stands there unheeded', async () => {
  const enrollment = await setUpEnrollment();
  const { agentKey, agentCertificate } = enrollment;
  await issued(enrollment, {
    controls: [
      addAttributes(2, 1, attribute(ids.clientInfo, sequence())),
      regInfo(3, String.raw`requestername=CONTOSO\alice`),
    ],
    signers: [certified(agentKey, agentCertificate)],
  });
});

test('a request may do without transaction and nonce', async () => {
  const enrollment = await setUpEnrollment();
  const { agentKey, agentCertificate } = enrollment;
  const parsed = await issued(enrollment, { signers: [certified(agentKey, agentCertificate)] });
  expect(parsed.transactionId).toBeUndefined();
  expect(parsed.senderNonce).toBeUndefined();
});
