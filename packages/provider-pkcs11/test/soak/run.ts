import { maxSessions, soak, type SoakSummary } from './soak.ts';
import { makeSoakToken } from './soak-token.ts';

/**
 * `npm run soak:pkcs11`: 100,000 signatures, or as many as COUNTERSIGN_SIGNATURES says. Prints a summary in JSON; exit status
 * 1 after a wrong signature, an unexpected refusal, or anything that was left behind.
 */
const signatures = Number(process.env['COUNTERSIGN_SIGNATURES'] ?? '100000');
/** Memory only shows its trend in a long run. */
const longFrom = 50_000;
const maxGrowthMiB = 64;

const { gc } = globalThis;
if (gc === undefined) throw new Error('run this with --expose-gc');
const collect = (): void => {
  gc();
};
const token = await makeSoakToken();
try {
  const summary = await soak(token, signatures, collect);
  process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  for (const violation of violations(summary)) {
    process.stderr.write(`violation: ${violation}\n`);
    process.exitCode = 1;
  }
} finally {
  await token.remove();
}

function violations(summary: SoakSummary): readonly string[] {
  const growthMiB = summary.rssAtEndMiB - summary.rssAtTenthMiB;
  const checks: readonly (readonly [boolean, string])[] = [
    [summary.signatures === signatures, `${summary.signatures} of ${signatures} signatures were made`],
    [summary.wrong === 0, `${summary.wrong} signatures are wrong`],
    [summary.relogins > 0, 'no logout was noticed, so that nothing was shown'],
    [summary.keysMade > 0 && summary.keysMadeByOtherProcess > 0, 'no keys came and went meanwhile'],
    [summary.mostSessions <= maxSessions + 1, `${summary.mostSessions} sessions were open at a time`],
    [summary.sessionsLeft === 0, `${summary.sessionsLeft} sessions are left open`],
    [
      summary.objectsLeft === summary.objectsExpected,
      `${summary.objectsLeft} objects are left on the token; expected ${summary.objectsExpected}`,
    ],
    [
      signatures < longFrom || growthMiB < maxGrowthMiB,
      `memory grew by ${growthMiB} MiB after the first tenth`,
    ],
  ];
  return checks.filter(([holds]) => !holds).map(([, text]) => text);
}
