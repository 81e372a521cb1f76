import { resolve } from 'node:path';
import type { KeyAlgorithm } from '@countersign/core';
import { effectivePinPolicy, type PinPolicy, type PolicySource } from '@countersign/hello';
import type { JsonObject } from '@countersign/state';
import { readJsonFile } from '../files/json-file.ts';
import { readPinPolicy } from './pin-policy-file.ts';

/** What provisioning and sign-in are told by their file of settings. Paths are absolute. */
export interface HelloConfig {
  readonly upn: string;
  /** The journal, the device's key, and what keys of the user lie in files. */
  readonly stateDirectory: string;
  readonly keys: KeySettings;
  readonly policy: HelloPolicy;
  readonly services: ServiceSettings;
  readonly signIn?: SignInSettings;
  readonly store: StoreSettings;
  /** What is so, whatever probing would find. */
  readonly facts: DeviceFacts;
}

export interface KeySettings {
  /** Provider URI of the TPM (or of a token that is to count as one). */
  readonly securityDevice?: string;
  /** Provider URI for where there is none, if policy allows that. */
  readonly software?: string;
  readonly algorithm: KeyAlgorithm;
}

/** The policies of Windows Hello for Business that matter here, with their defaults. */
export interface HelloPolicy {
  /** UsePassportForWork. */
  readonly enabled: boolean;
  readonly postLogonProvisioning: boolean;
  /** RequireSecurityDevice: without one, nothing is provisioned. */
  readonly requireSecurityDevice: boolean;
  /** UseCertificateForOnPremAuth: without it, the registered key is all that there will be. */
  readonly useCertificateForOnPremAuth: boolean;
  readonly source: PolicySource;
  readonly pin: PinPolicy;
}

export type ServiceSettings =
  | { readonly kind: 'site'; readonly directory: string }
  | {
      readonly kind: 'https';
      readonly identity: string;
      readonly registration: string;
      readonly registrationAuthority: string;
      /** PEM file of the authorities to trust; those of the system if absent. */
      readonly trustedCertificates?: string;
    };

/** Where programs look for the certificate, besides beside its key. */
export interface StoreSettings {
  /** PEM file. */
  readonly file?: string;
  /** NSS database, told of the PKCS#11 module that has the key. */
  readonly nss?: {
    readonly directory: string;
    readonly module?: { readonly name: string; readonly path: string };
  };
}

export interface SignInSettings {
  readonly realm: string;
  readonly kdc: { readonly host: string; readonly port?: number };
  /** PEM or DER files. */
  readonly trustAnchors: readonly string[];
  readonly certificateLists: readonly string[];
  readonly hostName?: string;
  readonly credentialCache?: string;
}

export type DeviceFacts = Partial<
  Record<'isUserAzureAd' | 'isDeviceEligible' | 'isSessionNotRemote' | 'hasOnPremTgt', boolean>
>;

/** @throws CountersignError `CONFIGURATION_INVALID`, `POLICY_INVALID`, `STATE_MISSING` */
export async function readHelloConfig(path: string): Promise<HelloConfig> {
  return readJsonFile(path, 'countersign-hello', (document, folder) => {
    const signIn = document.optionalObject('signIn');
    return {
      upn: document.string('upn'),
      stateDirectory: resolve(folder, document.string('stateDirectory')),
      keys: readKeys(document.object('keys')),
      policy: readPolicy(document.optionalObject('policy')),
      services: readServices(document.object('services'), folder),
      ...(signIn === undefined ? {} : { signIn: readSignIn(signIn, folder) }),
      store: readStore(document.optionalObject('store'), folder),
      facts: readFacts(document.optionalObject('facts')),
    };
  });
}

function readKeys(object: JsonObject): KeySettings {
  const securityDevice = object.optionalString('securityDevice');
  const software = object.optionalString('software');
  const algorithm = object.has('algorithm')
    ? object.oneOf('algorithm', ['rsa2048', 'rsa3072', 'p256', 'p384'])
    : 'rsa2048';
  object.end();
  if (securityDevice === undefined && software === undefined) {
    throw object.damaged('securityDevice', 'this or software is needed: where is the key to be?');
  }
  return {
    algorithm,
    ...(securityDevice === undefined ? {} : { securityDevice }),
    ...(software === undefined ? {} : { software }),
  };
}

function readPolicy(object: JsonObject | undefined): HelloPolicy {
  const pin = object?.optionalObject('pin');
  const policy: HelloPolicy = {
    enabled: object?.optionalBoolean('enabled') ?? true,
    postLogonProvisioning: object?.optionalBoolean('postLogonProvisioning') ?? true,
    requireSecurityDevice: object?.optionalBoolean('requireSecurityDevice') ?? false,
    useCertificateForOnPremAuth: object?.optionalBoolean('useCertificateForOnPremAuth') ?? true,
    source:
      object?.has('source') === true
        ? object.oneOf('source', ['group-policy', 'mdm', 'none'])
        : 'group-policy',
    pin: pin === undefined ? effectivePinPolicy() : readPinPolicy(pin),
  };
  object?.end();
  return policy;
}

function readServices(object: JsonObject, folder: string): ServiceSettings {
  const site = object.optionalString('site');
  if (site !== undefined) {
    object.end();
    return { kind: 'site', directory: resolve(folder, site) };
  }
  const trusted = object.optionalString('trustedCertificates');
  const settings = {
    kind: 'https',
    identity: url(object, 'identity'),
    registration: url(object, 'registration'),
    registrationAuthority: url(object, 'registrationAuthority'),
    ...(trusted === undefined ? {} : { trustedCertificates: resolve(folder, trusted) }),
  } as const;
  object.end();
  return settings;
}

function url(object: JsonObject, key: string): string {
  const text = object.string(key);
  if (URL.canParse(text) && new URL(text).protocol === 'https:') return text;
  throw object.damaged(key, 'an https:// address was expected');
}

function readSignIn(object: JsonObject, folder: string): SignInSettings {
  const kdc = object.object('kdc');
  const port = kdc.optionalInteger('port', { min: 1, max: 65_535 });
  const hostName = object.optionalString('hostName');
  const cache = object.optionalString('credentialCache');
  const settings = {
    realm: object.string('realm'),
    kdc: { host: kdc.string('host'), ...(port === undefined ? {} : { port }) },
    trustAnchors: object.strings('trustAnchors').map((file) => resolve(folder, file)),
    certificateLists: object.has('certificateLists')
      ? object.strings('certificateLists').map((file) => resolve(folder, file))
      : [],
    ...(hostName === undefined ? {} : { hostName }),
    ...(cache === undefined ? {} : { credentialCache: resolve(folder, cache) }),
  };
  kdc.end();
  object.end();
  return settings;
}

function readStore(object: JsonObject | undefined, folder: string): StoreSettings {
  const file = object?.optionalString('file');
  const nss = object?.optionalObject('nss');
  const module = nss?.optionalObject('module');
  const settings = {
    ...(file === undefined ? {} : { file: resolve(folder, file) }),
    ...(nss === undefined
      ? {}
      : {
          nss: {
            directory: resolve(folder, nss.string('directory')),
            ...(module === undefined
              ? {}
              : { module: { name: module.string('name'), path: module.string('path') } }),
          },
        }),
  };
  module?.end();
  nss?.end();
  object?.end();
  return settings;
}

function readFacts(object: JsonObject | undefined): DeviceFacts {
  const facts: DeviceFacts = {};
  for (const name of ['isUserAzureAd', 'isDeviceEligible', 'isSessionNotRemote', 'hasOnPremTgt'] as const) {
    const value = object?.optionalBoolean(name);
    if (value !== undefined) facts[name] = value;
  }
  object?.end();
  return facts;
}
