// Takes a lock and keeps it until killed.
import { withLock } from '@countersign/state';

await withLock(process.argv[2] ?? '', async () => {
  process.stdout.write('locked\n');
  await new Promise((resolve) => {
    setTimeout(resolve, 600_000);
  });
});
