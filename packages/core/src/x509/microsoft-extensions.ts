import { DerReader } from '../asn1/der-reader.ts';
import { integer, octetString, oid, sequence, utf8String } from '../asn1/der-writer.ts';
import { decodeIa5String } from '../asn1/strings.ts';
import { tag } from '../asn1/tag.ts';
import { oids } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';
import { encodeGeneralNames, readGeneralNames, type GeneralName } from './general-name.ts';

/** Writers and readers of what Active Directory and its CA put into certificates (MS-WCCE 2.2.2.7.7). */

/** The SAN entry that names the user at sign-in: otherName with a UTF8String (MS-WCCE 2.2.2.7.5). */
export function userPrincipalName(upn: string): GeneralName {
  return { kind: 'otherName', typeId: oids.userPrincipalName, value: utf8String(upn) };
}

/** The UPNs among these names. @throws CountersignError `DER_MALFORMED` if one is not a UTF8String */
export function userPrincipalNamesIn(names: readonly GeneralName[]): string[] {
  return names.flatMap((name) => {
    if (name.kind !== 'otherName' || name.typeId !== oids.userPrincipalName) return [];
    const reader = DerReader.document(name.value, 'user principal name');
    const upn = reader.utf8String();
    reader.end();
    return [upn];
  });
}

/**
 * szOID_NTDS_CA_SECURITY_EXT (MS-WCCE 2.2.2.7.7.4): GeneralNames with the object's SID, in string form, as an
 * otherName. It is what a domain controller maps the certificate by.
 */
export function ntdsCaSecurityExtension(sid: string): Extension {
  return {
    oid: oids.ntdsCaSecurityExtension,
    critical: false,
    value: encodeGeneralNames([
      { kind: 'otherName', typeId: oids.ntdsObjectSid, value: octetString(Buffer.from(sid, 'latin1')) },
    ]),
  };
}

/** The SID in an szOID_NTDS_CA_SECURITY_EXT extension. */
export function parseNtdsCaSecurityExtension(value: Uint8Array): string {
  const reader = DerReader.sequence(value, 'SID extension');
  const [name, ...others] = readGeneralNames(reader);
  if (name?.kind !== 'otherName' || name.typeId !== oids.ntdsObjectSid || others.length > 0) {
    throw reader.malformed('the extension holds something other than one objectSid');
  }
  const sidReader = DerReader.document(name.value, 'SID extension');
  const sid = decodeIa5String(sidReader.octetString());
  sidReader.end();
  if (sid === undefined) throw reader.malformed('the SID is not ASCII');
  return sid;
}

/** A certificate template as certificates name it. */
export interface CertificateTemplate {
  readonly oid: string;
  readonly majorVersion: number;
  readonly minorVersion: number;
}

/** szOID_CERTIFICATE_TEMPLATE (MS-WCCE 2.2.2.7.7.2). */
export function certificateTemplate(template: CertificateTemplate): Extension {
  return {
    oid: oids.certificateTemplate,
    critical: false,
    value: sequence(oid(template.oid), integer(template.majorVersion), integer(template.minorVersion)),
  };
}

/** Versions are OPTIONAL in the syntax; an absent one reads as 0. */
export function parseCertificateTemplate(value: Uint8Array): CertificateTemplate {
  const reader = DerReader.sequence(value, 'certificate template extension');
  const id = reader.oid();
  const majorVersion = reader.at(tag.integer) ? reader.smallInteger() : 0;
  const minorVersion = reader.at(tag.integer) ? reader.smallInteger() : 0;
  reader.end();
  return { oid: id, majorVersion, minorVersion };
}

/** szOID_APPLICATION_CERT_POLICIES (MS-WCCE 2.2.2.7.7.3): the EKU's purposes once more, in certificatePolicies syntax. */
export function applicationPolicies(...purposes: readonly string[]): Extension {
  return {
    oid: oids.applicationPolicies,
    critical: false,
    value: sequence(...purposes.map((purpose) => sequence(oid(purpose)))),
  };
}

/** The purposes that an application policies extension lists; qualifiers are skipped. */
export function parseApplicationPolicies(value: Uint8Array): string[] {
  const reader = DerReader.sequence(value, 'application policies extension');
  const purposes: string[] = [];
  while (!reader.done) {
    const policy = reader.sequence();
    purposes.push(policy.oid());
    if (!policy.done) policy.any();
    policy.end();
  }
  return purposes;
}
