// Rewrites a file for ever; every version is one letter, repeated.
import { writeFileAtomic } from '@countersign/state';

const path = process.argv[2] ?? '';
process.stdout.write('started\n');
for (let version = 0; ; version += 1) {
  await writeFileAtomic(path, String.fromCharCode(97 + (version % 26)).repeat(100_000));
}
