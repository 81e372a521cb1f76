import { CountersignError } from '@countersign/core';

/**
 * @param text `ldaps://host` or `ldaps://host:port`; an IPv6 address in brackets
 * @throws CountersignError `VALUE_OUT_OF_RANGE` for anything else: without TLS, or with parts that would be passed over
 */
export function parseLdapsUrl(text: string): {
  readonly url: string;
  readonly host: string;
  readonly port: number;
} {
  const match =
    /^ldaps:\/\/(?:\[(?<address>[0-9A-Fa-f:.]+)\]|(?<name>[A-Za-z0-9.-]+))(?::(?<port>\d{1,5}))?\/?$/u.exec(
      text,
    );
  const { address, name, port } = match?.groups ?? {};
  const host = address ?? name;
  const number = port === undefined ? ldapsPort : Number(port);
  if (host === undefined || number < 1 || number > 65_535) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `${JSON.stringify(text.slice(0, 200))} is not the URL of a directory server over TLS`,
      'Write it like ldaps://dc1.contoso.test or ldaps://dc1.contoso.test:636.',
    );
  }
  return { url: text.replace(/\/$/u, ''), host, port: number };
}

const ldapsPort = 636;
