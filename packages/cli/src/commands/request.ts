import { Command } from '@commander-js/extra-typings';
import {
  CertificationRequest,
  CountersignError,
  createCertificationRequest,
  encodePem,
  isPinProtected,
  Name,
  subjectAltName,
  userPrincipalName,
} from '@countersign/core';
import { attestKey } from '../authorities/attest-key.ts';
import { readRequestFile } from '../files/input-files.ts';
import { assertWritable, writeArtifact } from '../files/output-files.ts';
import { withCustody } from '../keys/custody.ts';
import { completeUri } from '../keys/provider-access.ts';
import { withPin } from '../terminal/pin.ts';
import { report, table } from '../terminal/report.ts';

export function requestCommand(): Command {
  const request = new Command('request');
  request
    .command('create')
    .description('make a request for a key, signed with that key')
    .requiredOption('--key <uri>', 'reference of the key, such as memory:object=alice')
    .option('--subject <dn>', 'subject to ask for (RFC 4514); the CA takes its own from the directory')
    .option('--upn <upn>', 'the user that the request is for')
    .option(
      '--attest <dir>',
      'have the TPM prove to the registration authority in <dir> that it holds the key',
    )
    .option('--out <file>', 'write the request here (PEM) instead of to standard output')
    .option('--pin-file <file>', "read the key's PIN from this file")
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ countersign request create --key memory:object=alice --upn alice@contoso.test --out request.pem\n  $ countersign request create --key tpm:object=alice --upn alice@contoso.test --attest ra --out request.pem',
    )
    .action((options) =>
      report(options, async () => {
        if (options.out !== undefined) await assertWritable(options.out);
        const subject = Name.fromString(options.subject ?? '');
        const der = await signWith(options.key, options, {
          subject,
          extensionRequests:
            options.upn === undefined ? [] : [subjectAltName([userPrincipalName(options.upn)])],
        });
        const pem = encodePem('CERTIFICATE REQUEST', der);
        if (options.out !== undefined) await writeArtifact(options.out, pem);
        return {
          text: options.out === undefined ? pem : '',
          json: { ...describe(CertificationRequest.parse(der)), out: options.out, pem },
        };
      }),
    );
  request
    .command('show')
    .description('print what a request says and whether its signature holds')
    .argument('<file>', 'the request, PEM or DER')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign request show request.pem')
    .action((file, options) =>
      report(options, async () => {
        const parsed = CertificationRequest.parse(await readRequestFile(file));
        const shown = describe(parsed);
        const text = table([
          ['subject', shown.subject === '' ? '(empty)' : shown.subject],
          ['key', `${shown.algorithm}, SHA-256 ${shown.keyId}`],
          ['signed with', shown.scheme],
          ['proof of possession', shown.proofOfPossession],
          ...shown.userPrincipalNames.map((upn) => ['asks for UPN', upn] as const),
          ...shown.extensionRequests.map(
            ({ oid, critical, value }) =>
              ['asks for extension', `${oid}${critical ? ' critical' : ''} ${value}`] as const,
          ),
          ...shown.attributes.map((type) => ['attribute', type] as const),
        ]);
        return { text, json: shown };
      }),
    );
  return request;
}

async function signWith(
  uri: string,
  options: { readonly pinFile?: string | undefined; readonly attest?: string | undefined },
  fields: Parameters<typeof createCertificationRequest>[1],
): Promise<Uint8Array> {
  return withCustody(uri, async (custody) => {
    const key = await custody.open(completeUri(uri));
    if (isPinProtected(key) && key.locked)
      await withPin(`the key ${key.label || key.ref}`, options, (pin) => key.unlock(pin));
    if (options.attest === undefined) return createCertificationRequest(key, fields);
    const { attribute } = await attestKey(options.attest, custody.provider, key);
    return createCertificationRequest(key, { ...fields, attributes: [attribute] });
  });
}

function describe(request: CertificationRequest) {
  return {
    subject: request.subject.toString(),
    algorithm: request.publicKey.algorithm,
    keyId: request.publicKey.keyId,
    publicKey: encodePem('PUBLIC KEY', request.publicKey.subjectPublicKeyInfo),
    scheme: request.scheme,
    proofOfPossession: proofOfPossession(request),
    userPrincipalNames: request.userPrincipalNames,
    extensionRequests: request.extensionRequests.map(({ oid, critical, value }) => ({
      oid,
      critical,
      value: Buffer.from(value).toString('hex'),
    })),
    attributes: request.attributes.map(({ type }) => type),
  };
}

/** Showing is for looking at bad requests too, so a signature that does not hold is a finding here and no failure. */
function proofOfPossession(request: CertificationRequest): 'valid' | 'INVALID' {
  try {
    request.verifyProofOfPossession();
    return 'valid';
  } catch (error) {
    if (error instanceof CountersignError) return 'INVALID';
    throw error;
  }
}
