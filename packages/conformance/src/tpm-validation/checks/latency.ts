import { randomBytes } from 'node:crypto';
import { figuresOf, publishedLatencyFor } from '../published-latency.ts';
import { inArea, pass, warning, type TpmCheck, type TpmCheckContext, type TpmFinding } from '../tpm-check.ts';
import type { TpmLatency, TpmOperation } from '../tpm-validation-report.ts';
import type { TrialAlgorithm } from '../trial-material.ts';

/** A discrete TPM behind a slow bus answers within tens of milliseconds. */
const roundTripLimitMs = 100;
/** Where nothing is published: what a person at the keyboard takes for broken. */
const limitsMs: Readonly<Record<Exclude<TpmOperation, 'round-trip'>, number>> = {
  'p256-create': 5_000,
  'p256-sign': 1_000,
  'rsa2048-create': 60_000,
  'rsa2048-sign': 2_000,
};

const names: Readonly<Record<TrialAlgorithm, string>> = { rsa2048: 'RSA 2048', p256: 'P-256' };

export const latencyChecks = inArea('latency', [
  {
    id: 'latency.round-trip',
    title: 'a command that computes nothing is answered at once',
    rule: `The median of TPM2_ReadClock is below ${roundTripLimitMs} ms.`,
    source: 'Countersign: ten times what a TPM behind SPI or LPC takes',
    expected: `a median below ${roundTripLimitMs} ms`,
    consequence: 'How fast the way to the TPM is, is not known.',
    ifRefused: 'warning',
    run: measureRoundTrip,
  },
  signingCheck('p256', 'ecdsa-sha256'),
  signingCheck('rsa2048', 'rsa-pkcs1-sha256'),
  creationCheck('p256'),
  creationCheck('rsa2048'),
]);

async function measureRoundTrip({ tpm, options, latency, step }: TpmCheckContext): Promise<TpmFinding> {
  for (let done = 0; done < options.signatures; done += 1) {
    step(done, options.signatures);
    await latency.measure('round-trip', async () => tpm.roundTrip());
  }
  const measured = measuredIn(latency.of('round-trip'));
  return measured.medianMs < roundTripLimitMs
    ? pass(describe(measured), 'The way to the TPM is fast: what takes time below is the TPM’s own work.')
    : warning(
        describe(measured),
        'Each command waits so long whatever it asks, so that the TPM is not what is slow, but the way to it: a network, a proxy, or another program that uses it. Sign-in takes several commands.',
      );
}

function signingCheck(
  algorithm: TrialAlgorithm,
  scheme: 'ecdsa-sha256' | 'rsa-pkcs1-sha256',
): Omit<TpmCheck, 'area'> {
  const operation = `${algorithm}-sign` as const;
  return {
    ...common(operation, `${names[algorithm]} keys sign fast enough`),
    needs: [`signatures.${scheme}`],
    run: async (context) => {
      const { tpm, options, material, latency, step } = context;
      const { key } = await material.oneKey(algorithm);
      await tpm.withKey(key, async (loaded) => {
        for (let done = 0; done < options.signatures; done += 1) {
          step(done, options.signatures);
          const message = randomBytes(32);
          await latency.measure(operation, async () => loaded.sign(scheme, message));
        }
      });
      return compare(context, operation, 'Each sign-in waits for one to three signatures.');
    },
  };
}

function creationCheck(algorithm: TrialAlgorithm): Omit<TpmCheck, 'area'> {
  const operation = `${algorithm}-create` as const;
  return {
    ...common(operation, `${names[algorithm]} keys are made fast enough`),
    needs: [`keys.${algorithm}`],
    run: async (context) => {
      await context.material.freshKeys(algorithm, context.step);
      return compare(context, operation, 'A user waits for it once, at provisioning.');
    },
  };
}

function common(
  operation: Exclude<TpmOperation, 'round-trip'>,
  title: string,
): Pick<TpmCheck, 'id' | 'title' | 'rule' | 'source' | 'expected' | 'consequence' | 'ifRefused'> {
  return {
    id: `latency.${operation}`,
    title,
    rule: `The median is no higher than twice the highest published one of its vendor, or ${limitsMs[operation]} ms where no such is published.`,
    source: 'tpmscan dataset of crocs-muni',
    expected: 'a median as published, or below the limit',
    consequence: 'How long users wait is not known.',
    ifRefused: 'warning',
  };
}

function compare(
  { facts, latency }: TpmCheckContext,
  operation: Exclude<TpmOperation, 'round-trip'>,
  use: string,
): TpmFinding {
  const measured = measuredIn(latency.of(operation));
  const limit = limitOf(facts.identity.manufacturer, operation);
  const found = `${describe(measured)}; ${limit.published}`;
  if (measured.medianMs <= limit.milliseconds) return pass(found, use);
  const way = latency.of('round-trip')?.medianMs ?? 0;
  return warning(
    `${found}; the limit is ${limit.milliseconds} ms`,
    way > measured.medianMs / 2
      ? `${use} Of each, ${Math.round(way)} ms are the way to the TPM, not its work: see latency.round-trip.`
      : `${use} The TPM is slower than others of its make: firmware, load by other programs, or a defect.`,
  );
}

function limitOf(
  manufacturer: string,
  operation: Exclude<TpmOperation, 'round-trip'>,
): { readonly milliseconds: number; readonly published: string } {
  const published = publishedLatencyFor(manufacturer);
  const [figure] = figuresOf(published, operation);
  if (published.vendor === null || figure === undefined) {
    return { milliseconds: limitsMs[operation], published: 'nothing is published of its vendor' };
  }
  const { vendor, medianMs, lowestMs, highestMs } = figure;
  const spread = lowestMs === null || highestMs === null ? '' : ` (${lowestMs} to ${highestMs})`;
  return {
    // What a TPM in software takes depends on the machine.
    milliseconds: highestMs === null ? limitsMs[operation] : 2 * highestMs,
    published: `published of ${vendor}: ${medianMs} ms${spread}`,
  };
}

function measuredIn(latency: TpmLatency | undefined): TpmLatency {
  if (latency === undefined) throw new RangeError('nothing was measured');
  return latency;
}

function describe({ samplesMs, medianMs, p95Ms, p99Ms }: TpmLatency): string {
  const [median, p95, p99] = [medianMs, p95Ms, p99Ms].map((value) => value.toPrecision(3)).map(Number);
  return `median ${median} ms, 95 % within ${p95} ms, 99 % within ${p99} ms, of ${samplesMs.length}`;
}
