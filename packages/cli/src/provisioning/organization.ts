import type { Countersigned } from '@countersign/core';
import type { MultiFactorVerifier } from '@countersign/hello';
import type { HttpsClientOptions } from '@countersign/hello/https';
import { readFileBytes } from '@countersign/state';
import { withSite, type RunningSite } from '../site/run-site.ts';
import type { PinOptions } from '../terminal/pin.ts';
import type { ServiceSettings } from './hello-config.ts';

/** The services of an organization, wherever they run. */
export interface Organization {
  readonly urls: RunningSite['urls'];
  readonly https: HttpsClientOptions;
  /** The site, if its services run in this process. */
  readonly site?: RunningSite;
}

export interface OrganizationOptions {
  /** Of the authorities of a site on this machine. */
  readonly caPin: PinOptions;
  readonly raPin: PinOptions;
  readonly onFailure: (error: unknown) => void;
  /** How users of a site on this machine prove who they are; by TOTP if absent. */
  readonly verifier?: MultiFactorVerifier;
  readonly onCountersigned?: (countersigned: Countersigned) => void;
}

/** Reaches the services; those of a site on this machine run for as long as the work takes. */
export async function withOrganization<T>(
  services: ServiceSettings,
  options: OrganizationOptions,
  use: (organization: Organization) => Promise<T>,
): Promise<T> {
  if (services.kind === 'site') {
    return withSite(services.directory, options, async (site) =>
      use({ urls: site.urls, https: { ca: site.trustedCertificates }, site }),
    );
  }
  const { identity, registration, registrationAuthority, trustedCertificates } = services;
  return use({
    urls: { identity, registration, registrationAuthority },
    https: trustedCertificates === undefined ? {} : { ca: await readFileBytes(trustedCertificates) },
  });
}
