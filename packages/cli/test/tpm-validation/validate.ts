import { countersign, isJson, parseJson, type Json, type Outcome } from '../run-countersign.ts';

/** Enough for every check, and soon done. */
export const briefly = ['--keys', '2', '--signatures', '3', '--random', '1024'] as const;

export interface Validation {
  readonly status: Outcome['status'];
  readonly report: Json;
  readonly verdict: string;
  /** Of the verdict: ids of the checks that speak against the TPM. */
  readonly reasons: readonly string[];
  readonly check: (id: string) => Check;
  readonly checks: readonly Check[];
}

export interface Check {
  readonly id: string;
  readonly outcome: string;
  readonly found: string;
  readonly meaning: string;
}

/** Runs `countersign tpm validate --json` on the sources. */
export async function validate(uri: string, options: readonly string[] = []): Promise<Validation> {
  const outcome = await countersign(['tpm', 'validate', '--tpm', uri, ...options, '--json']);
  const report = parseJson(outcome.stdout);
  const checks = objectsIn(report['checks']).map((each): Check => ({
    id: String(each['id']),
    outcome: String(each['outcome']),
    found: String(each['found']),
    meaning: String(each['meaning']),
  }));
  const { verdict } = report;
  if (!isJson(verdict)) throw new Error(`there is no verdict in ${outcome.stdout}${outcome.stderr}`);
  return {
    status: outcome.status,
    report,
    verdict: String(verdict['kind']),
    reasons: objectsIn(verdict['reasons']).map(({ check }) => String(check)),
    checks,
    check: (id) => {
      const found = checks.find((each) => each.id === id);
      if (found === undefined) throw new Error(`there is no check ${id}`);
      return found;
    },
  };
}

export function objectsIn(value: unknown): readonly Json[] {
  if (Array.isArray(value) && value.every(isJson)) return value;
  throw new Error(`not a list of objects: ${JSON.stringify(value)}`);
}
