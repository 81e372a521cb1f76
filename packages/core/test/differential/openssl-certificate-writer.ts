import { createCertificationRequest, decodePemOrDer, encodePem } from '@countersign/core';
import { readFileSync } from 'node:fs';
import { coreName, withOneScheme } from './core-chain.ts';
import { keyUsageNames } from './extension-oids.ts';
import type { IssuedCase } from './issued-cases.ts';
import { extensionLine, signatureOptions, upnLine } from './openssl-writer.ts';
import { openssl, type OpensslFiles } from './openssl.ts';

/** Issues with `openssl ca`, the one command that takes a validity to the second. */
export async function issue(
  files: OpensslFiles,
  issued: IssuedCase,
  issuerCertificate: Uint8Array,
): Promise<Uint8Array> {
  const { issuer, subjectKey, subject } = issued;
  const fields = { subject: coreName(subject), scheme: subjectKey.scheme };
  const request = await createCertificationRequest(withOneScheme(subjectKey), fields);
  files.write('index.txt', '');
  files.write('index.txt.attr', 'unique_subject = no\n');
  files.write('serial', `${issued.serialNumber}\n`);
  const configuration = files.write('ca.cnf', configurationLines(files, issued).join('\n'));
  const input = files.write('request.pem', encodePem('CERTIFICATE REQUEST', request));
  const output = files.path('certificate.pem');
  const ca = ['-cert', files.write('ca.pem', encodePem('CERTIFICATE', issuerCertificate))];
  const key = ['-keyfile', files.write(`${issuer.key.algorithm}.pem`, issuer.key.pem), ...mdOptions(issued)];
  const validity = [
    '-startdate',
    generalizedTime(issued.notBefore),
    '-enddate',
    generalizedTime(issued.notAfter),
  ];
  const form = ['-config', configuration, '-batch', '-notext', '-preserveDN', '-in', input, '-out', output];
  openssl(['ca', ...form, ...ca, ...key, ...validity]);
  return decodePemOrDer(readFileSync(output), ['CERTIFICATE']);
}

function configurationLines(files: OpensslFiles, issued: IssuedCase): string[] {
  const { basicConstraints, keyUsage, altNames } = issued;
  const { cA, pathLenConstraint } = basicConstraints;
  const pathLength = pathLenConstraint === undefined ? '' : `,pathlen:${pathLenConstraint}`;
  const usages = keyUsageNames.filter((_, bit) => keyUsage.includes(bit));
  return [
    '[ca]',
    'default_ca = authority',
    '[authority]',
    `database = ${files.path('index.txt')}`,
    `serial = ${files.path('serial')}`,
    `new_certs_dir = ${files.directory}`,
    'policy = policy',
    'email_in_dn = yes',
    'x509_extensions = extensions',
    '[policy]',
    '[extensions]',
    `basicConstraints = critical,CA:${cA ? 'TRUE' : 'FALSE'}${pathLength}`,
    `keyUsage = critical,${usages.join(',')}`,
    `extendedKeyUsage = ${issued.extKeyUsage.join(',')}`,
    `subjectAltName = ${altNames.critical ? 'critical,' : ''}@names`,
    'subjectKeyIdentifier = hash',
    'authorityKeyIdentifier = keyid:always',
    ...issued.extensions.map(extensionLine),
    '[names]',
    ...altNames.upns.map(upnLine),
    ...altNames.dNSNames.map((name, i) => `DNS.${i} = ${name}`),
    '',
  ];
}

/** `ca` has `-md NAME` where others have `-NAME`. */
function mdOptions({ issuer }: IssuedCase): string[] {
  const [digest, ...others] = signatureOptions(issuer);
  return digest === undefined ? ['-md', 'null'] : ['-md', digest.slice(1), ...others];
}

function generalizedTime(date: Date): string {
  return date.toISOString().replaceAll(/\.\d+|[-:T]/g, '');
}
