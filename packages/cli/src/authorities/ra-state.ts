import { join } from 'node:path';
import {
  Certificate,
  createCertificationRequest,
  decodePemOrDer,
  encodePem,
  RegistrationAuthority,
  type AttestationChallenges,
  type KeyAlgorithm,
  type Name,
  type RegistrationAuthorityOptions,
  type RequestAttestation,
} from '@countersign/core';
import {
  JsonObject,
  parseJsonDocument,
  readFileBytes,
  readFileIfExists,
  writeFileAtomic,
} from '@countersign/state';
import { withDirectory, type OpenedDirectory } from '../directories/open-directory.ts';
import type { PinOptions } from '../terminal/pin.ts';
import { readCaCertificate, readConfig as readCaConfig, withCa } from './ca-state.ts';
import {
  attestationChallenges,
  attestationOf,
  parseAttestationConfig,
  readEndorsementRoots,
  requestAttestation,
  type AttestationConfig,
  type EndorsementRoots,
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

/** What an RA's directory says of it, beside its certificate (`ra.pem`) and its CA's (`ca.pem`). */
interface RaConfig {
  readonly keyRef: string;
  /** Absolute path of the directory in which requesters' keys are looked up. */
  readonly directory: string;
  /** The CA's policy, and where it keeps what it needs for that. */
  readonly attestation: AttestationConfig;
}

export interface NewRa {
  /** The CA's directory; its directory of users becomes the RA's. */
  readonly ca: string;
  readonly caPin: PinOptions;
  readonly provider: string;
  readonly subject: Name;
  readonly algorithm: KeyAlgorithm;
  readonly pin: NewServicePin;
  /** PEM file with the certificates of TPM manufacturers. */
  readonly endorsementRoots?: string | undefined;
}

/** Makes an RA: its key, and from the CA its enrollment agent certificate. */
export async function initRa(dir: string, options: NewRa): Promise<Certificate> {
  const caConfig = await readCaConfig(options.ca);
  const { directory } = caConfig;
  const attestation = attestationOf(options.ca, caConfig);
  const roots =
    options.endorsementRoots === undefined ? undefined : await readFileBytes(options.endorsementRoots);
  if (options.endorsementRoots !== undefined) await readEndorsementRoots(options.endorsementRoots);
  const caCertificate = await readCaCertificate(options.ca);
  return createStateDirectory(dir, async (draft) => {
    const spec = { algorithm: options.algorithm, label: 'enrollment-agent' };
    return withNewServiceKey(draft, options.provider, spec, options.pin, async (key) => {
      const { subject } = options;
      const request = await createCertificationRequest(key, { subject });
      const certificate = await withCa(options.ca, { to: 'sign', pin: options.caPin }, (ca) =>
        ca.issueForOperator(request, { profile: 'enrollment-agent', subject }),
      );
      const config: RaConfig = {
        keyRef: portableRef(draft, key.ref, options.provider),
        directory,
        attestation,
      };
      await writeFileAtomic(join(draft, 'ra.json'), formatConfig(config));
      await writeFileAtomic(join(draft, 'ra.pem'), encodePem('CERTIFICATE', certificate.der), {
        mode: 0o644,
      });
      await writeFileAtomic(join(draft, 'ca.pem'), encodePem('CERTIFICATE', caCertificate.der), {
        mode: 0o644,
      });
      if (roots !== undefined) await writeFileAtomic(join(draft, rootsFile), roots, { mode: 0o644 });
      return certificate;
    });
  });
}

/** Opens an RA for one piece of work, its key unlocked, and closes all of it afterwards. */
export async function withRa<T>(
  dir: string,
  pin: PinOptions,
  use: (ra: RegistrationAuthority) => Promise<T>,
): Promise<T> {
  return withRaParts(dir, pin, async (parts) => use(new RegistrationAuthority(parts)));
}

/** What an RA is made of, for services that are one. */
export interface RaParts extends RegistrationAuthorityOptions {
  readonly directory: OpenedDirectory;
}

/** Lends what an RA is made of, its key unlocked. */
export async function withRaParts<T>(
  dir: string,
  pin: PinOptions,
  use: (parts: RaParts) => Promise<T>,
): Promise<T> {
  const config = await readConfig(dir);
  const certificate = Certificate.parse(
    decodePemOrDer(await readFileBytes(join(dir, 'ra.pem')), ['CERTIFICATE']),
  );
  return withDirectory(config.directory, async (directory) =>
    withServiceKey(dir, config.keyRef, async (key) => {
      const attestation = requestAttestation(config.attestation);
      await unlockServiceKey(dir, `the registration authority in ${dir}`, key, pin);
      return use({ key, certificate, directory, attestation });
    }),
  );
}

/** What an RA has for challenging TPMs. */
export interface RaAttestation {
  readonly attestation: RequestAttestation;
  readonly challenges: AttestationChallenges;
  readonly roots: EndorsementRoots;
}

/** @throws CountersignError `STATE_MISSING` if the RA was not made for that */
export async function openRaAttestation(dir: string): Promise<RaAttestation> {
  const { attestation: config } = await readConfig(dir);
  const attestation = requestAttestation(config);
  const path = join(dir, rootsFile);
  if (attestation !== undefined && (await readFileIfExists(path)) !== undefined) {
    return {
      attestation,
      challenges: attestationChallenges(config),
      roots: await readEndorsementRoots(path),
    };
  }
  throw missingState(
    dir,
    attestation === undefined
      ? 'registration authority that looks at attestations'
      : 'list of trusted TPM manufacturers',
    'countersign ca init --attestation required …, then: countersign ra init --endorsement-roots FILE …',
  );
}

const rootsFile = 'endorsement-roots.pem';

async function readConfig(dir: string): Promise<RaConfig> {
  const path = join(dir, 'ra.json');
  const bytes = await readFileIfExists(path);
  if (bytes === undefined) {
    throw missingState(dir, 'registration authority', `countersign ra init --dir ${dir} --ca CA`);
  }
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', ['countersign-ra']);
  document.integer('version', { min: 1, max: 1 });
  const config = {
    keyRef: document.string('keyRef'),
    directory: document.string('directory'),
    attestation: parseAttestationConfig(document.object('attestation')),
  };
  document.end();
  return config;
}

function formatConfig(config: RaConfig): string {
  return `${JSON.stringify({ format: 'countersign-ra', version: 1, ...config }, null, 2)}\n`;
}
