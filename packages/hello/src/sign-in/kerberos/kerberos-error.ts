import { DerReader } from '@countersign/core/asn1';
import { expectNumber } from './as-reply.ts';
import {
  application,
  readField,
  readInt32,
  readKerberosString,
  readOptionalField,
  readUint32,
} from './kerberos-types.ts';
import { readPrincipalName } from './principal-name.ts';

/** KRB-ERROR (RFC 4120 5.9.1). Nothing authenticates it. */
export interface KerberosError {
  readonly code: number;
  readonly serverTime: Date;
  /** What the KDC adds for people. */
  readonly text: string | undefined;
  /** e-data, DER of whatever belongs to the code. */
  readonly data: Uint8Array | undefined;
}

export function isKerberosError(der: Uint8Array): boolean {
  return der[0] === application(30);
}

/** @throws CountersignError `DER_MALFORMED` */
export function parseKerberosError(der: Uint8Array): KerberosError {
  const document = DerReader.document(der, 'KRB-ERROR');
  const wrapped = document.constructed(application(30));
  document.end();
  const error = wrapped.sequence();
  wrapped.end();
  expectNumber(error, 0, 5, 'pvno');
  expectNumber(error, 1, 30, 'msg-type');
  readOptionalField(error, 2, (field) => field.generalizedTime());
  readOptionalField(error, 3, readUint32);
  const serverTime = readField(error, 4, (field) => field.generalizedTime());
  readField(error, 5, readUint32);
  const code = readField(error, 6, readInt32);
  readOptionalField(error, 7, readKerberosString);
  readOptionalField(error, 8, readPrincipalName);
  readField(error, 9, readKerberosString);
  readField(error, 10, readPrincipalName);
  const text = readOptionalField(error, 11, readErrorText);
  const data = readOptionalField(error, 12, (field) => field.octetString());
  error.end();
  return { code, serverTime, text, data };
}

/** e-text is for people: what cannot be shown is left out, instead of refusing the error that it explains. */
function readErrorText(field: DerReader): string {
  const text = Buffer.from(field.contents(0x1b)).toString('utf8');
  return text.replaceAll(/[^\P{C} ]/gu, '').slice(0, 200);
}
