import { join } from 'node:path';
import { Name, type Certificate, type KeyAlgorithm } from '@countersign/core';
import { createFileDirectory, openFileDirectory } from '@countersign/hello';
import { initCa } from '../authorities/ca-state.ts';
import { initRa } from '../authorities/ra-state.ts';
import { initSite } from '../site/init-site.ts';
import { demoUser, type DemoUser } from './demo-user.ts';
import { useDomainAsDirectory } from './domain-directory.ts';
import { startDemoDomain, type DemoDomain } from './full/start-demo-domain.ts';
import type { RunStep } from './run-demo.ts';

export interface DemoOrganization {
  readonly user: DemoUser;
  /** Runs until it is stopped; undefined where the embedded directory serves. */
  readonly domain: DemoDomain | undefined;
  readonly caCertificate: Certificate;
  readonly raCertificate: Certificate;
}

/** Where the parts of a demonstration's organization lie, below its state. */
export function placesIn(state: string) {
  return {
    directory: join(state, 'directory'),
    cloud: join(state, 'cloud'),
    ca: join(state, 'ca'),
    ra: join(state, 'ra'),
    site: join(state, 'site'),
    /** What `countersign provision --config` takes. */
    settings: join(state, 'hello.json'),
  } as const;
}

export interface OrganizationOptions {
  readonly algorithm: KeyAlgorithm;
  readonly endorsementRoots: string | undefined;
  /** Whether an Active Directory domain is the directory on premises. */
  readonly hasDomain: boolean;
  /** Told of the domain as soon as it runs, so that it can be stopped whatever follows. */
  readonly onDomain: (domain: DemoDomain) => void;
}

/** Everything that has to be there before a user can be provisioned. */
export async function setUpOrganization(
  state: string,
  { algorithm, endorsementRoots, hasDomain, onDomain }: OrganizationOptions,
  runStep: RunStep,
): Promise<DemoOrganization> {
  const { directory, cloud, ca, ra, site } = placesIn(state);
  await createFileDirectory(directory);
  const caCertificate = await runStep('ca', 'A certification authority starts', async (did) => {
    const { certificate } = await initCa(ca, {
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
  const domain = hasDomain
    ? await runStep('domain', 'An Active Directory domain starts, with a KDC', async (did) => {
        const started = await startDemoDomain(ca, { upn: demoUser.upn, commonName: 'Alice Example' }, did);
        onDomain(started);
        await useDomainAsDirectory(directory, started);
        return started;
      })
    : undefined;
  const user = domain?.user ?? demoUser;
  await runStep('directory', 'Two directories know the user: in the cloud, and on premises', async (did) => {
    await (await createFileDirectory(cloud)).addUser(user);
    if (domain === undefined) await (await openFileDirectory(directory)).addUser(user);
    did(`${user.upn}, ${user.account}`);
    did(user.sid);
  });
  const raCertificate = await runStep(
    'ra',
    'A registration authority gets its enrollment agent certificate',
    async (did) => {
      const certificate = await initRa(ra, {
        ca,
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
  await runStep('site', 'The services get their keys and TLS certificate', async (did) => {
    await initSite(site, { ca, ra, raPin: {}, cloud, synchronousEnrollment: true, syncIntervalMinutes: 30 });
    did('identity, key registration (MS-KPP), RA (MS-OAPXBC); key receipts let keys in before their sync');
  });
  return { user, domain, caCertificate, raCertificate };
}
