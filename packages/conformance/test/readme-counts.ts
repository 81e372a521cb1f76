import { readFileSync } from 'node:fs';
import type { ConformanceReport } from '@countersign/conformance';

/** How many cases of each area pass, as the README's table says of one provider. */
export function countsInReadme(provider: string): Readonly<Record<string, number>> {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const rows = readme
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const head = rows.find(([first]) => first === 'area') ?? [];
  const column = head.indexOf(provider);
  if (column < 0) throw new Error(`the README has no column ${provider}`);
  const counted = rows.filter((row) => row.length === head.length && /^\d+$/.test(row[column] ?? ''));
  return Object.fromEntries(counted.map((row) => [row[0] ?? '', Number(row[column])]));
}

/** The same of a report. */
export function countsOf({ results }: ConformanceReport): Readonly<Record<string, number>> {
  const counts: Record<string, number> = { all: 0 };
  for (const { area, outcome } of results) {
    const passed = outcome.kind === 'pass' ? 1 : 0;
    counts[area] = (counts[area] ?? 0) + passed;
    counts['all'] = (counts['all'] ?? 0) + passed;
  }
  return counts;
}
