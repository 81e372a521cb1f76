import type { TpmOperation, TpmPublishedFigure, TpmPublishedLatency } from './tpm-validation-report.ts';

/**
 * What is known of the TPMs of one manufacturer.
 * @param manufacturer four characters, as TPM_PT_MANUFACTURER has them
 */
export function publishedLatencyFor(manufacturer: string | undefined): TpmPublishedLatency {
  return { source, vendor: vendorsByManufacturer.get(manufacturer ?? '') ?? null, figures };
}

/** The figures of one vendor, or of all where there is none. */
export function figuresOf(
  { vendor }: TpmPublishedLatency,
  operation: TpmOperation,
): readonly TpmPublishedFigure[] {
  return figures.filter(
    (figure) => figure.operation === operation && (vendor === null || figure.vendor === vendor),
  );
}

const source =
  'tpmscan dataset of crocs-muni: medians over firmwares, 128 devices; swtpm 0.7.1: measured with Countersign';

const vendorsByManufacturer: ReadonlyMap<string, string> = new Map([
  ['AMD', 'AMD fTPM'],
  ['INTC', 'Intel'],
  ['IFX', 'Infineon'],
  ['NTC', 'Nuvoton'],
  ['STM', 'ST'],
  ['IBM', 'swtpm (software)'],
]);

const figures: readonly TpmPublishedFigure[] = [
  ...figuresFor('AMD fTPM', { rsaSign: [11, 8, 208], p256Sign: [6, 5, 208], rsaCreate: [1500] }),
  ...figuresFor('Intel', { rsaSign: [227, 18, 1236], p256Sign: [103, 12, 189], rsaCreate: [4320] }),
  ...figuresFor('Infineon', {
    rsaSign: [188, 163, 809],
    p256Sign: [71, 69, 442],
    rsaCreate: [8990],
    rsaCreateP95: 23_000,
  }),
  ...figuresFor('Nuvoton', { rsaSign: [131, 70, 559], p256Sign: [93, 19, 198], rsaCreate: [3950] }),
  ...figuresFor('ST', { rsaSign: [250, 232, 380], p256Sign: [51, 44, 201], rsaCreate: [8160] }),
  ...figuresFor('swtpm (software)', { rsaSign: [3.15], p256Sign: [0.54] }),
];

/** Median, lowest, highest. */
type Spread = readonly [median: number, lowest?: number, highest?: number];

function figuresFor(
  name: string,
  spreads: {
    readonly rsaSign: Spread;
    readonly p256Sign: Spread;
    readonly rsaCreate?: Spread;
    readonly rsaCreateP95?: number;
  },
): readonly TpmPublishedFigure[] {
  const figure = (operation: TpmOperation, spread: Spread, p95Ms: number | null): TpmPublishedFigure => {
    const [medianMs, lowestMs = null, highestMs = null] = spread;
    return { vendor: name, operation, medianMs, lowestMs, highestMs, p95Ms };
  };
  const { rsaSign, p256Sign, rsaCreate, rsaCreateP95 = null } = spreads;
  return [
    figure('p256-sign', p256Sign, null),
    figure('rsa2048-sign', rsaSign, null),
    ...(rsaCreate === undefined ? [] : [figure('rsa2048-create', rsaCreate, rsaCreateP95)]),
  ];
}
