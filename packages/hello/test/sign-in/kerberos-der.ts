import { context, element, generalizedTime, integer, sequence } from '@countersign/core/asn1';

/** Writers of Kerberos messages as a KDC makes them, right or wrong. */

export interface TestPrincipal {
  readonly realm: string;
  readonly components: readonly string[];
}

export function generalString(text: string): Uint8Array {
  return element(0x1b, Buffer.from(text, 'utf8'));
}

export function principalName(nameType: number, components: readonly string[]): Uint8Array {
  return sequence(context(0, integer(nameType)), context(1, sequence(...components.map(generalString))));
}

export function flags(value: number): Uint8Array {
  const contents = Buffer.alloc(5);
  contents.writeUInt32BE(value, 1);
  return element(0x03, contents);
}

export interface KrbErrorFields {
  readonly code: number;
  readonly text?: string;
  readonly data?: Uint8Array;
  readonly serverTime?: Date;
}

export function krbError({ code, text, data, serverTime = new Date() }: KrbErrorFields): Uint8Array {
  return element(
    0x7e,
    sequence(
      context(0, integer(5)),
      context(1, integer(30)),
      context(4, generalizedTime(serverTime)),
      context(5, integer(123_456)),
      context(6, integer(code)),
      context(9, generalString('CONTOSO.TEST')),
      context(10, principalName(2, ['krbtgt', 'CONTOSO.TEST'])),
      ...(text === undefined ? [] : [context(11, generalString(text))]),
      ...(data === undefined ? [] : [context(12, element(0x04, data))]),
    ),
  );
}

export function paData(type: number, value: Uint8Array): Uint8Array {
  return sequence(context(1, integer(type)), context(2, element(0x04, value)));
}

/** TYPED-DATA holds the same as PA-DATA under other tags (RFC 4120 5.9.1). */
export function typedData(type: number, value: Uint8Array): Uint8Array {
  return sequence(context(0, integer(type)), context(1, element(0x04, value)));
}
