import { fuzz } from './fuzz.ts';
import { fuzzedParsers } from './parsers.ts';

/**
 * The long form: `npm run fuzz [mutants [seed]]`, 200,000 mutants for each parser unless told otherwise. Runs with a small
 * heap, so that a parser which takes much more memory than its input ends it. Exit status 1 after a finding, or a mutant
 * that takes more than 100 ms every time.
 */
const [mutants = '200000', seedText = String(Math.floor(Math.random() * 0xffff_ffff))] =
  process.argv.slice(2);
const seed = Number(seedText);
const limitMs = 100;

process.stderr.write(`seed ${seed}\n`);
for (const parser of await fuzzedParsers()) {
  const startedAtMs = performance.now();
  const { name, accepted, refusals, slowestMs } = fuzz(parser, Number(mutants), seed);
  const tookS = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const codes = [...refusals].sort(([, a], [, b]) => b - a).map(([code, count]) => `${code} ${count}`);
  process.stdout.write(
    `${name}: ${mutants} mutants in ${tookS} s, accepted ${accepted}, slowest ${slowestMs.toFixed(1)} ms; ${codes.join(', ')}\n`,
  );
  if (slowestMs > limitMs) {
    process.stderr.write(`${name}: a mutant took more than ${limitMs} ms\n`);
    process.exitCode = 1;
  }
}
