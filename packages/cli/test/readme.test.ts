import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { authenticatorCode } from '@countersign/hello';
import { expect, test } from 'vitest';
import { emptySite } from './enrollment-site.ts';
import { requestByOpenssl } from './openssl.ts';
import { organization } from './provisioning/organization.ts';
import { childEnvironment, onSources, parseJson, textIn } from './run-countersign.ts';

test('the walk in the README works, line by line', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const walk = /```sh\n(.+?)```/s.exec(readme)?.[1] ?? '';
  expect(walk.match(/^countersign /gm)?.length).toBeGreaterThanOrEqual(10);
  const site = await emptySite();
  try {
    const bin = join(site.path, 'bin');
    await mkdir(bin);
    const words = [process.execPath, ...onSources].map((word) => `'${word}'`).join(' ');
    await writeFile(join(bin, 'countersign'), `#!/bin/sh\nexec ${words} "$@"\n`);
    await chmod(join(bin, 'countersign'), 0o755);
    // CA and RA are to make their own PINs, so the user's is there for the two commands that ask for it.
    const script = walk.replaceAll(
      /^countersign (?:key generate|request create) /gm,
      'COUNTERSIGN_PIN=482913 $&',
    );
    const { stdout } = await promisify(execFile)('/bin/sh', ['-euc', script], {
      cwd: site.path,
      env: childEnvironment({
        PATH: `${bin}:${process.env['PATH'] ?? ''}`,
        XDG_STATE_HOME: join(site.path, 'state'),
      }),
    });
    expect(stdout).toContain('certificate.pem: OK\n');
    expect(stdout).toMatch(/^revoked [0-9a-f]+ \(keyCompromise\)$/m);
    expect(stdout).toMatch(/^audit trail +whole$/m);
  } finally {
    await site.remove();
  }
});

test('so does the walk through provisioning', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const walk = /## Provisioning a user.+?```sh\n(.+?)```/s.exec(readme)?.[1] ?? '';
  const at = await organization();
  try {
    const commands = walk.match(/^countersign .+?(?:[^\\]$)/gms) ?? [];
    expect(commands.length).toBe(7);
    const settings = /^\{ "format".+?\}$(?=\nEND)/ms.exec(walk)?.[0] ?? '';
    await writeFile(join(at.path, 'hello.json'), settings);
    // The organization of the tests has cloud and site already: Alice joins it.
    const [addUser = '', , joinSite = '', authenticator = '', prereq = '', provision = ''] = commands.map(
      (line) => line.replace(/ +#.*/, '').replace('countersign ', ''),
    );
    for (const directory of ['cloud', 'dir']) {
      await at.runJson(wordsOf(addUser.replace('--dir cloud', `--dir ${directory}`)));
    }
    await at.runJson(wordsOf(joinSite));
    const uri = textIn(await at.runJson(wordsOf(authenticator)), 'uri');
    const prereqs = await at.run([...wordsOf(prereq), '--json'], { SSH_CONNECTION: '' });
    expect(parseJson(prereqs.stdout)).toMatchObject({ result: 'WillProvision' });
    await writeFile(join(at.path, 'code'), authenticatorCode(uri, new Date()));
    const run = [...wordsOf(provision), '--pin-file', 'pin', '--code-file', 'code'];
    expect(await at.runJson(run)).toMatchObject({ kind: 'complete' });
  } finally {
    await at.remove();
  }
});

function wordsOf(command: string): string[] {
  const words = command.replaceAll('\\\n', ' ').match(/'[^']*'|\S+/g) ?? [];
  return words.map((word) => word.replaceAll("'", ''));
}

test('the error in the README is one that the command gives', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const document = parseJson(/```json\n(.+?)```/s.exec(readme)?.[1] ?? '');
  const site = await emptySite();
  try {
    const user = [
      '--upn',
      'alice@contoso.test',
      '--sid',
      'S-1-5-21-1-2-3-1104',
      '--dn',
      'CN=Alice,DC=contoso',
    ];
    await site.runJson(['directory', 'add', '--dir', 'dir', ...user, '--account', String.raw`CONTOSO\alice`]);
    await site.runJson(['ca', 'init', '--dir', 'ca', '--directory', 'dir']);
    await site.runJson(['ra', 'init', '--dir', 'ra', '--ca', 'ca']);
    await requestByOpenssl(site.path, 'r');
    const countersign = [
      '--request',
      'r.pem',
      '--requester',
      'alice@contoso.test',
      '--out',
      'r.cms',
      '--json',
    ];
    const { stdout } = await site.run(['ra', 'countersign', '--dir', 'ra', ...countersign]);
    const given = stdout.replace(/SHA-256 (.{4})[0-9a-f]+/, 'SHA-256 5bef…');
    expect(parseJson(given)).toEqual(document);
  } finally {
    await site.remove();
  }
});
