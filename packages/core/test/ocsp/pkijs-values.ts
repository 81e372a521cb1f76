import {
  isRevocationReason,
  revocationReasonCodes,
  type CertificateStatus,
  type RevocationReason,
} from '@countersign/core';
import { Constructed, Enumerated, GeneralizedTime, OctetString, Primitive } from 'asn1js';
import * as pkijs from 'pkijs';
import { expect } from 'vitest';

/** What pkijs 4 makes of the parts of requests and responses. */

export function certIdValues(certId: pkijs.CertID): Readonly<Record<string, string>> {
  return {
    algorithm: certId.hashAlgorithm.algorithmId,
    name: hex(certId.issuerNameHash.valueBlock.valueHexView),
    key: hex(certId.issuerKeyHash.valueBlock.valueHexView),
    serialNumber: hex(certId.serialNumber.valueBlock.valueHexView),
  };
}

/** pkijs leaves CertStatus as the element that it is: [0], [1] with what it holds, or [2]. */
export function statusValues(element: unknown): CertificateStatus {
  if (element instanceof Primitive) {
    const { tagClass, tagNumber } = element.idBlock;
    expect([tagClass, element.valueBlock.blockLength]).toEqual([3, 0]);
    expect([0, 2]).toContain(tagNumber);
    return { kind: tagNumber === 0 ? 'good' : 'unknown' };
  }
  if (!(element instanceof Constructed)) throw new Error('the status is neither primitive nor constructed');
  expect([element.idBlock.tagClass, element.idBlock.tagNumber]).toEqual([3, 1]);
  const [revokedAt, explicit] = element.valueBlock.value;
  if (!(revokedAt instanceof GeneralizedTime)) throw new Error('the revocation has no time');
  return { kind: 'revoked', revokedAt: revokedAt.toDate(), reason: reasonIn(explicit) };
}

function reasonIn(explicit: unknown): RevocationReason {
  if (explicit === undefined) return 'unspecified';
  const [code] = explicit instanceof Constructed ? explicit.valueBlock.value : [];
  const number = code instanceof Enumerated ? code.valueBlock.valueDec : -1;
  const found = Object.entries(revocationReasonCodes).find(([, one]) => one === number)?.[0] ?? '';
  // Unspecified is expressed by absence.
  if (!isRevocationReason(found) || found === 'unspecified') throw new Error(`the reason is ${number}`);
  return found;
}

/** @returns hex of the key's hash, or of the name */
export function responderValues(id: unknown): string {
  if (id instanceof OctetString) return hex(id.valueBlock.valueHexView);
  if (id instanceof pkijs.RelativeDistinguishedNames) return hex(id.toSchema().toBER());
  throw new Error('the responder is named neither by key nor by name');
}

export function nonceIn(extensions: readonly pkijs.Extension[] | undefined): string | undefined {
  const extension = extensions?.find(({ extnID }) => extnID === '1.3.6.1.5.5.7.48.1.2');
  if (extension === undefined) return undefined;
  const parsedValue: unknown = extension.parsedValue;
  if (!(parsedValue instanceof OctetString)) throw new Error('the nonce is no OCTET STRING');
  return hex(parsedValue.valueBlock.valueHexView);
}

export function hex(octets: ArrayBuffer | Uint8Array | undefined): string {
  return Buffer.from(octets === undefined ? new Uint8Array() : new Uint8Array(octets)).toString('hex');
}
