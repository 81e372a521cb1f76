import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import {
  encodePem,
  isRevocationReason,
  Name,
  revocationReasonCodes,
  verifyAuditChain,
  type RevocationReason,
} from '@countersign/core';
import { initCa, withCa, withLedger } from '../authorities/ca-state.ts';
import { readCountersignedFile } from '../files/input-files.ts';
import { assertWritable, writeArtifact } from '../files/output-files.ts';
import { attestationKinds } from '../authorities/attestation-config.ts';
import { report, table } from '../terminal/report.ts';
import { algorithmOption } from './algorithm-option.ts';
import { certificateJson, certificateRows } from './certificate-view.ts';

export function caCommand(): Command {
  const ca = new Command('ca');
  ca.addCommand(initCommand());
  ca.addCommand(issueCommand());
  ca.addCommand(revokeCommand());
  ca.addCommand(crlCommand());
  const audit = new Command('audit').description("the ledger's audit trail");
  audit.addCommand(auditVerifyCommand());
  ca.addCommand(audit);
  return ca;
}

function initCommand() {
  return new Command('init')
    .description('make a CA: its key, its self-signed certificate and its ledger')
    .requiredOption('--dir <dir>', 'the new CA; must not exist or be empty')
    .requiredOption('--directory <dir>', 'the directory that subjects come from')
    .option('--provider <uri>', "where the CA's key lives", 'memory:')
    .option('--subject <dn>', 'its name (RFC 4514)', 'CN=Countersign CA')
    .addOption(algorithmOption())
    .option('--publish-url <url>', 'where ca.cer and ca.crl will be found (default: http://<this host>/pki)')
    .option('--delta-crls', 'have complete CRLs point at ca-delta.crl beside them, for "ca crl --delta"')
    .addOption(
      new Option('--attestation <policy>', "whether users' keys must be proved to be in a TPM")
        .choices(attestationKinds)
        .default('off' as const),
    )
    .option('--template-oid <oid>', 'the hello-logon template of your directory (default: a new one)')
    .option(
      '--pin-file <file>',
      "the CA key's PIN (default: COUNTERSIGN_PIN, or a random one kept in the CA)",
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      "\nExample:\n  $ countersign ca init --dir ca --directory dir --subject 'CN=Contoso Issuing CA,O=Contoso'",
    )
    .action((options) =>
      report(options, async (say) => {
        const { certificate, config } = await initCa(options.dir, {
          ...options,
          subject: Name.fromString(options.subject),
          pin: { pinFile: options.pinFile },
        });
        say(`certificates will point at ${config.crlUris.join(' ')} and ${config.caIssuersUris.join(' ')}`);
        return {
          text: table(certificateRows(certificate)),
          json: { dir: options.dir, ...certificateJson(certificate), ...config },
        };
      }),
    );
}

function issueCommand() {
  return new Command('issue')
    .description('issue a certificate for a request that an enrollment agent countersigned')
    .requiredOption('--dir <dir>', 'the CA')
    .requiredOption('--request <file>', 'the countersigned request (CMS)')
    .option('--out <file>', 'write the certificate here (PEM) instead of to standard output')
    .option('--pin-file <file>', "read the CA key's PIN from this file")
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExample:\n  $ countersign ca issue --dir ca --request request.cms --out certificate.pem',
    )
    .action((options) =>
      report(options, async (say) => {
        const request = await readCountersignedFile(options.request);
        if (options.out !== undefined) await assertWritable(options.out);
        const certificate = await withCa(options.dir, { to: 'sign', pin: options }, (opened) =>
          opened.issue(request),
        );
        const pem = encodePem('CERTIFICATE', certificate.der);
        say(table(certificateRows(certificate)).trimEnd());
        if (options.out !== undefined) await writeArtifact(options.out, pem);
        return {
          text: options.out === undefined ? pem : '',
          json: { ...certificateJson(certificate), out: options.out },
        };
      }),
    );
}

function revokeCommand() {
  return new Command('revoke')
    .description('revoke a certificate, put it on hold, or end a hold')
    .argument('<serial>', 'its serial number, hexadecimal', parseSerial)
    .requiredOption('--dir <dir>', 'the CA')
    .addOption(
      new Option('--reason <reason>', 'RFC 5280 reason')
        .argParser(parseReason)
        .default('unspecified' as const),
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `\nReasons: ${reasons.join(', ')}\ncertificateHold can be undone: with removeFromCRL the certificate is good again.\n\nExample:\n  $ countersign ca revoke --dir ca 4F0A… --reason keyCompromise`,
    )
    .action((serialNumber, options) =>
      report(options, async () => {
        const { reason } = options;
        await withCa(options.dir, { to: 'administer' }, (opened) =>
          reason === 'removeFromCRL' ? opened.release(serialNumber) : opened.revoke(serialNumber, reason),
        );
        const done = reason === 'removeFromCRL' ? 'released' : 'revoked';
        return { text: `${done} ${serialNumber} (${reason})`, json: { serialNumber, reason } };
      }),
    );
}

function crlCommand() {
  return new Command('crl')
    .description('sign a certificate revocation list')
    .requiredOption('--dir <dir>', 'the CA')
    .option('--delta', 'only what changed since the last complete list')
    .option('--out <file>', 'write the list here (PEM) instead of to standard output')
    .option('--pin-file <file>', "read the CA key's PIN from this file")
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ countersign ca crl --dir ca --out ca.crl\n  $ countersign ca crl --dir ca --delta --out ca-delta.crl',
    )
    .action((options) =>
      report(options, async () => {
        if (options.out !== undefined) await assertWritable(options.out);
        const der = await withCa(options.dir, { to: 'sign', pin: options }, (opened) =>
          options.delta === true ? opened.createDeltaCrl() : opened.createCrl(),
        );
        const pem = encodePem('X509 CRL', der);
        if (options.out !== undefined) await writeArtifact(options.out, pem);
        return { text: options.out === undefined ? pem : '', json: { out: options.out, pem } };
      }),
    );
}

function auditVerifyCommand() {
  return new Command('verify')
    .description('verify that no audit record was removed, altered or reordered')
    .requiredOption('--dir <dir>', 'the CA')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nKeep the head hash elsewhere: only a later check against it shows records cut off at the end.\n\nExample:\n  $ countersign ca audit verify --dir ca',
    )
    .action((options) =>
      report(options, async () => {
        const { count, headHash } = await withLedger(options.dir, (ledger) =>
          verifyAuditChain(ledger.readAudit()),
        );
        return {
          text: table([
            ['audit trail', 'whole'],
            ['records', String(count)],
            ['head hash', headHash],
          ]),
          json: { whole: true, count, headHash },
        };
      }),
    );
}

/** Serial numbers as people copy them: any case, with or without colons, with or without a leading 0x. */
function parseSerial(text: string): string {
  const hex = text.toLowerCase().replace(/^0x/, '').replaceAll(':', '');
  if (/^(?:[0-9a-f]{2})+$/.test(hex)) return hex;
  throw new InvalidArgumentError(
    'It is not hexadecimal. Copy it from: openssl x509 -in certificate.pem -noout -serial',
  );
}

function parseReason(text: string): RevocationReason | 'removeFromCRL' {
  if (isRevocationReason(text) || text === 'removeFromCRL') return text;
  throw new InvalidArgumentError(`It is none of ${reasons.join(', ')}.`);
}

const reasons = [...Object.keys(revocationReasonCodes), 'removeFromCRL'];
