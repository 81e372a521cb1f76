import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoUser } from '../../src/demo/demo-user.ts';
import { signInToRealm } from '../../src/demo/full/sign-in-to-realm.ts';
import { startDemoKdc, type DemoKdc } from '../../src/demo/full/start-demo-kdc.ts';
import { demoProviders } from '../../src/demo/user-keys.ts';
import { temporaryDirectory } from '../temporary-directory.ts';
import {
  signInSite,
  tokenForServices,
  unlocked,
  userKeys,
  type SignInSite,
  type UserKeys,
} from './sign-in-site.ts';

/** One place for keys of each kind, for all tests. */
const places = new Map<string, UserKeys>();
let folder: string;
let removeFolder: () => Promise<void>;

beforeAll(async () => {
  ({ path: folder, remove: removeFolder } = await temporaryDirectory());
  for (const name of demoProviders) places.set(name, await userKeys(name, join(folder, name)));
});

afterAll(async () => {
  for (const keys of places.values()) await keys.close();
  await removeFolder();
});

describe.each(['rsa2048', 'p256'] as const)(
  'a KDC of MIT Kerberos, with users and a CA of %s',
  (algorithm) => {
    let site: SignInSite;
    let realm: DemoKdc;
    const started: string[] = [];

    beforeAll(async () => {
      site = await signInSite(join(folder, algorithm), {
        algorithm,
        provider: await tokenForServices(folder),
        endorsementRoots: places.get('tpm')?.endorsementRoots,
      });
      await site.addUser(demoUser);
      realm = await startDemoKdc(site.ca, demoUser.upn, (line) => started.push(line));
    });

    afterAll(async () => realm?.stop());

    test('starts with a certificate of the CA', () => {
      expect(started.join('\n')).toMatch(/MIT Kerberos 5 version 1\.\d+.*\n.*certificate is of the CA/u);
    });

    test.each(demoProviders)('lets in a key of the provider %s, and gives a service ticket', async (name) => {
      const keys = places.get(name);
      if (keys === undefined) throw new Error(`there are no keys of ${name}`);
      const enrolled = await site.enroll(keys, demoUser.upn, algorithm);
      const cacheFile = join(folder, `${name}-${algorithm}.cache`);
      const did: string[] = [];
      const outcome = await signInToRealm(
        realm,
        {
          key: await unlocked(enrolled),
          certificate: enrolled.certificate,
          trustAnchors: [site.caCertificate],
          cacheFile,
        },
        (line) => did.push(line),
      );
      expect(outcome).toMatchObject({ signedIn: true, client: demoUser.upn });
      expect(did).toContain('kvno: ldap/dc.contoso.test@CONTOSO.TEST: kvno = 1');
      expect(did).toContain('klist: krbtgt/CONTOSO.TEST@CONTOSO.TEST, ldap/dc.contoso.test@CONTOSO.TEST');
      expect((await readFile(cacheFile)).length).toBeGreaterThan(500);
    });
  },
);
