import { join } from 'node:path';
import {
  openFileDirectory,
  TotpVerifier,
  type FileDirectory,
  type MultiFactorVerifier,
} from '@countersign/hello';
import type { HttpsService, HttpsServiceOptions } from '@countersign/hello/https';
import { DeviceRegistry, startIdentityService } from '@countersign/hello/identity';
import { startRaService } from '@countersign/hello/ra-service';
import { RemoteReceiptKeys, startRegistrationService } from '@countersign/hello/registration';
import { KeySync, KeySyncSchedule, type KeySyncResult } from '@countersign/hello/sync';
import { TokenIssuer } from '@countersign/hello/tokens';
import type { Certificate, CertificationAuthority, Countersigned, Key, PublicKey } from '@countersign/core';
import { readFileBytes } from '@countersign/state';
import { readCaCertificate, withCa } from '../authorities/ca-state.ts';
import { withRaParts, type RaParts } from '../authorities/ra-state.ts';
import { unlockServiceKey, withServiceKey } from '../authorities/service-key.ts';
import type { PinOptions } from '../terminal/pin.ts';
import { receiptKeyFolder, sealingKeyFile, tokenKeyFolder } from './init-site.ts';
import { readSiteConfig, type SiteConfig } from './site-config.ts';
import { readTlsIdentity, type TlsIdentity } from './tls-identity.ts';

export interface SiteOptions {
  readonly caPin: PinOptions;
  readonly raPin: PinOptions;
  /** Ports to listen at on loopback; free ones if absent. */
  readonly ports?: {
    readonly identity: number;
    readonly registration: number;
    readonly registrationAuthority: number;
  };
  /** How users prove who they are; by TOTP if absent. */
  readonly verifier?: MultiFactorVerifier;
  /** Told of failures that are a service's own. */
  readonly onFailure: (error: unknown) => void;
  /** Told of each request that the RA countersigned. */
  readonly onCountersigned?: (countersigned: Countersigned) => void;
  readonly onSync?: (result: KeySyncResult) => void;
  /** Whether the sync runs on its schedule (the default), or only when `sync` is called. */
  readonly syncs?: 'on schedule' | 'when told';
}

/** A site whose services run. */
export interface RunningSite {
  readonly config: SiteConfig;
  readonly urls: {
    readonly identity: string;
    readonly registration: string;
    readonly registrationAuthority: string;
  };
  /** PEM of the certificate that all of them show. */
  readonly trustedCertificates: Uint8Array;
  readonly devices: DeviceRegistry;
  readonly cloud: FileDirectory;
  readonly sync: KeySync;
}

/** Runs a site's services for as long as the work takes. */
export async function withSite<T>(
  dir: string,
  options: SiteOptions,
  use: (site: RunningSite) => Promise<T>,
): Promise<T> {
  const config = await readSiteConfig(dir);
  return withRaParts(config.ra, options.raPin, async (ra) =>
    withKey(dir, tokenKeyFolder, config.tokenKeyRef, async (tokenKey) =>
      withKey(dir, receiptKeyFolder, config.receiptKeyRef, async (receiptKey) => {
        const services = new SiteServices(dir, config, options, ra, { tokenKey, receiptKey });
        try {
          return await use(await services.start());
        } finally {
          await services.stop();
        }
      }),
    ),
  );
}

/** For looking at the sync, and at who may sign in, without running services. */
export async function openSite(dir: string): Promise<{
  readonly config: SiteConfig;
  readonly verifier: TotpVerifier;
  readonly devices: DeviceRegistry;
  readonly cloud: FileDirectory;
}> {
  const config = await readSiteConfig(dir);
  return {
    config,
    verifier: new TotpVerifier({ directory: config.cloud, issuer: 'Countersign' }),
    devices: new DeviceRegistry(config.cloud),
    cloud: await openFileDirectory(config.cloud),
  };
}

async function withKey<T>(
  dir: string,
  folder: string,
  ref: string,
  use: (key: Key) => Promise<T>,
): Promise<T> {
  const path = join(dir, folder);
  return withServiceKey(path, ref, async (key) => {
    await unlockServiceKey(path, 'the services', key, {});
    return use(key);
  });
}

/** A user whose first answer was lost gets the same certificate again. */
async function issueOnce(
  ca: CertificationAuthority,
  { der }: Countersigned,
  publicKey: PublicKey,
): Promise<Certificate> {
  return (await ca.currentCertificate(publicKey)) ?? ca.issue(der);
}

/** What the services call each other. */
const names = {
  tokens: 'urn:countersign:site:identity',
  registration: 'urn:ms-drs:enterpriseregistration',
  receipts: 'urn:countersign:site:registration',
  registrationAuthority: 'urn:countersign:site:registration-authority',
} as const;

class SiteServices {
  readonly #dir: string;
  readonly #config: SiteConfig;
  readonly #options: SiteOptions;
  readonly #ra: RaParts;
  readonly #keys: { readonly tokenKey: Key; readonly receiptKey: Key };
  readonly #running: HttpsService[] = [];
  #schedule: KeySyncSchedule | undefined;

  constructor(
    dir: string,
    config: SiteConfig,
    options: SiteOptions,
    ra: RaParts,
    keys: { readonly tokenKey: Key; readonly receiptKey: Key },
  ) {
    this.#dir = dir;
    this.#config = config;
    this.#options = options;
    this.#ra = ra;
    this.#keys = keys;
  }

  async start(): Promise<RunningSite> {
    const { cloud, verifier, devices } = await openSite(this.#dir);
    const tls = await readTlsIdentity(this.#dir);
    const sealingKey = await readFileBytes(join(this.#dir, sealingKeyFile));
    const tokens = new TokenIssuer({ issuer: names.tokens, key: this.#keys.tokenKey });
    const identity = await this.#run(
      startIdentityService({
        ...this.#https(tls, 'identity'),
        tokens,
        directory: cloud,
        devices,
        verifier: this.#options.verifier ?? verifier,
        registrationAudience: names.registration,
        enrollment: { audience: names.registrationAuthority, sealingKey },
      }),
    );
    const registration = await this.#run(
      startRegistrationService({
        ...this.#https(tls, 'registration'),
        directory: cloud,
        tokens: { issuer: names.tokens, keys: await tokens.keys(), audience: names.registration },
        issuer: names.receipts,
        receiptKey: this.#keys.receiptKey,
        isKnownDevice: async ({ deviceId }) => (await devices.find(deviceId)) !== undefined,
      }),
    );
    const registrationAuthority = await this.#startRa(registration, tls, sealingKey, tokens, cloud);
    const sync = new KeySync({
      cloud,
      premises: this.#ra.directory.syncTarget(cloud),
      stateDirectory: this.#dir,
      intervalMs: this.#config.syncIntervalMinutes * 60_000,
    });
    if (this.#options.syncs !== 'when told') {
      const { onFailure, onSync } = this.#options;
      this.#schedule = await KeySyncSchedule.start(sync, {
        onFailure,
        ...(onSync === undefined ? {} : { onRun: onSync }),
      });
    }
    return {
      config: this.#config,
      urls: {
        identity: identity.url,
        registration: registration.url,
        registrationAuthority: registrationAuthority.url,
      },
      trustedCertificates: tls.cert,
      devices,
      cloud,
      sync,
    };
  }

  async stop(): Promise<void> {
    await this.#schedule?.stop();
    for (const service of this.#running.toReversed()) await service.close();
  }

  async #startRa(
    registration: HttpsService,
    tls: TlsIdentity,
    sealingKey: Uint8Array,
    tokens: TokenIssuer,
    cloud: FileDirectory,
  ): Promise<HttpsService> {
    const { ca, synchronousEnrollment } = this.#config;
    const { caPin, onCountersigned } = this.#options;
    const receiptKeys = new RemoteReceiptKeys({ url: registration.url, ca: tls.cert });
    // An RA that cannot reach the registration service is to be known at once, and not by its first user.
    await receiptKeys.refresh();
    return this.#run(
      startRaService({
        ...this.#ra,
        ...this.#https(tls, 'registrationAuthority'),
        caCertificates: [await readCaCertificate(ca)],
        issue: async (countersigned, publicKey) => {
          onCountersigned?.(countersigned);
          return withCa(ca, { to: 'sign', pin: caPin }, async (opened) =>
            issueOnce(opened, countersigned, publicKey),
          );
        },
        receipts: synchronousEnrollment ? { issuer: names.receipts, keys: receiptKeys.find } : undefined,
        findKeyOwner: async (publicKey) => this.#ra.directory.findKeyOwner(publicKey),
        isRegisteredInCloud: async ({ upn }, { keyId }) => {
          const user = await cloud.findByUpn(upn);
          return user?.keyCredentials.some((credential) => credential.keyId === keyId) ?? false;
        },
        tokens: {
          issuer: names.tokens,
          keys: await tokens.keys(),
          audience: names.registrationAuthority,
          sealingKey,
        },
      }),
    );
  }

  #https(tls: TlsIdentity, service: keyof RunningSite['urls']): HttpsServiceOptions {
    const { ports, onFailure } = this.#options;
    return { tls, onFailure, ...(ports === undefined ? {} : { port: ports[service] }) };
  }

  async #run(starting: Promise<HttpsService>): Promise<HttpsService> {
    const service = await starting;
    this.#running.push(service);
    return service;
  }
}
