import { afterAll, describe, test } from 'vitest';
import { conformanceAreas } from './conformance-case.ts';
import { conformanceCases } from './conformance-cases.ts';
import type { ConformanceOutcome } from './conformance-result.ts';
import { ConformanceSession } from './conformance-session.ts';
import type { ConformanceTarget } from './conformance-target.ts';

/**
 * Makes a vitest test of each case, in a `describe` of its own. What is not supported or not tried is a skipped test with
 * the reason as its note.
 * @param target or what makes it, which is called when the first test runs
 */
export function describeConformance(
  name: string,
  target: ConformanceTarget | (() => ConformanceTarget | Promise<ConformanceTarget>),
): void {
  describe(name, { concurrent: false }, () => {
    let session: ConformanceSession | undefined;
    afterAll(async () => session?.close());
    for (const area of conformanceAreas) {
      describe(area, () => {
        for (const each of conformanceCases.filter((one) => one.area === area)) {
          test(`${each.id}: ${each.title}`, async (context) => {
            session ??= new ConformanceSession(typeof target === 'function' ? await target() : target);
            const { outcome } = await session.run(each);
            if (outcome.kind === 'not-supported' || outcome.kind === 'skipped') {
              context.skip(`${outcome.kind}: ${outcome.reason}`);
            }
            if (outcome.kind === 'fail') throw failed(each.rule, each.source, outcome);
          });
        }
      });
    }
  });
}

function failed(
  rule: string,
  source: string,
  { expected, found, stack }: Extract<ConformanceOutcome, { kind: 'fail' }>,
): Error {
  const error = new Error(`expected ${expected}\nfound ${found}\nrule: ${rule} (${source})`);
  if (stack !== undefined) error.stack = `${error.message}\n${stack}`;
  return error;
}
