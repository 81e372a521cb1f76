import { randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import {
  CountersignError,
  createCertificationRequest,
  isPinProtected,
  KeyCustody,
  Name,
  parseCertificatePolicies,
  preferredScheme,
  subjectAltName,
  userPrincipalName,
  verifyAuditChain,
  verifySignature,
  type Certificate,
} from '@countersign/core';
import { createFileDirectory, openFileDirectory } from '@countersign/hello';
import { FileKeyRecords } from '@countersign/state';
import { attestKey } from '../authorities/attest-key.ts';
import { initCa, withCa, withLedger } from '../authorities/ca-state.ts';
import { initRa, withRa } from '../authorities/ra-state.ts';
import { readPinFile, pinFromEnvironment } from '../terminal/pin.ts';
import { demoUser } from './demo-user.ts';
import type { DemoOptions, RunStep } from './run-demo.ts';
import { openUserKeys, type DemoProvider, type UserKeys } from './user-keys.ts';

export interface Enrolled {
  readonly caCertificate: Certificate;
  readonly raCertificate: Certificate;
  /** DER. */
  readonly request: Uint8Array;
  /** DER. */
  readonly countersigned: Uint8Array;
  readonly certificate: Certificate;
  /** Reference of the user's key. */
  readonly keyRef: string;
  /** Commands of other programs that see the user's key. */
  readonly seenBy: readonly string[];
}

/** The flow from an empty directory to a certificate that was used, each station as the commands run it. */
export async function enroll(
  state: string,
  provider: DemoProvider,
  options: DemoOptions,
  runStep: RunStep,
): Promise<Enrolled> {
  const { pin, isKnown } = await obtainPin(options);
  try {
    const keys = await openUserKeys(provider, state, pin);
    try {
      const authorities = await setUpAuthorities(state, options, keys, runStep);
      const enrolled = await enrollUser(state, options, keys, pin, runStep);
      return { ...authorities, ...enrolled, seenBy: isKnown ? keys.seenBy : [] };
    } finally {
      await keys.close();
    }
  } finally {
    pin.fill(0);
  }
}

async function setUpAuthorities(
  state: string,
  { algorithm }: DemoOptions,
  { endorsementRoots }: UserKeys,
  runStep: RunStep,
): Promise<Pick<Enrolled, 'caCertificate' | 'raCertificate'>> {
  const directory = join(state, 'directory');
  await runStep('directory', 'The directory knows the user', async (did) => {
    await (await createFileDirectory(directory)).addUser(demoUser);
    did(`${demoUser.upn}, ${demoUser.account}`);
    did(demoUser.sid);
  });
  const caCertificate = await runStep('ca', 'A certification authority starts', async (did) => {
    const { certificate } = await initCa(join(state, 'ca'), {
      directory,
      provider: 'memory:',
      subject: Name.fromString('CN=Countersign Demo CA,O=Contoso'),
      algorithm,
      publishUrl: 'http://pki.contoso.test',
      attestation: endorsementRoots === undefined ? 'off' : 'required',
      pin: { random: true },
    });
    did(`${certificate.subject.toString()}, ${certificate.publicKey.algorithm}, its ledger in SQLite`);
    if (endorsementRoots !== undefined) did('it certifies users’ keys only if a TPM proves to hold them');
    return certificate;
  });
  const raCertificate = await runStep(
    'ra',
    'A registration authority gets its enrollment agent certificate',
    async (did) => {
      const certificate = await initRa(join(state, 'ra'), {
        ca: join(state, 'ca'),
        caPin: {},
        provider: 'memory:',
        subject: Name.fromString('CN=Countersign Demo RA,O=Contoso'),
        algorithm,
        pin: { random: true },
        endorsementRoots,
      });
      did(`${certificate.subject.toString()}, serial ${certificate.serialNumber}`);
      return certificate;
    },
  );
  return { caCertificate, raCertificate };
}

async function enrollUser(
  state: string,
  { algorithm }: DemoOptions,
  { provider, description, endorsementRoots }: UserKeys,
  pin: Uint8Array,
  runStep: RunStep,
): Promise<Omit<Enrolled, 'caCertificate' | 'raCertificate' | 'seenBy'>> {
  const custody = new KeyCustody({ provider, records: new FileKeyRecords(state) });
  const key = await runStep('key', 'A key pair is born, guarded by a PIN', async (did) => {
    const born = await custody.generate({ algorithm, label: 'hello', pin });
    did(`${algorithm}: ${born.ref.replace(/\?.*/, '')}`);
    did(`${description}; state: pre-activation`);
    return born;
  });
  await runStep('register', 'The public key is registered for the user', async (did) => {
    const credential = await (
      await openFileDirectory(join(state, 'directory'))
    ).registerKey(demoUser.upn, key.publicKey);
    did(`key id: SHA-256 ${credential.keyId}`);
  });
  const attributes = await (endorsementRoots === undefined
    ? []
    : runStep('attest', 'The TPM proves to the RA that it holds the key', async (did) => {
        const { attribute, endorsementKey } = await attestKey(join(state, 'ra'), provider, key);
        const { manufacturer, model } = endorsementKey.identity ?? {};
        did(
          `endorsement key ${endorsementKey.template.name}, certified by its manufacturer: ${manufacturer} ${model}`,
        );
        did(
          'the attestation key answered a challenge that only this TPM could, and certified the key over a nonce',
        );
        return [attribute];
      }));
  const request = await runStep('request', 'The key signs a certification request (PKCS#10)', async (did) => {
    const der = await createCertificationRequest(key, {
      extensionRequests: [subjectAltName([userPrincipalName(demoUser.upn)])],
      attributes,
    });
    did(`${der.length} bytes, ${preferredScheme(key)}`);
    return der;
  });
  const countersigned = await runStep('countersign', 'The RA countersigns it', async (did) => {
    const { der } = await withRa(join(state, 'ra'), {}, (ra) => ra.countersign(request, demoUser.upn));
    did('checked: proof of possession, and that the key is the one registered for the user');
    did(`CMS SignedData around the request, requestername ${demoUser.account}`);
    return der;
  });
  const certificate = await runStep('issue', 'The CA issues', async (did) => {
    const issued = await withCa(join(state, 'ca'), { to: 'sign', pin: {} }, (ca) => ca.issue(countersigned));
    did(
      "checked: the agent's signature, certificate, purpose and standing; the user comes from the directory",
    );
    did(`${issued.subject.toString()}, serial ${issued.serialNumber}`);
    did(`valid to ${issued.notAfter.toISOString()}`);
    const policies = issued.extension('2.5.29.32');
    if (policies !== undefined)
      did(`issuance policies ${parseCertificatePolicies(policies).join(', ')}: attested`);
    return issued;
  });
  await runStep('install', "The certificate goes into the user's store, beside its key", async (did) => {
    await custody.installCertificate(key.ref, certificate.der);
    did('state of the key: active');
  });
  await runStep('use', 'The user unlocks the key with the PIN and signs a challenge', async (did) => {
    await useKey(custody, key.ref, pin, certificate);
    did('the signature verifies under the installed certificate');
  });
  await runStep('audit', "The CA's audit trail is whole", async (did) => {
    const { count } = await withLedger(join(state, 'ca'), (ledger) => verifyAuditChain(ledger.readAudit()));
    did(`${count} records, hash-chained`);
  });
  return { request, countersigned, certificate, keyRef: key.ref };
}

/** What a sign-in does with key and certificate: found again by reference, locked until the PIN comes. */
async function useKey(
  custody: KeyCustody,
  ref: string,
  pin: Uint8Array,
  certificate: Certificate,
): Promise<void> {
  const key = await custody.open(ref);
  if (isPinProtected(key)) await key.unlock(pin);
  const challenge = randomBytes(32);
  const scheme = preferredScheme(key);
  const signature = await key.sign(scheme, challenge);
  if (verifySignature(certificate.publicKey, scheme, challenge, signature)) return;
  throw new CountersignError(
    'SIGNATURE_INVALID',
    `the signature of ${ref} does not verify under the certificate ${certificate.serialNumber}`,
    'This is a defect in the key provider; please report it.',
  );
}

/** The person's own PIN if there is one to read without asking; else a random one, used and forgotten. */
async function obtainPin({ pinFile }: DemoOptions): Promise<{ pin: Uint8Array; isKnown: boolean }> {
  const given = pinFile === undefined ? pinFromEnvironment() : await readPinFile(pinFile);
  if (given !== undefined) return { pin: given, isKnown: true };
  return { pin: Buffer.from(Array.from({ length: 6 }, () => randomInt(10)).join('')), isKnown: false };
}
