import { join } from 'node:path';
import {
  Certificate,
  CertificateList,
  CountersignError,
  decodePemOrDer,
  isPinProtected,
} from '@countersign/core';
import { assertPinNotExpired, PinHistory, ProvisioningJournal } from '@countersign/hello';
import {
  formatPrincipal,
  signIn,
  writeCredentialCache,
  type TicketGrantingTicket,
} from '@countersign/hello/sign-in';
import { readFileBytes } from '@countersign/state';
import { withPin, type PinOptions } from '../terminal/pin.ts';
import type { HelloConfig, SignInSettings } from './hello-config.ts';
import { withKeyPlace } from './key-place.ts';

export interface SignInRun extends PinOptions {
  readonly user?: string | undefined;
  readonly cache?: string | undefined;
}

export interface SignedIn {
  readonly ticket: Omit<TicketGrantingTicket, 'client' | 'server'> & {
    readonly client: string;
    readonly server: string;
  };
  /** Path of the credential cache. */
  readonly cache: string;
}

/** Signs in with what provisioning left. */
export async function runSignIn(config: HelloConfig, { user, cache, ...pin }: SignInRun): Promise<SignedIn> {
  const settings = config.signIn ?? refuseWithoutSettings();
  const record = await new ProvisioningJournal(config.stateDirectory).read();
  if (record?.certificate === undefined || record.keyRef === undefined) throw notProvisioned(config);
  const certificate = Certificate.parse(record.certificate);
  const { keyRef } = record;
  await assertPinNotExpired(new PinHistory(config.stateDirectory), config.policy.pin, new Date());
  return withKeyPlace(config, async ({ custody }) => {
    const key = await custody.open(keyRef);
    if (isPinProtected(key))
      await withPin('your Windows Hello key', pin, async (octets) => key.unlock(octets));
    const ticket = await signIn({
      key,
      certificate,
      user: user ?? config.upn,
      realm: settings.realm,
      kdc: settings.kdc,
      kdcTrust: await kdcTrust(settings),
    });
    const path =
      cache ?? settings.credentialCache ?? cacheOfEnvironment() ?? join(config.stateDirectory, 'krb5cc');
    await writeCredentialCache(path, ticket);
    const names = {
      client: formatPrincipal(ticket.client),
      server: formatPrincipal(ticket.server),
    };
    return { ticket: { ...ticket, ...names }, cache: path };
  });
}

async function kdcTrust({
  trustAnchors,
  certificateLists,
  hostName,
}: SignInSettings): Promise<Parameters<typeof signIn>[0]['kdcTrust']> {
  const anchors = await Promise.all(
    trustAnchors.map(async (file) => Certificate.parse(await read(file, 'CERTIFICATE'))),
  );
  const lists = await Promise.all(
    certificateLists.map(async (file) => CertificateList.parse(await read(file, 'X509 CRL'))),
  );
  return {
    trustAnchors: anchors,
    ...(lists.length === 0 ? {} : { certificateLists: lists }),
    ...(hostName === undefined ? {} : { hostName }),
  };
}

async function read(file: string, label: 'CERTIFICATE' | 'X509 CRL'): Promise<Uint8Array> {
  return decodePemOrDer(await readFileBytes(file), [label]);
}

/** The file that other Kerberos programs would look at. */
function cacheOfEnvironment(): string | undefined {
  const name = process.env['KRB5CCNAME'];
  if (name === undefined || name === '') return undefined;
  if (name.startsWith('FILE:')) return name.slice(5);
  if (!name.includes(':')) return name;
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `KRB5CCNAME names a credential cache of another type: ${name}`,
    'Name a file with --cache.',
  );
}

function refuseWithoutSettings(): never {
  throw new CountersignError(
    'CONFIGURATION_INVALID',
    'the settings do not say where to sign in',
    'Add "signIn" with realm, kdc and trustAnchors.',
  );
}

function notProvisioned({ upn, stateDirectory }: HelloConfig): CountersignError {
  return new CountersignError(
    'STATE_MISSING',
    `there is no certificate of ${upn} in ${stateDirectory}`,
    'Provision the user first: countersign provision --config FILE',
  );
}
