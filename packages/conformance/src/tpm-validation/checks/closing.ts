import type { LinkIncident } from '../link-incidents.ts';
import { failure, pass, skipped, type TpmFinding } from '../tpm-check.ts';
import type { TpmHoldings } from '../tpm-under-test.ts';
import type { TpmCheckArea } from '../tpm-validation-report.ts';

/** What is judged once everything else was done, also in a run that was interrupted. */
export interface ClosingCheck {
  readonly id: string;
  readonly area: TpmCheckArea;
  readonly title: string;
  readonly rule: string;
  readonly source: string;
  readonly expected: string;
  readonly judge: (seen: ClosingFacts) => TpmFinding;
}

export interface ClosingFacts {
  readonly incidents: readonly LinkIncident[];
  /** Undefined if it could not be asked. */
  readonly before: TpmHoldings | undefined;
  readonly after: TpmHoldings | undefined;
}

export const closingChecks: readonly ClosingCheck[] = [
  {
    id: 'link.authentic',
    area: 'link',
    title: 'what the TPM answers arrives as it was given',
    rule: 'Each answer in a session is proved by an HMAC, and every answer has the form that it must have.',
    source: 'TPM 2.0 part 1, 17 to 19',
    expected: 'no answer that was altered',
    judge: ({ incidents }) => judgeAuthentic(incidents.filter(({ kind }) => kind === 'altered')),
  },
  {
    id: 'link.steady',
    area: 'link',
    title: 'the way to the TPM holds',
    rule: 'Every command is answered.',
    source: 'TPM 2.0 part 1, 15',
    expected: 'no command without an answer',
    judge: ({ incidents }) => judgeSteady(incidents.filter(({ kind }) => kind === 'lost')),
  },
  {
    id: 'traces.none',
    area: 'traces',
    title: 'the TPM is as it was found',
    rule: 'The same persistent keys, NV indices, objects and sessions as before, and no wrong PIN more.',
    source: 'Countersign',
    expected: 'nothing more, nothing less',
    judge: judgeTraces,
  },
];

function judgeAuthentic(altered: readonly LinkIncident[]): TpmFinding {
  const [first] = altered;
  if (first === undefined) {
    return pass(
      'none was altered',
      'Nobody stands between this program and the TPM who changes what it says; sessions would have shown it.',
    );
  }
  return failure(
    `${altered.length === 1 ? 'one answer was' : `${altered.length} answers were`} altered or malformed, the first during ${first.during}: ${first.message}`,
    'Something between this program and the TPM changes its answers, or the TPM is faulty. The sessions found it out, so that nothing altered was believed, but programs without such sessions are at its mercy. Use no key until it is found: look for proxies, interposers on the bus, and memory errors.',
  );
}

function judgeSteady(lost: readonly LinkIncident[]): TpmFinding {
  const [first] = lost;
  if (first === undefined) return pass('every command was answered', 'The connection did not break.');
  return failure(
    `${lost.length === 1 ? 'one answer did' : `${lost.length} answers did`} not come, the first during ${first.during}: ${first.message}`,
    'What could not be asked was not checked, and users would wait in vain. Find out what ended the connection, and run again.',
  );
}

function judgeTraces({ before, after }: ClosingFacts): TpmFinding {
  if (before === undefined || after === undefined) {
    return skipped(
      'the TPM could not be asked',
      'What is left in the TPM is not known: look with tpm2_getcap handles-transient and handles-loaded-session.',
    );
  }
  const differences = kinds.flatMap(([kind, name]) =>
    differencesOf(name, before.handles[kind], after.handles[kind]),
  );
  const moreTries = after.failedTries - before.failedTries;
  if (moreTries > 0) differences.push(`${moreTries} wrong PINs more`);
  return differences.length === 0
    ? pass(
        `the same handles, ${after.failedTries} wrong PINs counted (${before.failedTries} before)`,
        'Nothing has to be tidied up.',
      )
    : failure(
        differences.join('; '),
        'Something was left in the TPM, or another program changed it meanwhile. Handles are freed with tpm2_flushcontext; wrong PINs are forgotten in time.',
      );
}

const kinds = [
  ['persistent', 'persistent key'],
  ['nvIndex', 'NV index'],
  ['transient', 'object'],
  ['loadedSession', 'loaded session'],
  ['savedSession', 'saved session'],
] as const;

function differencesOf(kind: string, before: readonly number[], after: readonly number[]): string[] {
  return [
    ...after.filter((handle) => !before.includes(handle)).map((handle) => `${kind} ${hex(handle)} more`),
    ...before.filter((handle) => !after.includes(handle)).map((handle) => `${kind} ${hex(handle)} less`),
  ];
}

function hex(handle: number): string {
  return `0x${handle.toString(16).padStart(8, '0')}`;
}
