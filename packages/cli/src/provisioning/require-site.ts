import { CountersignError } from '@countersign/core';
import type { HelloConfig } from './hello-config.ts';

/** @throws CountersignError `CONFIGURATION_INVALID` where the services run elsewhere: they have no protocol for it */
export function requireSite({ services }: HelloConfig, what: string): string {
  if (services.kind === 'site') return services.directory;
  throw new CountersignError(
    'CONFIGURATION_INVALID',
    `${what} needs directories and CA at hand, and the settings name services that run elsewhere`,
    'Run it where the site is, with "services": {"site": DIR}.',
  );
}
