import { encodePem } from '@countersign/core';
import { asn1parse, attributesIn, child } from './openssl-asn1parse.ts';
import { fromEscaped } from './distinguished-names.ts';
import { nameOptions, openssl, tryOpenssl, type OpensslFiles } from './openssl.ts';
import { byType, hex, type CountersignedValues } from './values.ts';
import { readFileSync, rmSync } from 'node:fs';

/**
 * What the command reads in a countersigned request: content and verdict with `cms -verify`, the signer's issuer with
 * `cms -cmsout -print`, and the octets of the rest with `asn1parse`.
 */
export function readCountersigned(
  files: OpensslFiles,
  der: Uint8Array,
  caCertificate: Uint8Array,
): CountersignedValues {
  const trusted = files.write('ca.pem', encodePem('CERTIFICATE', caCertificate));
  const content = files.path('content');
  rmSync(content, { force: true });
  const how = ['-binary', '-CAfile', trusted, '-no_check_time', '-purpose', 'any', '-out', content];
  const { status } = tryOpenssl(['cms', '-verify', '-inform', 'DER', ...how], der);
  const print = ['cms', '-cmsout', '-print', '-noout', '-inform', 'DER', ...nameOptions];
  const [, signerInfo = ''] = openssl(print, der)
    .toString()
    .split(/^ +signerInfos:$/m);
  const signedData = child(child(asn1parse(der), 1), 0);
  const [, , encapsulated, certificates, signerInfos] = signedData.children;
  const signer = child(signerInfos, 0);
  return {
    eContentType: child(encapsulated, 0).text,
    content: status === 0 ? hex(readFileSync(content)) : 'not verified',
    certificates: (certificates?.children ?? []).map((certificate) => hex(certificate.der)),
    signerIssuer: fromEscaped(/^ +issuer: +(.*)$/m.exec(signerInfo)?.[1] ?? 'no issuer'),
    signerSerialNumber: hex(child(child(signer, 1), 1).contents),
    digestAlgorithm: child(child(signer, 2), 0).text,
    signedAttributes: byType(
      attributesIn(child(signer, 3)).map(({ type, values }) => ({
        type,
        values: values.map((value) => hex(value.der)),
      })),
    ),
    verifies: status === 0,
  };
}
