import { encodePem } from '@countersign/core';
import { fromEscaped } from './distinguished-names.ts';
import { asn1parse, child, extensionsIn } from './openssl-asn1parse.ts';
import { extensionMeaningIn, integerHex } from './openssl-text.ts';
import { nameOptions, tryOpenssl, type OpensslFiles } from './openssl.ts';
import type { CrlValues, RevokedValues } from './values.ts';

/** What the command reads in a CRL: the octets of its extensions with `asn1parse`, all else with `crl`. */
export function readCrl(files: OpensslFiles, der: Uint8Array, issuer: Uint8Array): CrlValues {
  const trusted = files.write('issuer.pem', encodePem('CERTIFICATE', issuer));
  const print = ['-noout', '-text', '-issuer', '-lastupdate', '-nextupdate', '-crlnumber', ...nameOptions];
  // `crl -CAfile` ends with 0 even where the signature is wrong (OpenSSL 3.0), and says so on standard error.
  const { stdout, stderr } = tryOpenssl(['crl', '-inform', 'DER', '-CAfile', trusted, ...print], der);
  const text = stdout.toString();
  const field = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  const [, extensions = '', entries = ''] =
    /^ +CRL extensions:\n([^]*?)^(?:No Revoked Certificates\.|Revoked Certificates:)\n([^]*?)^ +Signature Algorithm:/m.exec(
      text,
    ) ?? [];
  return {
    issuer: fromEscaped(field('issuer')),
    thisUpdate: new Date(field('lastUpdate')).toISOString(),
    nextUpdate: new Date(field('nextUpdate')).toISOString(),
    crlNumber: Number(field('crlNumber')),
    authorityKeyIdentifier: extensionMeaningIn(extensions).authorityKeyIdentifier ?? 'absent',
    // crlExtensions are the last of TBSCertList.
    extensions: extensionsIn(child(child(child(asn1parse(der), 0), -1), 0)),
    entries: entries
      .split(/^ +(?=Serial Number: )/m)
      .slice(1)
      .map(readEntry),
    verifies: stderr.includes('verify OK'),
  };
}

function readEntry(text: string): RevokedValues {
  const [, serialNumber = ''] = /^Serial Number: ([0-9A-F]+)$/m.exec(text) ?? [];
  const [, revokedAt = ''] = /^ +Revocation Date: (.*)$/m.exec(text) ?? [];
  const [, reason] = /^ +X509v3 CRL Reason Code: \n +(.*)$/m.exec(text) ?? [];
  return {
    serialNumber: integerHex(`0x${serialNumber}`),
    revokedAt: new Date(revokedAt).toISOString(),
    reason: reason === undefined ? 0 : reasons.indexOf(reason),
  };
}

/** As they are printed, each at its code (RFC 5280 5.3.1 leaves 7 out). */
const reasons = [
  'Unspecified',
  'Key Compromise',
  'CA Compromise',
  'Affiliation Changed',
  'Superseded',
  'Cessation Of Operation',
  'Certificate Hold',
  '',
  'Remove From CRL',
  'Privilege Withdrawn',
  'AA Compromise',
];
