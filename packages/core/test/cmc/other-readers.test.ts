import {
  createCmcRequest,
  createCmcResponse,
  parseCmcRequest,
  PublicKey,
  type KeyAlgorithm,
} from '@countersign/core';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { describe, expect, test } from 'vitest';
import { elementsOf } from './der-elements.ts';
import { now, requestOf, setUpEnrollment, type Enrollment } from './enrollment-fixture.ts';
import { cmsPrint, cmsVerify, hasOpenssl } from './openssl.ts';
import { withoutSigner } from './signer-removal.ts';
import { SoftwareKey } from './software-key.ts';

/** What Countersign writes, read by others. */

async function agentOnly({ agentKey, agentCertificate, alice }: Enrollment): Promise<Uint8Array> {
  const [scheme = 'ecdsa-sha256'] = agentKey.schemes;
  const publicKey = PublicKey.parse(alice.key.publicKey);
  const options = { noSignature: false };
  return createCmcRequest(agentKey, scheme, agentCertificate, publicKey, alice.account, options);
}

async function countersigned({ ra, alice }: Enrollment): Promise<Uint8Array> {
  return (await ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' })).der;
}

describe.skipIf(!hasOpenssl)('openssl (skipped where it is not installed)', () => {
  test.each<KeyAlgorithm>(['p256', 'p384', 'p521', 'rsa2048'])(
    'verifies a request that the agent alone signed, with a %s key, and finds the content in it',
    async (algorithm) => {
      const enrollment = await setUpEnrollment({ agentKey: new SoftwareKey(algorithm) });
      const der = await agentOnly(enrollment);
      const verdict = await cmsVerify(der, enrollment.ca.certificate);
      expect(verdict).toMatchObject({ accepted: true });
      expect(verdict.content).toEqual(Uint8Array.from(parseCmcRequest(der).content));
      await enrollment.ca.issue(der);
    },
  );

  test("verifies the agent's signature on what the RA makes, apart from the signer that nobody is", async () => {
    const enrollment = await setUpEnrollment();
    const der = await countersigned(enrollment);
    const verdict = await cmsVerify(withoutSigner(der, 'no-signature'), enrollment.ca.certificate);
    expect(verdict).toMatchObject({ accepted: true });
    expect(verdict.content).toEqual(Uint8Array.from(parseCmcRequest(der).content));
  });

  test('refuses it with a changed content, and knows no certificate for the signer that nobody is', async () => {
    const enrollment = await setUpEnrollment();
    const der = await agentOnly(enrollment);
    const { senderNonce = new Uint8Array() } = parseCmcRequest(der);
    const altered = Uint8Array.from(der);
    const at = Buffer.from(der).indexOf(senderNonce);
    altered[at] = (altered[at] ?? 0) ^ 1;
    expect(await cmsVerify(altered, enrollment.ca.certificate)).toMatchObject({ accepted: false });
    const whole = await cmsVerify(await countersigned(enrollment), enrollment.ca.certificate);
    expect(whole.accepted).toBe(false);
    expect(whole.said).toContain('signer certificate not found');
  });

  test('reads the fields of the request as they were meant', async () => {
    const printed = await cmsPrint(await countersigned(await setUpEnrollment()));
    expect(printed).toContain('eContentType: id-cct-PKIData (1.3.6.1.5.5.7.12.2)');
    expect(printed).toMatch(/version: 3\s+d\.subjectKeyIdentifier/u);
    expect(printed).toContain('1.3.6.1.5.5.7.6.2');
    expect(printed).toMatch(/version: 1\s+d\.issuerAndSerialNumber/u);
  });

  test('verifies a response and finds the content in it', async () => {
    const { ca, caKey, agentCertificate } = await setUpEnrollment();
    const outcome = { status: 'success', certificate: agentCertificate } as const;
    const der = await createCmcResponse(caKey, 'ecdsa-sha256', ca.certificate, outcome);
    const verdict = await cmsVerify(der, ca.certificate);
    expect(verdict).toMatchObject({ accepted: true });
    expect(Buffer.from(verdict.content).includes('Issued')).toBe(true);
  });
});

describe('pkijs', () => {
  test('reads the request to the same fields and writes it again to the same octets', async () => {
    const enrollment = await setUpEnrollment();
    const der = await countersigned(enrollment);
    const { content, signers } = parseCmcRequest(der);
    const signedData = readSignedData(der);
    expect(signedData.version).toBe(3);
    expect(signedData.encapContentInfo.eContentType).toBe('1.3.6.1.5.5.7.12.2');
    const eContent = signedData.encapContentInfo.eContent?.getValue() ?? new ArrayBuffer(0);
    expect(Buffer.from(eContent)).toEqual(Buffer.from(content));
    expect(signedData.signerInfos.map(({ version }) => version)).toEqual([3, 1]);
    const signatures = signedData.signerInfos.map(({ signature }) => hex(signature.getValue()));
    expect(signatures).toEqual(signers.map(({ signerInfo }) => hex(signerInfo.signature)));
    const again = new pkijs.ContentInfo({
      contentType: '1.2.840.113549.1.7.2',
      content: signedData.toSchema(true),
    });
    expect(hex(again.toSchema().toBER())).toBe(hex(der));
  });

  test("verifies the agent's signature, and refuses it with a changed content", async () => {
    const enrollment = await setUpEnrollment();
    const der = await countersigned(enrollment);
    const trustedCerts = [pkijs.Certificate.fromBER(enrollment.ca.certificate.der)];
    const verified = async (bytes: Uint8Array): Promise<boolean> => {
      const result = await readSignedData(bytes).verify({
        signer: 1,
        trustedCerts,
        checkChain: false,
        checkDate: now,
        extendedMode: true,
      });
      return result.signatureVerified === true;
    };
    expect(await verified(der)).toBe(true);
    const altered = Uint8Array.from(der);
    const at = Buffer.from(der).indexOf(Buffer.from('requestername='));
    altered[at] = (altered[at] ?? 0) ^ 1;
    await expect(verified(altered)).rejects.toThrow();
  });

  test('reads the certification request inside, which holds the key and a hash', async () => {
    const enrollment = await setUpEnrollment();
    const { request } = parseCmcRequest(await countersigned(enrollment));
    const parsed = pkijs.CertificationRequest.fromBER(request.der);
    expect(parsed.signatureAlgorithm.algorithmId).toBe('2.16.840.1.101.3.4.2.1');
    expect(parsed.subject.typesAndValues).toEqual([]);
    expect(hex(parsed.subjectPublicKeyInfo.toSchema().toBER())).toBe(hex(enrollment.alice.key.publicKey));
  });
});

test('asn1js finds PKIData as RFC 5272 has it: controls, one tagged request, and two empty sequences', async () => {
  const { content } = parseCmcRequest(await countersigned(await setUpEnrollment()));
  const parts = elementsOf(content);
  expect(asn1js.fromBER(content).offset).toBe(content.length);
  expect(parts.map((part) => part[0])).toEqual([0x30, 0x30, 0x30, 0x30]);
  expect(parts.slice(2).map((part) => elementsOf(part).length)).toEqual([0, 0]);
  const controls = elementsOf(parts[0] ?? new Uint8Array()).map((control) => {
    const parsed = asn1js.fromBER(control).result;
    if (!(parsed instanceof asn1js.Sequence)) throw new Error('a control is no SEQUENCE');
    const [bodyPartId, type] = parsed.valueBlock.value;
    if (!(bodyPartId instanceof asn1js.Integer) || !(type instanceof asn1js.ObjectIdentifier)) {
      throw new Error('a control is no TaggedAttribute');
    }
    return [bodyPartId.valueBlock.valueDec, type.valueBlock.toString()];
  });
  expect(controls).toEqual([
    [2, '1.3.6.1.5.5.7.7.18'],
    [3, '1.3.6.1.5.5.7.7.5'],
    [4, '1.3.6.1.5.5.7.7.6'],
  ]);
  const requests = elementsOf(parts[1] ?? new Uint8Array());
  expect(requests.map((request) => request[0])).toEqual([0xa0]);
});

function readSignedData(der: Uint8Array): pkijs.SignedData {
  const contentInfo = pkijs.ContentInfo.fromBER(der);
  return new pkijs.SignedData({ schema: contentInfo.content });
}

function hex(bytes: ArrayBuffer | Uint8Array): string {
  return (bytes instanceof Uint8Array ? Buffer.from(bytes) : Buffer.from(bytes)).toString('hex');
}
