import type { TpmCheckResult, TpmVerdict, TpmVerdictReason } from './tpm-validation-report.ts';

/**
 * What the checks come to: unfit if one failed; undecided if the run ended before all were made; fit otherwise, with
 * warnings where there are any. A check that was skipped, or is about what the TPM need not have, says nothing against it.
 */
export function decideVerdict(checks: readonly TpmCheckResult[], interrupted: boolean): TpmVerdict {
  const failures = reasonsOf(checks, 'fail');
  const warnings = reasonsOf(checks, 'warning');
  const missing: readonly TpmVerdictReason[] = interrupted
    ? [{ check: null, severity: 'warning', text: 'the run was interrupted: not all checks were made' }]
    : [];
  const reasons = [...failures, ...missing, ...warnings];
  if (failures.length > 0) return { kind: 'unfit', reasons };
  if (interrupted) return { kind: 'undecided', reasons };
  return { kind: warnings.length > 0 ? 'fit-with-warnings' : 'fit', reasons };
}

function reasonsOf(
  checks: readonly TpmCheckResult[],
  outcome: 'fail' | 'warning',
): readonly TpmVerdictReason[] {
  return checks
    .filter((check) => check.outcome === outcome)
    .map(({ id, found, expected, meaning }) => ({
      check: id,
      severity: outcome === 'fail' ? 'failure' : 'warning',
      text: `found: ${found}; expected: ${expected}. ${meaning}`,
    }));
}
