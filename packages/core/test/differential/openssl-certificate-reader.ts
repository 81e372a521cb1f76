import { encodePem } from '@countersign/core';
import { element, inOrderOfEncoding, objectIdentifier, sequence, set } from './der.ts';
import { fromEscaped } from './distinguished-names.ts';
import { extensionMeaningIn, integerHex } from './openssl-text.ts';
import { nameOptions, openssl, tryOpenssl, type OpensslFiles } from './openssl.ts';
import { hex, octets, type CertificateValues, type ExtensionValues } from './values.ts';

/**
 * What the command reads in certificates, all from one issuer. `openssl x509` takes one certificate a process and ten
 * times as long as the others, so: the fields are from `cms -cmsout -print`, which prints every field of a CMS message
 * and so of the certificates in it, the meaning of extensions from `storeutl -text`, the verdict from `verify`.
 */
export function readCertificates(
  files: OpensslFiles,
  certificates: readonly Uint8Array[],
  issuer: Uint8Array,
): CertificateValues[] {
  const pems = certificates.map((der) => encodePem('CERTIFICATE', der));
  const bundle = files.write('bundle.pem', pems.join(''));
  const print = ['cms', '-cmsout', '-print', '-noout', '-inform', 'DER', ...nameOptions];
  const printed = openssl(print, messageWith(certificates))
    .toString()
    .split(/^ +d\.certificate: $/m)
    .slice(1)
    .map(readPrinted);
  const texts = openssl(['storeutl', '-noout', '-text', '-certs', bundle])
    .toString()
    .split(/^\d+: Certificate$/m)
    .slice(1);
  const verified = verifiedFiles(files, pems, issuer);
  // A CMS message holds a SET of certificates, so they stand in another order there.
  return certificates.map((_, i) => {
    const text = texts[i] ?? '';
    const serialNumber = serialNumberIn(text);
    const fields = printed.find((candidate) => candidate.serialNumber === serialNumber);
    if (fields === undefined) throw new Error(`openssl prints no certificate ${serialNumber}`);
    return { ...fields, meaning: extensionMeaningIn(text), verifies: verified.includes(i) };
  });
}

/** A CMS message that holds certificates and nothing else, as `openssl crl2pkcs7` makes them (RFC 5652 5). */
function messageWith(certificates: readonly Uint8Array[]): Uint8Array {
  const signedData = sequence(
    element(0x02, Uint8Array.of(1)),
    set(),
    sequence(objectIdentifier('1.2.840.113549.1.7.1')),
    element(0xa0, ...inOrderOfEncoding(certificates)),
    set(),
  );
  return sequence(objectIdentifier('1.2.840.113549.1.7.2'), element(0xa0, signedData));
}

/** Which of them `verify` finds signed by the issuer; -x509_strict holds them against RFC 5280 too. */
function verifiedFiles(files: OpensslFiles, pems: readonly string[], issuer: Uint8Array): number[] {
  const trusted = files.write('issuer.pem', encodePem('CERTIFICATE', issuer));
  const paths = pems.map((pem, i) => files.write(`${i}.pem`, pem));
  const how = ['-no_check_time', '-x509_strict', '-check_ss_sig', '-CAfile', trusted];
  const { stdout } = tryOpenssl(['verify', ...how, ...paths]);
  const lines = stdout.toString().split('\n');
  return pems.flatMap((_, i) => (lines.includes(`${paths[i]}: OK`) ? [i] : []));
}

function readPrinted(block: string): Omit<CertificateValues, 'meaning' | 'verifies'> {
  const field = (name: string): string => new RegExp(`^ +${name}: +(.*)$`, 'm').exec(block)?.[1] ?? '';
  const [, key = '', extensions = ''] =
    /^ +key: +X509_PUBKEY: \n([^]*?)^ +issuerUID:[^]*?^ +extensions:\n([^]*?)^ +sig_alg: $/m.exec(block) ??
    [];
  return {
    serialNumber: integerHex(field('serialNumber')),
    issuer: fromEscaped(field('issuer')),
    notBefore: new Date(field('notBefore')).toISOString(),
    notAfter: new Date(field('notAfter')).toISOString(),
    subject: fromEscaped(field('subject')),
    publicKey: subjectPublicKeyInfo(key),
    extensions: Array.from(extensions.matchAll(extensionPattern), readExtension),
  };
}

const extensionPattern =
  /^ +object: .*\(([\d.]+)\)\n +critical: (TRUE|BOOL ABSENT)\n +value: \n((?: +[0-9a-f]{4,} - .*\n)*)/gm;

function readExtension([, oid = '', critical, dump = '']: RegExpExecArray): ExtensionValues {
  return { oid, critical: critical === 'TRUE', value: dumped(dump) };
}

/** AlgorithmIdentifier and octets as they are printed, put together again. */
function subjectPublicKeyInfo(printed: string): string {
  const [, algorithm = ''] = /algorithm: .*\(([\d.]+)\)/.exec(printed) ?? [];
  const [, curve] = /parameter: OBJECT:.*\(([\d.]+)\)/.exec(printed) ?? [];
  const parameters = printed.includes('parameter: NULL')
    ? [element(0x05)]
    : curve === undefined
      ? []
      : [objectIdentifier(curve)];
  const [, dump = ''] = /public_key: +\(0 unused bits\)\n([^]*)$/.exec(printed) ?? [];
  return hex(
    sequence(
      sequence(objectIdentifier(algorithm), ...parameters),
      element(0x03, Uint8Array.of(0), octets(dumped(dump))),
    ),
  );
}

/** The octets of a dump whose lines are `0000 - 04 14 79 a7 ff 03 30 79-0a 0a   ..y...0y..`. */
function dumped(dump: string): string {
  return Array.from(dump.matchAll(/^ +[0-9a-f]{4,} - ((?:[0-9a-f]{2}[ -])+)  /gm), ([, line = '']) =>
    line.replaceAll(/[ -]/g, ''),
  ).join('');
}

/** `Serial Number: 5 (0x5)`, or in a line of its own `51:5d:62:…`. */
function serialNumberIn(text: string): string {
  const [, small, large = ''] = /Serial Number:(?: (\d+) \(0x|\n +([0-9a-f:]+))/.exec(text) ?? [];
  return small === undefined ? large.replaceAll(':', '') : integerHex(small);
}
