import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import type { TpmValidationOptions, TpmValidationReport } from '@countersign/conformance';
import type { SocketEndpoint, TransportAddress } from '@countersign/provider-tpm';
import { readEndorsementRoots } from '../authorities/attestation-config.ts';
import { readPinFile } from '../terminal/pin.ts';
import { report } from '../terminal/report.ts';
import { keptKeyOptions } from '../tpm/kept-key.ts';
import { showProgress } from '../tpm/validation-progress.ts';
import { validationText } from '../tpm/validation-view.ts';

export function tpmCommand() {
  const tpm = new Command('tpm');
  addValidate(tpm);
  return tpm;
}

function addValidate(tpm: Command): void {
  tpm
    .command('validate')
    .description('find out whether a TPM is fit for keys of the kind of Windows Hello')
    .option(
      '--tpm <uri>',
      "which TPM: tpm: for the machine's own, tpm:device=…, tpm:swtpm=…, tpm:swtpm-unix=…, tpm:mssim=…",
      'tpm:',
    )
    .option(
      '--endorsement-roots <file>',
      'PEM certificates of manufacturers whom endorsement keys must lead to',
    )
    .option(
      '--allow-lockout',
      'lock the TPM with wrong PINs, and reset it: no key with a PIN works meanwhile',
    )
    .option('--lockout-auth-file <file>', 'authorization of the lockout hierarchy, where it has one')
    .option('--allow-restart', 'switch a simulator off and on: whatever else is loaded in it is lost')
    .option('--control <address>', "swtpm's control channel, host:port or path (default: its usual place)")
    .option('--key-file <file>', 'keep a key here, and try it in a run after the next restart of the machine')
    .option('--keys <count>', 'fresh keys of each kind to look for weak ones (default: 20)', count(2, 1000))
    .option('--signatures <count>', 'signatures of each kind to time (default: 50)', count(1, 100_000))
    .option(
      '--random <octets>',
      'octets of the random source to test (default: 8192)',
      count(1024, 1_048_576),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', afterword)
    .action((options) =>
      report(options, async () => {
        const found = await validate(options);
        if (found.verdict.kind === 'unfit' || found.verdict.kind === 'undecided') process.exitCode = 1;
        return { text: validationText(found), json: found };
      }),
    );
}

interface ValidateOptions {
  readonly tpm: string;
  readonly endorsementRoots?: string | undefined;
  readonly allowLockout?: true | undefined;
  readonly lockoutAuthFile?: string | undefined;
  readonly allowRestart?: true | undefined;
  readonly control?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly keys?: number | undefined;
  readonly signatures?: number | undefined;
  readonly random?: number | undefined;
  readonly json?: true | undefined;
}

async function validate(options: ValidateOptions): Promise<TpmValidationReport> {
  const { validateTpm } = await import('@countersign/conformance');
  const { createTpmInspection, parseTransportUri } = await import('@countersign/provider-tpm');
  const checks = await validationOptions(options);
  const control =
    options.control === undefined ? undefined : controlEndpoint(options.control, parseTransportUri);
  const lockoutAuthValue =
    options.lockoutAuthFile === undefined ? undefined : await readPinFile(options.lockoutAuthFile);
  const interruption = interruptible();
  const progress = showProgress(options.json !== true);
  try {
    const inspection = createTpmInspection({
      uri: options.tpm.includes(':') ? options.tpm : `${options.tpm}:`,
      ...(control !== undefined && { control }),
      ...(lockoutAuthValue !== undefined && { lockoutAuthValue }),
    });
    return await validateTpm(inspection, { ...checks, signal: interruption.signal }, progress.tell);
  } finally {
    progress.end();
    interruption.end();
    lockoutAuthValue?.fill(0);
  }
}

async function validationOptions(options: ValidateOptions): Promise<TpmValidationOptions> {
  const { endorsementRoots, keyFile, keys, signatures, random } = options;
  return {
    ...(endorsementRoots !== undefined && { endorsementRoots: await readEndorsementRoots(endorsementRoots) }),
    ...(keyFile !== undefined && (await keptKeyOptions(keyFile))),
    ...(keys !== undefined && { freshKeys: keys }),
    ...(signatures !== undefined && { signatures }),
    ...(random !== undefined && { randomOctets: random }),
    allowLockout: options.allowLockout === true,
    allowRestart: options.allowRestart === true,
  };
}

/** The first interruption ends the run in good order, a second one the process. */
function interruptible(): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const abort = (): void => controller.abort();
  for (const signal of signals) process.once(signal, abort);
  return {
    signal: controller.signal,
    end: () => {
      for (const signal of signals) process.removeListener(signal, abort);
    },
  };
}

function controlEndpoint(control: string, parse: (uri: string) => TransportAddress): SocketEndpoint {
  const place = control.startsWith('/') ? `swtpm-unix=${encodeURIComponent(control)}` : `swtpm=${control}`;
  const address = parse(`tpm:${place}`);
  if (address.kind !== 'swtpm') throw new RangeError('an address of swtpm is one of swtpm');
  return address.endpoint;
}

function count(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

const afterword = `
Nothing of the TPM is changed without --allow-lockout or --allow-restart, and it is left as it was found.
Exit status: 0 fit (also with warnings), 1 unfit or interrupted, 2 wrong usage.

Examples:
  $ countersign tpm validate
  $ countersign tpm validate --endorsement-roots tpm-manufacturers.pem --json
  $ countersign tpm validate --tpm tpm:swtpm=127.0.0.1:2321 --allow-restart --allow-lockout`;
