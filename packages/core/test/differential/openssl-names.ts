import type { DistinguishedName } from './distinguished-names.ts';

/** How distinguished names and texts are given to the `openssl` command. */

/** `-subj`: `/type=value+type=value/type=value` with `\` before a special character. */
export function toOpensslSubject(name: DistinguishedName): string {
  const rdns = name.map((rdn) =>
    rdn.map(([oid, text]) => `${oid}=${text.replaceAll(/[/+\\]/g, String.raw`\$&`)}`).join('+'),
  );
  return `/${rdns.join('/')}`;
}

/** Lines of a configuration section: a number in front tells lines apart, `+` says that the RDN goes on. */
export function toOpensslConfig(name: DistinguishedName): string[] {
  const attributes = name.flatMap((rdn) => rdn.map((attribute, i) => ({ attribute, joined: i > 0 })));
  return attributes.map(
    ({ attribute: [oid, text], joined }, i) => `${i}.${joined ? '+' : ''}${oid} = ${toOpensslText(text)}`,
  );
}

/** A value in a configuration file (config(5)): quoted, but line ends, which quotes cannot hold, escaped between them. */
export function toOpensslText(text: string): string {
  return text
    .split(/([\n\r])/)
    .map((part) => {
      if (part === '\n') return String.raw`\n`;
      if (part === '\r') return String.raw`\r`;
      return part === '' ? '' : `"${part.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
    })
    .join('');
}
