import { asn1parse, attributesIn, child, extensionsIn } from './openssl-asn1parse.ts';
import { nameOptions, tryOpenssl } from './openssl.ts';
import { fromEscaped } from './distinguished-names.ts';
import { extensionOids as oids } from './extension-oids.ts';
import { userPrincipalNamesIn } from './openssl-text.ts';
import { byType, hex, type RequestValues } from './values.ts';

/** What the command reads in a request: subject, key, UPNs and verdict with `req`, the octets with `asn1parse`. */
export function readRequest(der: Uint8Array): RequestValues {
  const form = ['-inform', 'DER', '-noout', '-verify', '-subject', ...nameOptions, '-text', '-pubkey'];
  // `req -verify` ends with 0 even where the signature is wrong (OpenSSL 3.0), and says so on standard error.
  const { stdout, stderr } = tryOpenssl(['req', ...form], der);
  const text = stdout.toString();
  const attributes = attributesIn(child(child(asn1parse(der), 0), 3));
  const extensionRequest = attributes.find(({ type }) => type === oids.extensionRequest)?.values[0];
  return {
    subject: fromEscaped(/^subject=(.*)$/m.exec(text)?.[1] ?? 'no subject'),
    publicKey: publicKeyIn(text),
    attributes: byType(
      attributes
        .filter(({ type }) => type !== oids.extensionRequest)
        .map(({ type, values }) => ({ type, values: values.map((value) => hex(value.der)) })),
    ),
    extensionRequests: extensionRequest === undefined ? [] : extensionsIn(extensionRequest),
    userPrincipalNames: userPrincipalNamesIn(text),
    verifies: stderr.includes('verify OK'),
  };
}

function publicKeyIn(text: string): string {
  const [, base64 = ''] = /-----BEGIN PUBLIC KEY-----\n([^-]+)/.exec(text) ?? [];
  return Buffer.from(base64, 'base64').toString('hex');
}
