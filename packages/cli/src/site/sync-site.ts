import { KeySync } from '@countersign/hello/sync';
import { readConfig as readCaConfig } from '../authorities/ca-state.ts';
import { withDirectory } from '../directories/open-directory.ts';
import { openSite } from './run-site.ts';

/** Lends the sync of a site whose services need not run. */
export async function withSiteSync<T>(dir: string, use: (sync: KeySync) => Promise<T>): Promise<T> {
  const { config, cloud } = await openSite(dir);
  const { directory } = await readCaConfig(config.ca);
  return withDirectory(directory, async (premises) =>
    use(
      new KeySync({
        cloud,
        premises: premises.syncTarget(cloud),
        stateDirectory: dir,
        intervalMs: config.syncIntervalMinutes * 60_000,
      }),
    ),
  );
}

/** One run. @throws CountersignError as `KeySync.run` */
export async function syncSite(dir: string): Promise<{ readonly added: number; readonly nextRunAt: Date }> {
  return withSiteSync(dir, async (sync) => {
    const { added, endedAt } = await sync.run();
    const { nextRunAt = endedAt } = await sync.status();
    return { added, nextRunAt };
  });
}
