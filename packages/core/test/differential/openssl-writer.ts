import * as fc from 'fast-check';
import { utf8String } from './der.ts';
import { unicodeText } from './distinguished-names.ts';
import { extensionOids as oids } from './extension-oids.ts';
import { toOpensslConfig, toOpensslSubject, toOpensslText } from './openssl-names.ts';
import { openssl, type OpensslFiles } from './openssl.ts';
import { requestCase, type RequestCase } from './request-cases.ts';
import type { Signer } from './software-key.ts';
import { hex, type ExtensionValues } from './values.ts';

/** Requests as `openssl req` can be told to write them: each attribute has one value, a UTF8String. */
export function opensslRequestCase(signers: readonly Signer[]): fc.Arbitrary<RequestCase> {
  const texts = fc.array(unicodeText(40), { minLength: 4, maxLength: 4 });
  return fc.tuple(requestCase(signers), texts).map(withTextAttributes);
}

/** Attributes come from a configuration file, and then only with a subject from there, which is never empty. */
function withTextAttributes([request, texts]: [RequestCase, string[]]): RequestCase {
  const attributes = request.attributes.map(({ type }, i) => ({
    type,
    values: [hex(utf8String(texts[i] ?? ''))],
  }));
  return { ...request, attributes: request.subject.length === 0 ? [] : attributes };
}

export function writeRequest(files: OpensslFiles, request: RequestCase): Uint8Array {
  const { signer, subject, attributes } = request;
  const hasAttributes = attributes.length > 0;
  const hasExtensions = request.extensions.length + request.userPrincipalNames.length > 0;
  const configuration = files.write(
    'request.cnf',
    [
      '[req]',
      'distinguished_name = subject',
      'prompt = no',
      ...(hasAttributes ? ['attributes = attributes'] : []),
      ...(hasExtensions ? ['req_extensions = extensions'] : []),
      '[subject]',
      ...(hasAttributes ? toOpensslConfig(subject) : []),
      '[attributes]',
      ...attributes.map(({ type, values: [value = ''] }) => `${type} = ${toOpensslText(utf8Text(value))}`),
      ...extensionSections(request.userPrincipalNames, request.extensions),
      '',
    ].join('\n'),
  );
  const subj = hasAttributes ? [] : ['-subj', toOpensslSubject(subject)];
  const form = ['-new', '-utf8', '-outform', 'DER', '-config', configuration, ...subj];
  const key = files.write(`${signer.key.algorithm}.pem`, signer.key.pem);
  return openssl(['req', ...form, '-key', key, ...signatureOptions(signer)]);
}

/** `[extensions]` and what it refers to. */
function extensionSections(
  userPrincipalNames: readonly string[],
  extensions: readonly ExtensionValues[],
): string[] {
  return [
    '[extensions]',
    ...(userPrincipalNames.length === 0 ? [] : ['subjectAltName = @names']),
    ...extensions.map(extensionLine),
    '[names]',
    ...userPrincipalNames.map(upnLine),
  ];
}

export function extensionLine({ oid, critical, value }: ExtensionValues): string {
  return `${oid} = ${critical ? 'critical,' : ''}DER:${value}`;
}

export function upnLine(upn: string, index: number): string {
  return `otherName.${index} = ${oids.userPrincipalName};FORMAT:UTF8,UTF8:${toOpensslText(upn)}`;
}

export function signatureOptions({ scheme }: Signer): string[] {
  if (scheme === 'ed25519') return [];
  const digest = `-${scheme.slice(scheme.lastIndexOf('-') + 1)}`;
  return scheme.startsWith('rsa-pss')
    ? [digest, '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']
    : [digest];
}

/** The text of a UTF8String shorter than 128 octets or longer. */
function utf8Text(derHex: string): string {
  const der = Buffer.from(derHex, 'hex');
  const lengthOctets = (der[1] ?? 0) < 0x80 ? 1 : (der[1] ?? 0) - 0x7f;
  return der.subarray(1 + lengthOctets).toString();
}
