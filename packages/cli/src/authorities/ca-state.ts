import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import {
  Certificate,
  CertificationAuthority,
  createRootCertificate,
  decodePemOrDer,
  encodePem,
  Name,
  type AgentProfile,
  type CertificateTemplate,
  type EnrollmentAgentRight,
  type KeyAlgorithm,
  type Ledger,
} from '@countersign/core';
import { openSqliteLedger } from '@countersign/ledger-sqlite';
import {
  JsonObject,
  parseJsonDocument,
  readFileBytes,
  readFileIfExists,
  writeFileAtomic,
} from '@countersign/state';
import { withDirectory } from '../directories/open-directory.ts';
import type { PinOptions } from '../terminal/pin.ts';
import {
  attestationKinds,
  attestationOf,
  requestAttestation,
  type AttestationKind,
} from './attestation-config.ts';
import { createStateDirectory } from './new-state-directory.ts';
import type { NewServicePin } from './service-pin.ts';
import {
  withNewServiceKey,
  missingState,
  portableRef,
  unlockServiceKey,
  withServiceKey,
} from './service-key.ts';

/** What a CA's directory says of it, beside its certificate (`ca.pem`) and its ledger (`ledger.sqlite`). */
export interface CaConfig {
  readonly keyRef: string;
  /** Absolute path of the directory that subjects come from. */
  readonly directory: string;
  readonly helloLogonTemplate: CertificateTemplate;
  readonly crlUris: readonly string[];
  readonly caIssuersUris: readonly string[];
  /** Where complete CRLs say that the delta is. */
  readonly deltaCrlUris: readonly string[];
  /** Edited in by hand; without it agents of this CA may enroll everyone but protected accounts. */
  readonly agentRights?: readonly EnrollmentAgentRight[];
  /** What is made of evidence that keys are in TPMs; it lies in `attestation` below the CA's directory. */
  readonly attestation: AttestationKind;
}

export interface NewCa {
  readonly directory: string;
  readonly provider: string;
  readonly subject: Name;
  readonly algorithm: KeyAlgorithm;
  /** Where the CA's certificate and CRL will be published: `<publishUrl>/ca.cer` and `<publishUrl>/ca.crl`. */
  readonly publishUrl?: string | undefined;
  /** Whether deltas will be published, at `<publishUrl>/ca-delta.crl`. */
  readonly deltaCrls?: boolean | undefined;
  readonly templateOid?: string | undefined;
  readonly attestation?: AttestationKind | undefined;
  readonly pin: NewServicePin;
}

/** @throws CountersignError `STATE_EXISTS`, `STATE_MISSING` (the directory of users) */
export async function initCa(
  dir: string,
  options: NewCa,
): Promise<{ certificate: Certificate; config: CaConfig }> {
  await withDirectory(options.directory, async () => undefined);
  return createStateDirectory(dir, async (draft) => {
    const spec = { algorithm: options.algorithm, label: 'ca' };
    return withNewServiceKey(draft, options.provider, spec, options.pin, async (key) => {
      const certificate = await createRootCertificate(key, options.subject, new Date());
      const publishUrl = (options.publishUrl ?? `http://${hostname()}/pki`).replace(/\/+$/, '');
      const config: CaConfig = {
        keyRef: portableRef(draft, key.ref, options.provider),
        directory: resolve(options.directory),
        helloLogonTemplate: {
          oid: options.templateOid ?? newTemplateOid(),
          majorVersion: 100,
          minorVersion: 1,
        },
        crlUris: [`${publishUrl}/ca.crl`],
        caIssuersUris: [`${publishUrl}/ca.cer`],
        deltaCrlUris: options.deltaCrls === true ? [`${publishUrl}/ca-delta.crl`] : [],
        attestation: options.attestation ?? 'off',
      };
      await writeFileAtomic(join(draft, 'ca.json'), formatConfig(config));
      await writeFileAtomic(join(draft, 'ca.pem'), encodePem('CERTIFICATE', certificate.der), {
        mode: 0o644,
      });
      await (await openSqliteLedger(join(draft, 'ledger.sqlite'))).close();
      return { certificate, config };
    });
  });
}

/**
 * Opens a CA for one piece of work and closes all of it afterwards.
 * @param access `sign` unlocks the key; `administer` leaves it locked, which revoking can do with
 */
export async function withCa<T>(
  dir: string,
  access: { readonly to: 'sign'; readonly pin: PinOptions } | { readonly to: 'administer' },
  use: (ca: CertificationAuthority) => Promise<T>,
): Promise<T> {
  const config = await readConfig(dir);
  const certificate = await readCaCertificate(dir);
  return withDirectory(config.directory, async (directory) =>
    withServiceKey(dir, config.keyRef, async (key) => {
      if (access.to === 'sign') await unlockServiceKey(dir, `the CA in ${dir}`, key, access.pin);
      const attestation = requestAttestation(attestationOf(dir, config));
      return withLedger(dir, async (ledger) =>
        use(new CertificationAuthority({ ...config, attestation, key, certificate, directory, ledger })),
      );
    }),
  );
}

export async function withLedger<T>(dir: string, use: (ledger: Ledger) => Promise<T>): Promise<T> {
  await readConfig(dir);
  // A CA that lost its ledger must not go on with an empty one: it would forget revocations and answer replays.
  const ledger = await openSqliteLedger(join(dir, 'ledger.sqlite'), { ifMissing: 'refuse' });
  try {
    return await use(ledger);
  } finally {
    await ledger.close();
  }
}

export async function readCaCertificate(dir: string): Promise<Certificate> {
  return Certificate.parse(decodePemOrDer(await readFileBytes(join(dir, 'ca.pem')), ['CERTIFICATE']));
}

/** @throws CountersignError `STATE_MISSING`, `STATE_DAMAGED` */
export async function readConfig(dir: string): Promise<CaConfig> {
  const path = join(dir, 'ca.json');
  const bytes = await readFileIfExists(path);
  if (bytes === undefined) throw missingState(dir, 'CA', `countersign ca init --dir ${dir} --directory DIR`);
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-ca']);
  document.integer('version', { min: 1, max: 1 });
  const template = document.object('helloLogonTemplate');
  const config = {
    keyRef: document.string('keyRef'),
    directory: document.string('directory'),
    helloLogonTemplate: {
      oid: template.string('oid'),
      majorVersion: template.integer('majorVersion', { min: 0 }),
      minorVersion: template.integer('minorVersion', { min: 0 }),
    },
    crlUris: document.strings('crlUris'),
    caIssuersUris: document.strings('caIssuersUris'),
    deltaCrlUris: document.strings('deltaCrlUris'),
    ...(document.has('agentRights')
      ? { agentRights: document.objects('agentRights').map(parseAgentRight) }
      : {}),
    attestation: document.has('attestation') ? document.oneOf('attestation', attestationKinds) : 'off',
  };
  template.end();
  document.end();
  return config;
}

function parseAgentRight(object: JsonObject): EnrollmentAgentRight {
  const right = {
    agent: Name.fromString(object.string('agent')),
    profiles: object.strings('profiles').map((profile): AgentProfile => {
      if (profile === 'hello-logon') return profile;
      throw object.damaged('profiles', 'hello-logon is the one profile that agents enroll for');
    }),
    subjects:
      object.has('everyone') && object.boolean('everyone')
        ? ('everyone' as const)
        : object.strings('subjects'),
  };
  object.end();
  return right;
}

function formatConfig(config: Omit<CaConfig, 'agentRights'>): string {
  return `${JSON.stringify({ format: 'countersign-ca', version: 1, ...config }, null, 2)}\n`;
}

/** As Active Directory makes them: Microsoft's arc for templates and random arcs of the installation's own. */
function newTemplateOid(): string {
  const arcs = Array.from({ length: 6 }, () => randomInt(1, 1 << 24));
  return `1.3.6.1.4.1.311.21.8.${arcs.join('.')}.1`;
}
