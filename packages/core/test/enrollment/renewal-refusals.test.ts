import {
  Certificate,
  CertificationAuthority,
  CertificationRequest,
  createCertificationRequest,
  createCountersignedRequest,
  createRenewalRequest,
  createRootCertificate,
  MemoryLedger,
  renewalCertificateAttribute,
  type Attribute,
  type CertificationAuthorityOptions,
  type DirectoryUser,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { mirroredSignature } from './countersignature-forger.ts';
import { der, descend, sequence } from './der.ts';
import { alice, bob, caName, countersignAs, issueAgent, now, template } from './enrollment-fixture.ts';
import { refusal } from './refusal.ts';
import { refusedByCa } from './refused-by-ca.ts';
import { askForRenewal, createRenewable, forgeRenewal, type Renewable } from './renewal-fixture.ts';
import { softwareKey } from './software-key.ts';

describe('the certificate that is to be renewed', () => {
  test('must not have expired', async () => {
    const renewable = await createRenewable();
    const { clock, aliceKey, held } = renewable;
    const request = await askForRenewal(aliceKey, held);
    clock.now = new Date(held.notAfter.getTime() + 1);
    const error = await refusedByCa(renewable, request);
    expect([error.code, error.adcs?.symbol]).toEqual(['CERTIFICATE_EXPIRED', 'CERT_E_EXPIRED']);
    clock.now = held.notAfter;
    await renewable.ca.issue(request);
  });

  test('must have begun', async () => {
    const renewable = await createRenewable();
    const { clock, aliceKey, held } = renewable;
    clock.now = new Date(held.notBefore.getTime() - 1);
    const error = await refusedByCa(renewable, await askForRenewal(aliceKey, held));
    expect(error.code).toBe('CERTIFICATE_NOT_YET_VALID');
  });

  test.each(['keyCompromise', 'superseded', 'certificateHold'] as const)(
    'must not be revoked (%s)',
    async (reason) => {
      const renewable = await createRenewable();
      const { ca, aliceKey, held } = renewable;
      await ca.revoke(held.serialNumber, reason);
      const error = await refusedByCa(renewable, await askForRenewal(aliceKey, held));
      expect([error.code, error.adcs?.symbol]).toEqual(['CERTIFICATE_REVOKED', 'CRYPT_E_REVOKED']);
      expect(error.message).toContain(reason);
    },
  );

  test('must be of this CA: neither of one of the same name, nor of one with the same key', async () => {
    const renewable = await createRenewable();
    const { caOptions, aliceKey } = renewable;
    const otherKey = await softwareKey('p256');
    const impostor = await createRootCertificate(otherKey, caName, now);
    const elsewhere: Partial<CertificationAuthorityOptions>[] = [
      { key: otherKey, certificate: impostor },
      { ledger: new MemoryLedger() },
    ];
    for (const changes of elsewhere) {
      const held = await issuedBy({ ...caOptions, ...changes }, renewable);
      const error = await refusedByCa(renewable, await askForRenewal(aliceKey, held));
      expect([error.code, error.adcs?.symbol]).toEqual(['CERTIFICATE_NOT_TRUSTED', 'CERT_E_CHAINING']);
    }
  });

  test('must be the one in the ledger to the octet, whatever else the signature would fit', async () => {
    const renewable = await createRenewable();
    const { ca, aliceKey, held } = renewable;
    const mirrored = withMirroredSignature(held);
    expect([mirrored.serialNumber, mirrored.isIssuedBy(ca.certificate)]).toEqual([held.serialNumber, true]);
    const error = await refusedByCa(renewable, await askForRenewal(aliceKey, mirrored));
    expect(error.code).toBe('CERTIFICATE_NOT_TRUSTED');
  });

  test('must be of the template that the CA issues', async () => {
    const renewable = await createRenewable();
    const { caOptions, aliceKey, held } = renewable;
    const helloLogonTemplate = { ...template, oid: `${template.oid}.1` };
    const ca = new CertificationAuthority({ ...caOptions, helloLogonTemplate });
    const error = await refusedByCa({ ...renewable, ca }, await askForRenewal(aliceKey, held));
    expect([error.code, error.adcs?.symbol]).toEqual([
      'RENEWAL_NOT_POSSIBLE',
      'CERTSRV_E_UNSUPPORTED_CERT_TYPE',
    ]);
  });

  test('must not be an agent’s, or a KDC’s', async () => {
    const renewable = await createRenewable();
    const { ca, agentKey, agentCertificate } = renewable;
    const kdcKey = await softwareKey('p256');
    const order = { profile: 'kdc', realm: 'CONTOSO.EXAMPLE', hostName: 'dc1.contoso.example' } as const;
    const kdc = await ca.issueForOperator(await createCertificationRequest(kdcKey), order);
    for (const [key, certificate, profile] of [
      [agentKey, agentCertificate, 'enrollment-agent'],
      [kdcKey, kdc, 'kdc'],
    ] as const) {
      const error = await refusedByCa(renewable, await askForRenewal(key, certificate));
      expect(error.code).toBe('RENEWAL_NOT_POSSIBLE');
      expect(error.message).toContain(profile);
    }
  });

  test('must be of a profile that the CA still issues', async () => {
    const renewable = await createRenewable();
    const { caOptions, aliceKey, held } = renewable;
    const ca = new CertificationAuthority({ ...caOptions, profiles: ['kdc'] });
    const error = await refusedByCa({ ...renewable, ca }, await askForRenewal(aliceKey, held));
    expect(error.code).toBe('PROFILE_NOT_FOUND');
  });
});

describe('the request of a renewal', () => {
  test('is signed by the key of the certificate, not by another’s', async () => {
    const renewable = await createRenewable();
    const key = await softwareKey('p256');
    for (const newKey of [key, renewable.aliceKey]) {
      const request = await forgeRenewal({ key, certificate: renewable.held, newKey });
      expect((await refusedByCa(renewable, request)).code).toBe('SIGNATURE_INVALID');
    }
  });

  test('proves possession of the new key', async () => {
    const renewable = await createRenewable();
    const { aliceKey: key, held: certificate } = renewable;
    // The last octet is the end of s.
    const error = await refusedByCa(
      renewable,
      await forgeRenewal({ key, certificate, alter: withLastBitAnother }),
    );
    expect(error.code).toBe('PROOF_OF_POSSESSION_INVALID');
  });

  test.each<[string, (own: Attribute, other: Attribute) => readonly Attribute[]]>([
    ['another certificate', (_, other) => [other]],
    [
      'two certificates in one attribute',
      (own, other) => [{ ...own, values: [...own.values, ...other.values] }],
    ],
    ['two certificates in two attributes', (own, other) => [own, other]],
    [
      'the certificate with one bit another',
      (own) => [{ ...own, values: own.values.map(withLastBitAnother) }],
    ],
  ])('names the certificate that signs: %s will not do', async (_, attributesOf) => {
    const renewable = await createRenewable();
    const { aliceKey: key, held: certificate, agentCertificate } = renewable;
    const attributes = attributesOf(
      renewalCertificateAttribute(certificate),
      renewalCertificateAttribute(agentCertificate),
    );
    const request = await forgeRenewal({ key, certificate, attributes });
    const error = await refusedByCa(renewable, request);
    expect([error.code, error.adcs?.symbol]).toEqual(['RENEWAL_NOT_POSSIBLE', 'ERROR_INVALID_DATA']);
    const inside = CertificationRequest.parse(await createCertificationRequest(key, { attributes }));
    const refused = await refusal(async () => createRenewalRequest(key, 'ecdsa-sha256', certificate, inside));
    expect(refused.code).toBe('RENEWAL_NOT_POSSIBLE');
  });

  test('that names nothing to renew is on behalf of nobody', async () => {
    const renewable = await createRenewable();
    const { aliceKey: key, held: certificate } = renewable;
    const error = await refusedByCa(renewable, await forgeRenewal({ key, certificate, attributes: [] }));
    expect(error.code).toBe('REQUESTER_MISMATCH');
  });

  test('that names a requester is an agent’s, which the holder is not', async () => {
    const renewable = await createRenewable();
    const { aliceKey, held } = renewable;
    const attributes = [renewalCertificateAttribute(held)];
    const request = CertificationRequest.parse(await createCertificationRequest(aliceKey, { attributes }));
    for (const { account } of [alice, bob]) {
      const signed = await createCountersignedRequest(aliceKey, 'ecdsa-sha256', held, request, account);
      expect((await refusedByCa(renewable, signed)).code).toBe('AGENT_NOT_AUTHORIZED');
    }
  });

  test('is refused with any one bit of it another', async () => {
    const renewable = await createRenewable();
    const request = await askForRenewal(renewable.aliceKey, renewable.held);
    for (let at = 0; at < request.length; at += 7) {
      const error = await refusedByCa(renewable, request.with(at, (request[at] ?? 0) ^ (1 << (at % 8))));
      expect(error.code, `octet ${at}`).not.toBe('REQUEST_REPLAYED');
    }
    await renewable.ca.issue(request);
  });
});

describe('the user whose certificate is renewed', () => {
  test.each<[string, Partial<DirectoryUser>, string, string]>([
    ['is gone', { upn: 'gone@contoso.example' }, 'USER_NOT_FOUND', 'ERROR_NO_SUCH_USER'],
    ['is another by now', { sid: `${alice.sid}9` }, 'REQUESTER_MISMATCH', 'CERTSRV_E_BAD_REQUESTSUBJECT'],
    ['is protected by now', { groups: ['S-1-5-32-544'] }, 'ACCOUNT_PROTECTED', 'CERTSRV_E_RESTRICTEDOFFICER'],
  ])('%s', async (_, changes, code, symbol) => {
    const renewable = await createRenewable();
    const { directory, aliceKey, held } = renewable;
    directory.change(alice.upn, changes);
    const error = await refusedByCa(renewable, await askForRenewal(aliceKey, held));
    expect([error.code, error.adcs?.symbol]).toEqual([code, symbol]);
  });

  test('has registered the new key, which nobody else’s is', async () => {
    const renewable = await createRenewable();
    const { directory, aliceKey, held } = renewable;
    const newKey = await softwareKey('p256');
    const request = async (): Promise<Uint8Array> => askForRenewal(aliceKey, held, newKey);
    expect((await refusedByCa(renewable, await request())).code).toBe('KEY_NOT_REGISTERED');
    directory.setKeys(bob.upn, newKey);
    expect((await refusedByCa(renewable, await request())).code).toBe('KEY_NOT_REGISTERED');
  });

  test('does not get a key that was certified for another', async () => {
    const renewable = await createRenewable();
    const { ca, ra, directory, aliceKey, held } = renewable;
    const newKey = await softwareKey('p256');
    directory.setKeys(bob.upn, newKey);
    await ca.issue((await ra.countersign(await createCertificationRequest(newKey), bob.upn)).der);
    directory.setKeys(bob.upn);
    directory.setKeys(alice.upn, newKey);
    const error = await refusedByCa(renewable, await askForRenewal(aliceKey, held, newKey));
    expect(error.code).toBe('KEY_CERTIFIED_FOR_ANOTHER');
  });
});

/** Alice's certificate from a CA with other options. */
async function issuedBy(
  options: CertificationAuthorityOptions,
  { aliceKey }: Renewable,
): Promise<Certificate> {
  const ca = new CertificationAuthority(options);
  const agentKey = await softwareKey('p256');
  return ca.issue(await countersignAs({ aliceKey }, agentKey, await issueAgent(ca, agentKey)));
}

function withLastBitAnother(bytes: Uint8Array): Uint8Array {
  return bytes.with(bytes.length - 1, (bytes.at(-1) ?? 0) ^ 1);
}

/** The other certificate that this CA's ECDSA key stands for wherever it stands for this one. */
function withMirroredSignature({ der: whole }: Certificate): Certificate {
  const [tbsCertificate, algorithm] = [descend(whole, [0, 0]).whole, descend(whole, [0, 1]).whole];
  const signature = mirroredSignature(descend(whole, [0, 2]).contents.subarray(1));
  return Certificate.parse(sequence(tbsCertificate, algorithm, der(0x03, Uint8Array.of(0), signature)));
}
