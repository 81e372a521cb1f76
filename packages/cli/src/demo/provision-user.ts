import {
  Certificate,
  CountersignError,
  parseCertificatePolicies,
  type KeyAlgorithm,
} from '@countersign/core';
import { authenticatorCode, type ProvisioningStep } from '@countersign/hello';
import { writeFileAtomic } from '@countersign/state';
import { joinDevice } from '../provisioning/device.ts';
import { readHelloConfig, type HelloConfig } from '../provisioning/hello-config.ts';
import { runProvisioning } from '../provisioning/run-provisioning.ts';
import { openSite } from '../site/run-site.ts';
import type { DemoUser } from './demo-user.ts';
import type { StepLog } from './run-demo.ts';
import { placesIn } from './set-up-organization.ts';
import type { UserKeys } from './user-keys.ts';

export interface ProvisionedUser {
  readonly config: HelloConfig;
  /** DER. */
  readonly request: Uint8Array;
  /** DER. */
  readonly countersigned: Uint8Array;
  readonly certificate: Certificate;
  /** Reference of the user's key. */
  readonly keyRef: string;
}

/** Provisions the demonstration's user as `countersign provision` does, with settings that it leaves in a file. */
export async function provisionUser(
  state: string,
  user: DemoUser,
  algorithm: KeyAlgorithm,
  keys: UserKeys,
  pin: Uint8Array,
  log: StepLog,
): Promise<ProvisionedUser> {
  const { site, settings } = placesIn(state);
  await writeFileAtomic(settings, formatSettings(user, keys, algorithm), { mode: 0o644 });
  const config = await readHelloConfig(settings);
  const authenticator = await log.runStep(
    'device',
    'The device joins, the user gets an authenticator',
    async (did) => {
      const { devices, verifier } = await openSite(site);
      const { deviceId } = await joinDevice(config.stateDirectory, devices);
      did(`device ${deviceId}, whose key signs all that it asks for`);
      did('TOTP (RFC 6238), each code good once');
      return verifier.enroll(user.upn);
    },
  );
  const told = new ProvisioningSteps(log, user, keys);
  let countersigned: Uint8Array | undefined;
  const { record } = await runProvisioning(config, {
    caPin: {},
    raPin: {},
    input: { pin },
    waits: false,
    tell: (step, what) => {
      told.add(step, what);
    },
    say: (line) => {
      told.note(line);
    },
    secondFactor: async () => Buffer.from(authenticatorCode(authenticator, new Date())),
    onCountersigned: ({ der }) => {
      countersigned = der;
    },
  });
  const { request, certificate: der, keyRef } = record ?? {};
  if (request === undefined || der === undefined || keyRef === undefined || countersigned === undefined) {
    throw new CountersignError(
      'SERVICE_REFUSED',
      'provisioning ended without a certificate',
      'This is a defect of the demonstration; please report it.',
    );
  }
  const certificate = Certificate.parse(der);
  for (const line of describeCertificate(certificate)) told.note(line);
  told.end();
  return { config, request, countersigned, certificate, keyRef };
}

function formatSettings({ upn }: DemoUser, { uri, isSecurityDevice }: UserKeys, algorithm: string): string {
  const settings = {
    format: 'countersign-hello',
    version: 1,
    upn,
    stateDirectory: 'hello',
    keys: { [isSecurityDevice ? 'securityDevice' : 'software']: uri, algorithm },
    policy: {
      requireSecurityDevice: isSecurityDevice,
      // Broader than Windows's own, so that people can try PINs of their own.
      pin: {
        minimumPinLength: 4,
        lowercaseLetters: 'allow',
        uppercaseLetters: 'allow',
        specialCharacters: 'allow',
      },
    },
    services: { site: 'site' },
    // Whoever looks at a demonstration over SSH is to see it all the same.
    facts: { isSessionNotRemote: true },
  };
  return `${JSON.stringify(settings, null, 2)}\n`;
}

const titles: Readonly<Record<ProvisioningStep, readonly [name: string, title: string]>> = {
  prerequisites: ['prereq', 'The prerequisites are checked'],
  mfa: ['mfa', 'The user gives a second factor over HTTPS'],
  key: ['key', 'A key pair is born, guarded by a PIN that obeys the policy'],
  registration: ['register', 'The public key is registered in the cloud over HTTPS'],
  request: ['request', 'The key signs a certification request (PKCS#10)'],
  enrollment: ['enroll', 'The RA countersigns it, asked over HTTPS, and the CA issues'],
  certificate: ['install', "The certificate goes into the user's store, beside its key"],
};

/** Turns what provisioning tells into steps of the demonstration: one ends when the next begins. */
class ProvisioningSteps {
  readonly #log: StepLog;
  readonly #user: DemoUser;
  readonly #keys: UserKeys;
  #current: { readonly step: ProvisioningStep; readonly did: string[]; durationMs: number } | undefined;
  #toldAtMs = performance.now();

  constructor(log: StepLog, user: DemoUser, keys: UserKeys) {
    this.#log = log;
    this.#user = user;
    this.#keys = keys;
  }

  /** What is told is done: the time since what was told before is what it took. */
  add(step: ProvisioningStep, what: string): void {
    if (this.#current !== undefined && this.#current.step !== step) this.end();
    this.#current ??= { step, did: [], durationMs: 0 };
    this.#current.did.push(...this.#explain(step, what));
    const now = performance.now();
    this.#current.durationMs += now - this.#toldAtMs;
    this.#toldAtMs = now;
  }

  note(line: string): void {
    this.#current?.did.push(line);
  }

  end(): void {
    if (this.#current === undefined) return;
    const { step, did, durationMs } = this.#current;
    const [name, title] = titles[step];
    this.#log.record({ name, title, did, durationMs: Math.round(durationMs) });
    this.#current = undefined;
  }

  #explain(step: ProvisioningStep, what: string): readonly string[] {
    const { description, endorsementRoots } = this.#keys;
    switch (step) {
      case 'key':
        return [what.replace(/\?.*/, ''), `${description}; state: pre-activation`];
      case 'request':
        return endorsementRoots === undefined
          ? [what]
          : [
              what,
              'with evidence: the attestation key answered a challenge that only this TPM could, and certified the key over a nonce',
            ];
      case 'enrollment':
        return [
          what,
          'RA: proof of possession, and that the key is the one registered for the user',
          `RA to CA: CMS SignedData around the request, requestername ${this.#user.account}`,
          "CA: the agent's signature, certificate, purpose and standing; the user comes from the directory",
        ];
      case 'prerequisites':
      case 'mfa':
      case 'registration':
      case 'certificate':
        return [what];
    }
  }
}

/** What the certificate says of itself. */
function describeCertificate(certificate: Certificate): readonly string[] {
  const policies = certificate.extension('2.5.29.32');
  return [
    `${certificate.subject.toString()}, serial ${certificate.serialNumber}`,
    `valid to ${certificate.notAfter.toISOString()}`,
    ...(policies === undefined
      ? []
      : [`issuance policies ${parseCertificatePolicies(policies).join(', ')}: attested`]),
  ];
}
