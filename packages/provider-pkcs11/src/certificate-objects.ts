import { createHash } from 'node:crypto';
import { Certificate, CountersignError } from '@countersign/core';
import type { Session, SessionObject } from 'graphene-pk11';
import * as ck from './cryptoki.ts';
import { integerOf } from './der.ts';
import type { FoundKey } from './key-objects.ts';
import { byId, findObjects, readAttribute } from './object-attributes.ts';
import { call, hasReturnValue } from './token-error.ts';

export interface FoundCertificate {
  readonly object: SessionObject;
  readonly certificate: Certificate;
}

/** The certificates on a token, without those of forms that X.509 v3 does not have. */
export function findCertificates(
  session: Session,
  template: { readonly id?: Buffer },
): readonly FoundCertificate[] {
  const objects = findObjects(session, {
    class: ck.CKO_CERTIFICATE,
    certType: ck.CKC_X_509,
    ...template,
  });
  return objects.flatMap((object) => {
    const der = readAttribute(object, ck.CKA_VALUE);
    const certificate = der === undefined ? undefined : parseIfSound(der);
    return certificate === undefined ? [] : [{ object, certificate }];
  });
}

/** The certificates of one key, the one that is valid longest first. */
export function certificatesOf(session: Session, key: FoundKey): readonly FoundCertificate[] {
  return findCertificates(session, byId(key))
    .filter(({ certificate }) => certificate.publicKey.equals(key.publicKey))
    .toSorted((a, b) => b.certificate.notAfter.getTime() - a.certificate.notAfter.getTime());
}

/**
 * Writes a certificate beside its key, under the same CKA_ID and, where the token lets it, the same label, with what other
 * applications search by, and then removes those that were there: at no time is there none.
 * @param session read-write
 */
export function writeCertificate(session: Session, key: FoundKey, certificate: Certificate): void {
  const before = certificatesOf(session, key);
  const isSame = (found: FoundCertificate): boolean =>
    Buffer.compare(found.certificate.der, certificate.der) === 0;
  if (!before.some(isSame)) createCertificate(session, key, certificate);
  for (const found of before) if (!isSame(found)) destroyObject(found.object);
}

/**
 * With the label of the key. NSS takes no two certificates of one label with different subjects (CKR_ATTRIBUTE_VALUE_INVALID),
 * which keys of one label have, and a key whose owner was renamed: there, the certificate's hash goes with the label.
 */
function createCertificate(session: Session, key: FoundKey, certificate: Certificate): void {
  const create = (label: string): void => {
    call('C_CreateObject', () =>
      session.create({
        class: ck.CKO_CERTIFICATE,
        certType: ck.CKC_X_509,
        token: true,
        private: false,
        id: key.id,
        label,
        subject: Buffer.from(certificate.subject.der),
        issuer: Buffer.from(certificate.issuer.der),
        serial: integerOf(certificate.serialNumberOctets),
        value: Buffer.from(certificate.der),
      }),
    );
  };
  try {
    create(key.label);
  } catch (error) {
    if (!hasReturnValue(error, 'CKR_ATTRIBUTE_VALUE_INVALID')) throw error;
    const digest = createHash('sha256').update(certificate.der).digest('hex');
    create(`${key.label} ${digest.slice(0, 16)}`.trimStart());
  }
}

export function destroyObject(object: SessionObject): void {
  call('C_DestroyObject', () => object.destroy());
}

function parseIfSound(der: Buffer): Certificate | undefined {
  try {
    return Certificate.parse(Uint8Array.from(der));
  } catch (error) {
    if (error instanceof CountersignError) return undefined;
    throw error;
  }
}
