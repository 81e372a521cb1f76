import { DerReader } from '../asn1/der-reader.ts';
import { integer, octetString, oid, sequence, utf8String } from '../asn1/der-writer.ts';
import { decodeIa5String } from '../asn1/strings.ts';
import { tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';
import { encodeGeneralNames, readGeneralNames, type GeneralName } from './general-name.ts';

/** Writers and readers of what Active Directory and its CA put into certificates (MS-WCCE 2.2.2.7.7). */

/** The SAN entry that names the user at sign-in: otherName with a UTF8String (MS-WCCE 2.2.2.7.5). */
export function userPrincipalName(upn: string): GeneralName {
  return { kind: 'otherName', typeId: oids.userPrincipalName, value: encodeUserPrincipalName(upn) };
}

/** szOID_NT_PRINCIPAL_NAME: the UTF8String alone, DER. @throws CountersignError `VALUE_OUT_OF_RANGE` */
export function encodeUserPrincipalName(upn: string): Uint8Array {
  if (!isUpn(upn)) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `${JSON.stringify(upn)} is no user principal name: it is empty or holds a NUL`,
      'Give it as the directory shows it, for example alice@contoso.test.',
    );
  }
  return utf8String(upn);
}

/** The UPNs among these names. @throws CountersignError `DER_MALFORMED` if one is not a UTF8String */
export function userPrincipalNamesIn(names: readonly GeneralName[]): string[] {
  return names.flatMap((name) => {
    if (name.kind !== 'otherName' || name.typeId !== oids.userPrincipalName) return [];
    const reader = DerReader.document(name.value, 'user principal name');
    const upn = reader.utf8String();
    if (!isUpn(upn)) throw reader.malformed('the UPN is empty or holds a NUL');
    reader.end();
    return [upn];
  });
}

/** What ends at a NUL for one reader and goes on for the next names two users. */
function isUpn(upn: string): boolean {
  return upn !== '' && !upn.includes('\0');
}

/**
 * szOID_NTDS_CA_SECURITY_EXT (MS-WCCE 2.2.2.7.7.4): GeneralNames with the object's SID, in string form, as an
 * otherName. It is what a domain controller maps the certificate by.
 */
export function ntdsCaSecurityExtension(sid: string): Extension {
  if (!sidForm.test(sid)) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `${JSON.stringify(sid)} is not a SID in string form`,
      'Give it as the directory shows it, for example S-1-5-21-1004336348-1177238915-682003330-1104.',
    );
  }
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
  if (sid === undefined || !sidForm.test(sid)) throw reader.malformed('the SID is not in its string form');
  return sid;
}

/** MS-DTYP 2.4.2.1, with a decimal authority: at most fifteen subauthorities. */
const sidForm = /^S-1-\d{1,15}(-\d{1,10}){1,15}$/;

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

/** The purposes that an application policies extension lists, at least one; qualifiers are skipped. */
export function parseApplicationPolicies(value: Uint8Array): string[] {
  const reader = DerReader.sequence(value, 'application policies extension');
  const purposes: string[] = [];
  while (!reader.done) {
    const policy = reader.sequence();
    purposes.push(policy.oid());
    if (!policy.done) policy.any(tag.sequence);
    policy.end();
  }
  if (purposes.length === 0) throw reader.malformed('CertificatePolicies holds no policy');
  return purposes;
}
