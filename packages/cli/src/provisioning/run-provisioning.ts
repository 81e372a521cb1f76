import { setTimeout as sleep } from 'node:timers/promises';
import type { Countersigned, CountersignError } from '@countersign/core';
import {
  assertWillProvision,
  checkPrerequisites,
  enrollmentEvent,
  formatPrerequisites,
  HttpsStations,
  keyRegisteredEvent,
  mustEnrollEvent,
  PinHistory,
  prerequisiteEvent,
  provision,
  ProvisioningJournal,
  willRetryEvent,
  type ProvisioningOutcome,
  type ProvisioningRecord,
  type ProvisioningStep,
} from '@countersign/hello';
import { IdentityClient } from '@countersign/hello/identity';
import { RaClient } from '@countersign/hello/ra-service';
import { RegistrationClient } from '@countersign/hello/registration';
import { putInPlaces } from '@countersign/hello/store';
import { nextEnrollmentRetry } from '@countersign/hello/sync';
import { pinOfNewKey } from '../keys/provider-access.ts';
import { obtainCode, withGivenPin, withNewPin, type UserInput } from './ask-user.ts';
import { attestForRa } from './attest-for-ra.ts';
import { withDevice, type Device } from './device.ts';
import { EventLog } from './event-log.ts';
import type { HelloConfig } from './hello-config.ts';
import { withKeyPlace, type KeyPlace } from './key-place.ts';
import { withOrganization, type Organization, type OrganizationOptions } from './organization.ts';
import { probeDevice } from './probe-device.ts';
import { userPlaces } from './user-places.ts';

export interface ProvisioningRun extends Pick<OrganizationOptions, 'caPin' | 'raPin' | 'verifier'> {
  readonly input: UserInput;
  /** Whether to wait for the sync, by Windows's schedule; else a run that finds the key not synced ends `waiting`. */
  readonly waits: boolean;
  readonly tell: (step: ProvisioningStep, what: string) => void;
  readonly say: (line: string) => void;
  /** In place of asking the user. */
  readonly secondFactor?: (organization: Organization) => Promise<Uint8Array>;
  readonly onCountersigned?: (countersigned: Countersigned) => void;
  /** Told when all stations can be reached, before anything is asked of them. */
  readonly onReady?: (organization: Organization) => void;
}

/** Provisions a user by a file of settings; run again, it goes on where it was cut off. */
export async function runProvisioning(
  config: HelloConfig,
  run: ProvisioningRun,
): Promise<{ readonly outcome: ProvisioningOutcome; readonly record: ProvisioningRecord | undefined }> {
  const journal = new ProvisioningJournal(config.stateDirectory);
  const done = await journal.read();
  if (done?.completedAt !== undefined) {
    if (done.certificate !== undefined) await putInPlaces(userPlaces(config), done.certificate);
    const outcome = { kind: 'complete', keyRef: done.keyRef ?? '', certificate: done.certificate } as const;
    return { outcome, record: done };
  }
  const options: OrganizationOptions = {
    caPin: run.caPin,
    raPin: run.raPin,
    onFailure: (error) => {
      run.say(`a service failed: ${error instanceof Error ? error.message : String(error)}`);
    },
    ...(run.verifier === undefined ? {} : { verifier: run.verifier }),
    ...(run.onCountersigned === undefined ? {} : { onCountersigned: run.onCountersigned }),
  };
  return withOrganization(config.services, options, async (organization) => {
    run.onReady?.(organization);
    await requirePrerequisites(config, organization, run);
    return withDevice(config.stateDirectory, async (device) =>
      withKeyPlace(config, async (place) => {
        const outcome = await new Run(config, run, { journal, organization, device, place }).toTheEnd();
        return { outcome, record: await journal.read() };
      }),
    );
  });
}

/** @throws CountersignError `PREREQUISITE_FAILED` */
async function requirePrerequisites(
  config: HelloConfig,
  organization: Organization,
  { tell }: ProvisioningRun,
): Promise<void> {
  const state = await probeDevice(config, organization);
  const report = checkPrerequisites(state);
  const log = new EventLog(config.stateDirectory);
  await log.write(prerequisiteEvent(state));
  assertWillProvision(report);
  for (const line of formatPrerequisites(report).trimEnd().split('\n')) tell('prerequisites', line.trim());
  if (config.policy.useCertificateForOnPremAuth) await log.write(mustEnrollEvent());
}

interface Surroundings {
  readonly journal: ProvisioningJournal;
  readonly organization: Organization;
  readonly device: Device;
  readonly place: KeyPlace;
}

class Run {
  readonly #config: HelloConfig;
  readonly #run: ProvisioningRun;
  readonly #surroundings: Surroundings;
  readonly #log: EventLog;
  #pin: Uint8Array | undefined;

  constructor(config: HelloConfig, run: ProvisioningRun, surroundings: Surroundings) {
    this.#config = config;
    this.#run = run;
    this.#surroundings = surroundings;
    this.#log = new EventLog(config.stateDirectory);
  }

  async toTheEnd(): Promise<ProvisioningOutcome> {
    const { journal } = this.#surroundings;
    const { upn } = this.#config;
    const stations = this.#stations();
    try {
      for (;;) {
        const outcome = await provision({ upn, journal, stations, tell: this.#run.tell });
        if (outcome.kind === 'complete' && outcome.certificate !== undefined) {
          await putInPlaces(userPlaces(this.#config), outcome.certificate);
        }
        await this.#logOutcome(outcome);
        if (outcome.kind === 'complete' || !this.#run.waits) return outcome;
        if (!(await this.#waitForSync(outcome.attempts))) return outcome;
      }
    } finally {
      stations.close();
      this.#pin?.fill(0);
    }
  }

  #stations(): HttpsStations {
    const { organization, device, place } = this.#surroundings;
    const { upn, keys, policy } = this.#config;
    const { input, say, secondFactor } = this.#run;
    const { urls, https } = organization;
    return new HttpsStations({
      upn,
      identity: new IdentityClient({ url: urls.identity, device, ...https }),
      registration: {
        register: async (publicKey, accessToken) => {
          const client = new RegistrationClient({ url: urls.registration, ...https });
          const registration = await client.register(publicKey, accessToken);
          await this.#log.write(keyRegisteredEvent({ ...registration, attestation: 'ATT_SOFT' }));
          return registration;
        },
      },
      registrationAuthority: policy.useCertificateForOnPremAuth
        ? new RaClient({ url: urls.registrationAuthority, ...https })
        : undefined,
      custody: place.custody,
      algorithm: keys.algorithm,
      // They were checked when the run began.
      checkPrerequisites: async () => [],
      secondFactor: async () => (secondFactor === undefined ? obtainCode(input) : secondFactor(organization)),
      // What comes from a file or the environment stays as wrong as it was.
      secondFactorTries:
        secondFactor === undefined && input.codeFile === undefined && process.stdin.isTTY ? 3 : 1,
      onSecondFactorRefused: ({ message, hint }: CountersignError) => {
        say(`${message}. ${hint}`);
      },
      withPin: async (purpose, use) => this.#withPin(purpose, use),
      attest: attestForRa(organization, place.provider),
    });
  }

  /** A person enters a PIN once a run, whatever it is needed for. */
  async #withPin<T>(purpose: 'new' | 'known', use: (pin: Uint8Array) => Promise<T>): Promise<T> {
    const { input, say } = this.#run;
    const { policy, stateDirectory } = this.#config;
    const keep = async (pin: Uint8Array): Promise<T> => {
      this.#pin ??= Uint8Array.from(pin);
      return use(pin);
    };
    if (purpose === 'new') {
      const question = newPinQuestion(this.#surroundings.place.uri);
      return withNewPin(input, policy.pin, new PinHistory(stateDirectory), question, say, keep);
    }
    const known = { ...input, pin: input.pin ?? this.#pin };
    return withGivenPin(known, { purpose: 'your Windows Hello key', twice: false }, async (pin) => {
      const result = await use(pin);
      this.#pin ??= Uint8Array.from(pin);
      return result;
    });
  }

  async #logOutcome(outcome: ProvisioningOutcome): Promise<void> {
    if (!this.#config.policy.useCertificateForOnPremAuth) return;
    if (outcome.kind === 'waiting') {
      await this.#log.write(willRetryEvent());
      return;
    }
    const { upn } = this.#config;
    const { urls } = this.#surroundings.organization;
    await this.#log.write(
      enrollmentEvent(true, {
        upn,
        tenantId: '',
        authority: urls.registrationAuthority,
        resource: 'urn:microsoft:winhello:cert:prov:server',
        exitCode: '0',
      }),
    );
  }

  /** @returns whether there is another attempt to be made */
  async #waitForSync(attempts: number): Promise<boolean> {
    const retry = nextEnrollmentRetry(attempts);
    this.#run.say(retry.text);
    if (retry.kind === 'given-up') return false;
    await sleep(retry.delayMs);
    return true;
  }
}

/** The keys of a token have the PIN of the token, which is chosen already. */
function newPinQuestion(uri: string): { readonly purpose: string; readonly twice: boolean } {
  return pinOfNewKey(uri) === 'its own'
    ? { purpose: 'your new Windows Hello key', twice: true }
    : { purpose: 'your token', twice: false };
}
