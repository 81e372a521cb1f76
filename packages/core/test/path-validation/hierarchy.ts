import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { Certificate, Name } from '@countersign/core';
import { bitString, boolean, concat, context, integer, octetString, oid, sequence, time } from './der.ts';

export interface ExtensionFields {
  readonly oid: string;
  readonly critical?: boolean;
  /** extnValue contents, DER. */
  readonly value: Uint8Array;
}

export interface CertificateFields {
  readonly subject: string;
  readonly extensions?: readonly ExtensionFields[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** Someone with a P-256 key who signs certificates by hand, right or wrong as a test wants them. */
export class Authority {
  readonly name: string;
  readonly #privateKey: KeyObject;
  readonly publicKey: Uint8Array;

  constructor(name: string) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.name = name;
    this.#privateKey = privateKey;
    this.publicKey = publicKey.export({ format: 'der', type: 'spki' });
  }

  /** The anchor's own certificate. */
  selfSigned(): Certificate {
    return this.issue(this, { subject: this.name, extensions: [ca()] });
  }

  issue(holder: { readonly publicKey: Uint8Array }, fields: CertificateFields): Certificate {
    const extensions = fields.extensions ?? [];
    const tbs = sequence(
      context(0, integer(2)),
      integer(++Authority.#serialNumber),
      ecdsaWithSha256,
      Name.fromString(this.name).der,
      sequence(
        time(fields.notBefore ?? new Date('2020-01-01T00:00:00Z')),
        time(fields.notAfter ?? new Date('2040-01-01T00:00:00Z')),
      ),
      Name.fromString(fields.subject).der,
      holder.publicKey,
      context(3, sequence(...(extensions.length === 0 ? [unimportant] : extensions).map(encodeExtension))),
    );
    return Certificate.parse(
      sequence(tbs, ecdsaWithSha256, bitString(sign('sha256', tbs, this.#privateKey))),
    );
  }

  static #serialNumber = 0;
}

export const at = new Date('2026-01-01T00:00:00Z');

/** basicConstraints of a CA. */
export function ca(pathLenConstraint?: number): ExtensionFields {
  const length = pathLenConstraint === undefined ? [] : [integer(pathLenConstraint)];
  return { oid: '2.5.29.19', critical: true, value: sequence(boolean(true), ...length) };
}

export function extendedKeyUsage(...purposes: readonly string[]): ExtensionFields {
  return { oid: '2.5.29.37', value: sequence(...purposes.map(oid)) };
}

export function certificatePolicies(...policies: readonly string[]): ExtensionFields {
  return { oid: '2.5.29.32', value: sequence(...policies.map((policy) => sequence(oid(policy)))) };
}

export function policyMappings(...pairs: readonly (readonly [string, string])[]): ExtensionFields {
  const value = sequence(...pairs.map(([from, to]) => sequence(oid(from), oid(to))));
  return { oid: '2.5.29.33', critical: true, value };
}

/** @param permitted GeneralNames, DER; and the same for those excluded */
export function nameConstraints(
  permitted: readonly Uint8Array[],
  excluded: readonly Uint8Array[] = [],
): ExtensionFields {
  const value = sequence(concat(subtrees(0, permitted), subtrees(1, excluded)));
  return { oid: '2.5.29.30', critical: true, value };
}

function subtrees(n: number, names: readonly Uint8Array[]): Uint8Array {
  return names.length === 0 ? new Uint8Array() : context(n, ...names.map((name) => sequence(name)));
}

export function subjectAltName(...names: readonly Uint8Array[]): ExtensionFields {
  return { oid: '2.5.29.17', value: sequence(...names) };
}

/** Certificates here always have extensions; this one says nothing. */
const unimportant: ExtensionFields = { oid: '1.3.6.1.4.1.99999.1', value: octetString(new Uint8Array(1)) };

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

function encodeExtension({ oid: id, critical, value }: ExtensionFields): Uint8Array {
  return sequence(oid(id), ...(critical === true ? [boolean(true)] : []), octetString(value));
}
