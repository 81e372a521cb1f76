import { context, integer, sequence, sequenceOf, type DerReader } from '@countersign/core/asn1';
import {
  int32,
  kerberosString,
  readField,
  readInt32,
  readKerberosString,
  readSequenceOf,
} from './kerberos-types.ts';

/** PrincipalName (RFC 4120 5.2.2, 6.2) without its realm. */
export interface PrincipalName {
  /** A hint for whoever looks the name up; names that differ in it alone are the same. */
  readonly nameType: number;
  readonly components: readonly string[];
}

/** A principal of a realm: KRB5PrincipalName (RFC 4556 3.2.2). */
export interface Principal {
  readonly realm: string;
  readonly name: PrincipalName;
}

export const nameTypes = { principal: 1, serviceInstance: 2, enterprise: 10 } as const;

/** `krbtgt/REALM`: the service whose tickets get other tickets. */
export function ticketGrantingService(realm: string): PrincipalName {
  return { nameType: nameTypes.serviceInstance, components: ['krbtgt', realm] };
}

export function encodePrincipalName({ nameType, components }: PrincipalName): Uint8Array {
  return sequence(
    context(0, nameType < 0 ? int32(nameType) : integer(nameType)),
    context(1, sequenceOf(components.map(kerberosString))),
  );
}

export function readPrincipalName(reader: DerReader): PrincipalName {
  const sequenceReader = reader.sequence();
  const nameType = readField(sequenceReader, 0, readInt32);
  const components = readField(sequenceReader, 1, (field) => readSequenceOf(field, readKerberosString));
  sequenceReader.end();
  if (components.length === 0) throw reader.malformed('a PrincipalName has no components');
  return { nameType, components };
}

export function encodePrincipal({ realm, name }: Principal): Uint8Array {
  return sequence(context(0, kerberosString(realm)), context(1, encodePrincipalName(name)));
}

export function readPrincipal(reader: DerReader): Principal {
  const sequenceReader = reader.sequence();
  const realm = readField(sequenceReader, 0, readKerberosString);
  const name = readField(sequenceReader, 1, readPrincipalName);
  sequenceReader.end();
  return { realm, name };
}

/** RFC 4120 6.2: the type is no part of what a name names. Case matters (6.1). */
export function isSameName(a: PrincipalName, b: PrincipalName): boolean {
  return (
    a.components.length === b.components.length &&
    a.components.every((component, i) => component === b.components[i])
  );
}

/** The text form that other Kerberos programs print (RFC 1964 2.1.1): `/`, `@` and `\` inside a component are escaped. */
export function formatPrincipal({ realm, name }: Principal): string {
  return `${formatName(name)}@${escape(realm)}`;
}

export function formatName({ components }: PrincipalName): string {
  return components.map(escape).join('/');
}

function escape(component: string): string {
  return component.replaceAll(/[\\/@]/gu, String.raw`\$&`);
}
