import { conformanceAreas, type ConformanceArea, type ConformanceCase } from './conformance-case.ts';
import { conformanceCases } from './conformance-cases.ts';
import { countOutcomes, type ConformanceReport, type ConformanceResult } from './conformance-result.ts';
import { ConformanceSession, type SessionOptions } from './conformance-session.ts';
import type { ConformanceTarget } from './conformance-target.ts';
import { Interrupted } from './deadline.ts';

export interface ConformanceOptions extends SessionOptions {
  /** Only cases of these areas. */
  readonly areas?: readonly ConformanceArea[];
  /** Only these cases, by id. */
  readonly cases?: readonly string[];
}

/**
 * Tries a provider with every case, one after the other. Nothing that the provider does makes this throw.
 * @param onResult gets each result as soon as it is there, those of cases that others build on included
 * @throws RangeError for an area or a case that there is not
 */
export async function runConformance(
  target: ConformanceTarget,
  options: ConformanceOptions = {},
  onResult: (result: ConformanceResult) => void = () => undefined,
): Promise<ConformanceReport> {
  const chosen = chooseCases(options);
  const startedAt = new Date();
  const start = performance.now();
  const session = new ConformanceSession(target, options);
  const results: ConformanceResult[] = [];
  const interrupted = await runAll(session, chosen, (result) => {
    results.push(result);
    onResult(result);
  });
  const provider = await describeProvider(session);
  const leftKeys = await session
    .close()
    .catch(() => ['unknown: the provider did not let its keys be destroyed']);
  const done = new Set(results.map(({ id }) => id));
  return {
    target: target.description,
    provider,
    startedAt,
    durationMs: performance.now() - start,
    results,
    counts: countOutcomes(results),
    interrupted,
    notRun: chosen.map(({ id }) => id).filter((id) => !done.has(id)),
    leftKeys,
  };
}

/** @returns whether the run was interrupted */
async function runAll(
  session: ConformanceSession,
  cases: readonly ConformanceCase[],
  onResult: (result: ConformanceResult) => void,
): Promise<boolean> {
  for (const each of cases) {
    let result: ConformanceResult;
    try {
      result = await session.run(each);
    } catch (error) {
      if (error instanceof Interrupted) return true;
      throw error;
    }
    onResult(result);
  }
  return false;
}

function chooseCases({ areas, cases }: ConformanceOptions): readonly ConformanceCase[] {
  const unknownArea = areas?.find((area) => !conformanceAreas.includes(area));
  if (unknownArea !== undefined) throw new RangeError(`there is no area ${unknownArea}`);
  const unknownCase = cases?.find((id) => !conformanceCases.some((each) => each.id === id));
  if (unknownCase !== undefined) throw new RangeError(`there is no case ${unknownCase}`);
  return conformanceCases.filter(
    ({ id, area }) => (areas?.includes(area) ?? true) && (cases?.includes(id) ?? true),
  );
}

async function describeProvider(session: ConformanceSession): Promise<ConformanceReport['provider']> {
  try {
    const { scheme, description, algorithms } = (await session.provider()).info;
    return { scheme, description, algorithms: [...algorithms] };
  } catch {
    // That it cannot be opened, or says nothing of itself, has failed the cases already.
    return undefined;
  }
}
