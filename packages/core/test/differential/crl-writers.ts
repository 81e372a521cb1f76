import { readFileSync } from 'node:fs';
import { decodePemOrDer, encodePem, revocationReasonCodes } from '@countersign/core';
import { Enumerated, Integer, OctetString, Sequence } from 'asn1js';
import {
  AuthorityKeyIdentifier,
  CertificateRevocationList,
  Extension,
  Extensions,
  RevokedCertificate,
  Time,
} from 'pkijs';
import { keyIdentifier } from './certificate-cases.ts';
import type { CrlCase } from './crl-cases.ts';
import { extensionOids as oids } from './extension-oids.ts';
import {
  AuthorityKeyIdentifierExtension,
  Extension as PeculiarExtension,
  X509CrlGenerator,
} from './peculiar-x509.ts';
import { peculiarName, signingAlgorithm } from './peculiar-writer.ts';
import { pkijsName } from './pkijs-writer.ts';
import { signatureOptions } from './openssl-writer.ts';
import { openssl, type OpensslFiles } from './openssl.ts';
import { webCryptoHash } from './software-key.ts';
import { hex, octets } from './values.ts';

/** CRLs as @peculiar/x509 2.2.0 writes them. */
export async function writeWithPeculiar(crl: CrlCase): Promise<Uint8Array> {
  const { ca } = crl;
  const { privateKey } = await ca.key.webCrypto(ca.scheme);
  const written = await X509CrlGenerator.create({
    issuer: peculiarName(crl.caName),
    thisUpdate: crl.thisUpdate,
    nextUpdate: nextUpdate(crl),
    signingKey: privateKey,
    signingAlgorithm: signingAlgorithm(ca),
    entries: crl.revoked.map(({ serialNumber, revokedAt, reason }) => ({
      serialNumber,
      revocationDate: revokedAt,
      ...(reason === 'unspecified' ? {} : { reason: revocationReasonCodes[reason] }),
    })),
    extensions: [
      new AuthorityKeyIdentifierExtension(keyIdentifier(hex(ca.key.publicKey))),
      new PeculiarExtension(oids.cRLNumber, false, new Integer({ value: crl.crlNumber }).toBER()),
    ],
  });
  return new Uint8Array(written.rawData);
}

/** CRLs as pkijs 4.0.0 writes them. */
export async function writeWithPkijs(crl: CrlCase): Promise<Uint8Array> {
  const { ca } = crl;
  const authorityKeyIdentifier = new AuthorityKeyIdentifier({
    keyIdentifier: new OctetString({ valueHex: octets(keyIdentifier(hex(ca.key.publicKey))) }),
  });
  const list = new CertificateRevocationList({
    version: 1,
    issuer: pkijsName(crl.caName),
    thisUpdate: time(crl.thisUpdate),
    nextUpdate: time(nextUpdate(crl)),
    ...(crl.revoked.length === 0 ? {} : { revokedCertificates: crl.revoked.map(revokedCertificate) }),
    crlExtensions: new Extensions({
      extensions: [
        new Extension({
          extnID: oids.authorityKeyIdentifier,
          critical: false,
          extnValue: authorityKeyIdentifier.toSchema().toBER(),
        }),
        new Extension({
          extnID: oids.cRLNumber,
          critical: false,
          extnValue: new Integer({ value: crl.crlNumber }).toBER(),
        }),
      ],
    }),
  });
  const { privateKey } = await ca.key.webCrypto(ca.scheme);
  await list.sign(privateKey, webCryptoHash(ca.scheme));
  // What pkijs types as `any` is looked at before it is trusted.
  const schema: unknown = list.toSchema(true);
  if (!(schema instanceof Sequence)) throw new TypeError('pkijs made no SEQUENCE of the CRL');
  return new Uint8Array(schema.toBER());
}

/** CRLs as `openssl ca -gencrl` writes them: entries in the order of their serial numbers. */
export function writeWithOpenssl(files: OpensslFiles, crl: CrlCase, caCertificate: Uint8Array): Uint8Array {
  const { ca } = crl;
  const index = crl.revoked.map(
    ({ serialNumber, revokedAt, reason }) =>
      `R\t491231235959Z\t${stamp(revokedAt).slice(2)},${opensslReasons[reason] ?? ''}\t${number(serialNumber)}\tunknown\t/CN=x\n`,
  );
  files.write('index.txt', index.join(''));
  files.write('index.txt.attr', 'unique_subject = no\n');
  files.write('crlnumber', `${number(crl.crlNumber.toString(16))}\n`);
  const configuration = files.write(
    'crl.cnf',
    [
      '[ca]',
      'default_ca = authority',
      '[authority]',
      `database = ${files.path('index.txt')}`,
      `crlnumber = ${files.path('crlnumber')}`,
      'crl_extensions = extensions',
      '[extensions]',
      'authorityKeyIdentifier = keyid:always',
      '',
    ].join('\n'),
  );
  const [digest, ...others] = signatureOptions(ca);
  const output = files.path('list.pem');
  const issuer = ['-cert', files.write('ca.pem', encodePem('CERTIFICATE', caCertificate))];
  const key = ['-keyfile', files.write(`${ca.key.algorithm}.pem`, ca.key.pem)];
  const signature = ['-md', digest?.slice(1) ?? 'null', ...others];
  const times = ['-crl_lastupdate', stamp(crl.thisUpdate), '-crl_nextupdate', stamp(nextUpdate(crl))];
  openssl([
    'ca',
    '-gencrl',
    '-config',
    configuration,
    '-out',
    output,
    ...issuer,
    ...key,
    ...signature,
    ...times,
  ]);
  return decodePemOrDer(readFileSync(output), ['X509 CRL']);
}

/** What OpenSSL 3.0 can write: it knows neither privilegeWithdrawn nor aACompromise. */
export const opensslReasons: Readonly<Record<string, string>> = {
  unspecified: 'unspecified',
  keyCompromise: 'keyCompromise',
  cACompromise: 'CACompromise',
  affiliationChanged: 'affiliationChanged',
  superseded: 'superseded',
  cessationOfOperation: 'cessationOfOperation',
  certificateHold: 'certificateHold',
};

function revokedCertificate({
  serialNumber,
  revokedAt,
  reason,
}: CrlCase['revoked'][number]): RevokedCertificate {
  const code = revocationReasonCodes[reason];
  const extension = new Extension({
    extnID: '2.5.29.21',
    critical: false,
    extnValue: new Enumerated({ value: code }).toBER(),
  });
  return new RevokedCertificate({
    userCertificate: new Integer({ valueHex: octets(serialNumber) }),
    revocationDate: time(revokedAt),
    ...(code === 0 ? {} : { crlEntryExtensions: new Extensions({ extensions: [extension] }) }),
  });
}

/** pkijs leaves the choice of RFC 5280 4.1.2.5 to its caller, and would write fractions of a second. */
function time(date: Date): Time {
  const value = new Date(Math.floor(date.getTime() / 1000) * 1000);
  const year = value.getUTCFullYear();
  return new Time({ type: year >= 1950 && year < 2050 ? 0 : 1, value });
}

function nextUpdate({ thisUpdate, validityMs }: CrlCase): Date {
  return new Date(thisUpdate.getTime() + validityMs);
}

function stamp(date: Date): string {
  return date.toISOString().replaceAll(/\.\d+|[-:T]/gu, '');
}

/** OpenSSL's files have even numbers of upper-case digits, and no sign. */
function number(hexText: string): string {
  const digits = hexText.replace(/^0+/u, '').toUpperCase();
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}
