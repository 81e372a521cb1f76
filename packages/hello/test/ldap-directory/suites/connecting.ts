import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LdapDirectory, type LdapDirectoryOptions } from '@countersign/hello/ldap-directory';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { newPublicKey } from '../../people.ts';
import { refusal } from '../../refusal.ts';
import { type SambaDomain, makeTlsCertificates } from '@countersign/hello/trial-domain';
import { temporaryDirectory } from '../../temporary-directory.ts';
import { newName, openDirectory, optionsFor } from './open-directory.ts';

export function connecting(domain: () => SambaDomain): void {
  describe('a directory is opened', () => {
    test('with a password from a file, which is read again for each connection', async () => {
      const file = join(await temporaryDirectory(), 'password');
      await writeFile(file, `${domain().admin.password}\n`, { mode: 0o600 });
      const { upn } = await domain().addUser({ name: newName() });
      const directory = await openDirectory(domain(), {
        bind: { name: domain().admin.name, password: { file } },
      });
      expect(await directory.findByUpn(upn)).toMatchObject({ upn });
      await rm(file);
      expect(await directory.findByUpn(upn)).toMatchObject({ upn });
      await domain().restart();
      await refusal(directory.findByUpn(upn), 'FILE_UNREADABLE');
      await writeFile(file, domain().admin.password);
      expect(await directory.findByUpn(upn)).toMatchObject({ upn });
    });

    test('with a password in memory, of which the caller may wipe its own copy', async () => {
      const options = await optionsFor(domain());
      const password = Buffer.from(domain().admin.password);
      const directory = await openDirectory(domain(), { bind: { ...options.bind, password } });
      password.fill(0);
      const { upn } = await domain().addUser({ name: newName() });
      await domain().restart();
      expect(await directory.findByUpn(upn)).toMatchObject({ upn });
    });

    test('and closed: then it answers no more, however often it is closed', async () => {
      const directory = await LdapDirectory.open(await optionsFor(domain()));
      await directory.close();
      await directory.close();
      const error = await refusal(directory.findByUpn('nobody@contoso.test'), 'DIRECTORY_UNREACHABLE');
      expect(error.message).toContain('closed');
    });
  });

  describe('a directory is not opened', () => {
    test('whose certificate comes from another CA, whatever the environment says', async () => {
      const { caFile } = await makeTlsCertificates(await temporaryDirectory());
      const other = { ...domain(), caFile };
      const options = await optionsFor(other);
      await refusal(LdapDirectory.open(options), 'CERTIFICATE_NOT_TRUSTED');
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
      onTestFinished(() => void vi.unstubAllEnvs());
      await refusal(LdapDirectory.open(options), 'CERTIFICATE_NOT_TRUSTED');
    });

    test('whose certificate has another name', async () => {
      const options = { ...(await optionsFor(domain())), url: 'ldaps://[::1]:636' };
      const error = await refusal(LdapDirectory.open(options), 'CERTIFICATE_NOT_TRUSTED');
      expect(error.message).toContain('::1');
    });

    test('with a wrong password, which no error repeats', async () => {
      const options = await optionsFor(domain());
      const password = Buffer.from('not the password of anybody');
      const error = await refusal(
        LdapDirectory.open({ ...options, bind: { ...options.bind, password } }),
        'DIRECTORY_REFUSED',
      );
      expect(error.message).toContain('invalidCredentials (49)');
      expect(error.hint).toContain('password');
      expect(`${error.message}${error.hint}${error.stack}${String(error.cause)}`).not.toContain('of anybody');
    });

    test.each<[string, Partial<LdapDirectoryOptions>]>([
      ['without TLS', { url: 'ldap://127.0.0.1:389' }],
      ['by a URL with more in it', { url: 'ldaps://user@127.0.0.1:636' }],
      ['by a URL with a path', { url: 'ldaps://127.0.0.1/DC=contoso' }],
      ['at an impossible port', { url: 'ldaps://127.0.0.1:70000' }],
      ['with no CA to trust', { certificateAuthorities: [] }],
      ['without a name', { bind: { name: '', password: Buffer.from('x') } }],
    ])('%s', async (_, changes) => {
      const options = { ...(await optionsFor(domain())), ...changes };
      await refusal(LdapDirectory.open(options), 'VALUE_OUT_OF_RANGE');
    });

    test('without a password, which would authenticate nobody and succeed', async () => {
      const options = await optionsFor(domain());
      const file = join(await temporaryDirectory(), 'password');
      await writeFile(file, '\n');
      for (const password of [new Uint8Array(), { file }]) {
        const bind = { ...options.bind, password };
        const error = await refusal(LdapDirectory.open({ ...options, bind }), 'DIRECTORY_REFUSED');
        expect(error.message).toContain('empty');
      }
    });

    test('with a file that has more than a password, or is missing', async () => {
      const options = await optionsFor(domain());
      const folder = await temporaryDirectory();
      const file = join(folder, 'password');
      await writeFile(file, `${domain().admin.password}\nand more\n`);
      for (const path of [file, join(folder, 'missing')]) {
        const bind = { ...options.bind, password: { file: path } };
        await refusal(LdapDirectory.open({ ...options, bind }), 'FILE_UNREADABLE');
      }
    });

    test('with something else for the certificate of a CA', async () => {
      const options = await optionsFor(domain());
      const certificateAuthorities = [Buffer.from('-----BEGIN NOTHING-----')];
      await refusal(LdapDirectory.open({ ...options, certificateAuthorities }), 'PEM_MALFORMED');
    });
  });

  test('an account without the right to may not register a key', async () => {
    const password = `Pa55-${newName()}-word`;
    const user = await domain().addUser({ name: newName(), password });
    const directory = await openDirectory(domain(), {
      bind: { name: user.upn, password: Buffer.from(password) },
    });
    const other = await domain().addUser({ name: newName() });
    const error = await refusal(directory.registerKey(other.upn, newPublicKey()), 'DIRECTORY_REFUSED');
    expect(error.message).toContain('insufficientAccessRights (50)');
    expect((await directory.findByUpn(other.upn))?.keyCredentials).toEqual([]);
  });
}
