import type {
  TpmCheckResult,
  TpmLatency,
  TpmPublishedLatency,
  TpmValidationReport,
  TpmVerdict,
} from '@countersign/conformance';

/** How the validation of a TPM reads on a terminal. */
export function validationText(report: TpmValidationReport): string {
  return [
    identityText(report),
    checksText(report.checks),
    report.latency.length === 0 ? '' : latencyText(report.latency, report.publishedLatency),
    verdictText(report.verdict),
    report.notRun.length === 0 ? '' : `Not checked: ${report.notRun.join(', ')}\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function identityText({ tpm, identity }: TpmValidationReport): string {
  if (identity === null) return `${tpm}\nIt says nothing of itself.\n`;
  const { manufacturer, manufacturerName, vendorString, firmware, family } = identity;
  const { specificationRevision: revision, specificationDate: date } = identity;
  const maker = manufacturerName === null ? manufacturer : `${manufacturerName} (${manufacturer})`;
  const specification = `TPM ${family}, revision ${revision}${date === null ? '' : ` of ${date}`}`;
  return `${tpm}\n${maker}, ${vendorString === '' ? '' : `${vendorString}, `}firmware ${firmware}, ${specification}\n`;
}

function checksText(checks: readonly TpmCheckResult[]): string {
  const width = Math.max(...checks.map(({ id }) => id.length));
  return checks
    .map(({ outcome, id, found }) => `${outcome.padEnd(14)}${id.padEnd(width + 2)}${found}\n`)
    .join('');
}

function latencyText(measured: readonly TpmLatency[], published: TpmPublishedLatency): string {
  const of = published.vendor === null ? 'all vendors' : published.vendor;
  const rows = measured.map(({ title, operation, samplesMs, medianMs, p95Ms, p99Ms }) => [
    title,
    ...[medianMs, p95Ms, p99Ms].map(inMilliseconds),
    String(samplesMs.length),
    publishedText(published, operation),
  ]);
  const heading = ['milliseconds', 'median', '95 %', '99 %', 'samples', `published median of ${of}`];
  return [heading, ...rows]
    .map(([title = '', ...cells]) => {
      const last = cells.pop() ?? '';
      return `${title.padEnd(28)}${cells.map((cell) => cell.padStart(9)).join('')}  ${last}`.trimEnd();
    })
    .map((line) => `${line}\n`)
    .join('');
}

function publishedText({ vendor, figures }: TpmPublishedLatency, operation: TpmLatency['operation']): string {
  return figures
    .filter((figure) => figure.operation === operation && (vendor === null || figure.vendor === vendor))
    .map(({ vendor: name, medianMs, lowestMs, highestMs }) => {
      const spread = lowestMs === null || highestMs === null ? '' : ` (${lowestMs} to ${highestMs})`;
      return `${vendor === null ? `${name} ` : ''}${medianMs}${spread}`;
    })
    .join(', ');
}

function verdictText({ kind, reasons }: TpmVerdict): string {
  const lines = reasons.flatMap(({ check, severity, text }) => [
    `  ${severity}${check === null ? '' : ` ${check}`}`,
    ...wrapped(text, 96).map((line) => `    ${line}`),
  ]);
  return [`${verdicts[kind]}${reasons.length === 0 ? '.' : ':'}`, ...lines]
    .map((line) => `${line}\n`)
    .join('');
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

const verdicts: Readonly<Record<TpmVerdict['kind'], string>> = {
  fit: 'The TPM is fit',
  'fit-with-warnings': 'The TPM is fit with warnings',
  unfit: 'The TPM is unfit',
  undecided: 'Whether the TPM is fit was not decided',
};

function inMilliseconds(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
