import { Command } from '@commander-js/extra-typings';
import { CountersignError, encodePem, type DirectoryUser } from '@countersign/core';
import {
  createFileDirectory,
  openFileDirectory,
  requireWellFormed,
  type FileDirectory,
  type NewDirectoryUser,
} from '@countersign/hello';
import { readPublicKeyFile } from '../files/input-files.ts';
import { report, table } from '../terminal/report.ts';

export function directoryCommand(): Command {
  const directory = new Command('directory');
  directory
    .command('add')
    .description('add a user, or a group or a key to one')
    .requiredOption('--dir <dir>', 'the directory; made if it is not there')
    .requiredOption('--upn <upn>', 'user principal name, such as alice@contoso.test')
    .option('--sid <sid>', 'security identifier, such as S-1-5-21-1-2-3-1104')
    .option('--dn <dn>', 'distinguished name (RFC 4514)')
    .option('--account <account>', 'down-level logon name, DOMAIN\\name')
    .option(
      '--group <sid>',
      'SID of a group that the user is in; may be given again',
      (sid: string, sids: readonly string[]) => [...sids, sid],
      [] as readonly string[],
    )
    .option('--key <file>', 'register the public key in this request, certificate or public key (PEM or DER)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ countersign directory add --dir dir --upn alice@contoso.test --sid S-1-5-21-1-2-3-1104 \\
      --dn CN=Alice,OU=Users,DC=contoso,DC=test --account 'CONTOSO\\alice'
  $ countersign directory add --dir dir --upn alice@contoso.test --key request.pem`,
    )
    .action((options) =>
      report(options, async () => {
        // Everything is looked at before anything is written: a refusal must not leave a half-made user.
        const publicKey = options.key === undefined ? undefined : await readPublicKeyFile(options.key);
        const found = await openIfThere(options.dir);
        const existing = await found?.findByUpn(options.upn);
        const newUser = existing === undefined ? completeUser(options) : undefined;
        if (existing !== undefined) assertAgrees(existing, options);
        if (found !== undefined && publicKey !== undefined) {
          await assertNotAnothers(found, options.upn, publicKey.keyId);
        }
        const opened = found ?? (await createFileDirectory(options.dir));
        if (newUser !== undefined) await opened.addUser(newUser);
        else if (options.group.length > 0) await opened.addToGroups(options.upn, options.group);
        if (publicKey !== undefined) await opened.registerKey(options.upn, publicKey.subjectPublicKeyInfo);
        const user = await findUser(opened, options.upn);
        return { text: userText(user), json: userJson(user) };
      }),
    );
  directory
    .command('show')
    .description('print the users and their registered keys')
    .requiredOption('--dir <dir>', 'the directory')
    .option('--upn <upn>', 'this user only')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ countersign directory show --dir dir --upn alice@contoso.test')
    .action((options) =>
      report(options, async () => {
        const opened = await openFileDirectory(options.dir);
        const users = options.upn === undefined ? await opened.list() : [await findUser(opened, options.upn)];
        return { text: users.map(userText).join('\n'), json: { users: users.map(userJson) } };
      }),
    );
  return directory;
}

async function openIfThere(dir: string): Promise<FileDirectory | undefined> {
  try {
    return await openFileDirectory(dir);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'STATE_MISSING') return undefined;
    throw error;
  }
}

interface UserOptions {
  readonly upn: string;
  readonly sid?: string | undefined;
  readonly dn?: string | undefined;
  readonly account?: string | undefined;
  readonly group: readonly string[];
}

function completeUser({ upn, sid, dn, account, group }: UserOptions): NewDirectoryUser {
  if (sid === undefined || dn === undefined || account === undefined) throw incomplete(upn);
  const user = { upn, sid, distinguishedName: dn, account, groups: group };
  requireWellFormed(user);
  return user;
}

/** A user who is there already stays as it is: what is given must agree with it. */
function assertAgrees(existing: DirectoryUser, { sid, dn, account }: UserOptions): void {
  const differing = [
    ['--sid', sid, existing.sid],
    ['--dn', dn, existing.distinguishedName],
    ['--account', account, existing.account],
  ].find(([, given, found]) => given !== undefined && given.toLowerCase() !== found?.toLowerCase());
  if (differing === undefined) return;
  const [option, given, found] = differing;
  throw new CountersignError(
    'USER_EXISTS',
    `${existing.upn} is in the directory with ${option} ${found}; ${given} was given`,
    'Leave the option out to register a key for the user as it is, or give another UPN.',
  );
}

async function assertNotAnothers(directory: FileDirectory, upn: string, keyId: string): Promise<void> {
  const owner = (await directory.list()).find(({ keyCredentials }) =>
    keyCredentials.some((credential) => credential.keyId === keyId),
  );
  if (owner === undefined || owner.upn.toLowerCase() === upn.toLowerCase()) return;
  throw new CountersignError(
    'KEY_REGISTERED_TO_ANOTHER',
    `the key ${keyId} is registered for ${owner.upn}`,
    'Generate a key pair for this user: a key stands for one person.',
  );
}

async function findUser(directory: FileDirectory, upn: string): Promise<DirectoryUser> {
  const user = await directory.findByUpn(upn);
  if (user === undefined) throw unknownUser(upn);
  return user;
}

function userText(user: DirectoryUser): string {
  return table([
    ['user', user.upn],
    ['SID', user.sid],
    ['name', user.distinguishedName],
    ['account', user.account],
    ...user.groups.map((sid) => ['group', sid] as const),
    ...user.keyCredentials.map(
      ({ keyId, registeredAt }) =>
        ['key', `SHA-256 ${keyId}, registered ${registeredAt.toISOString()}`] as const,
    ),
  ]);
}

function userJson(user: DirectoryUser): unknown {
  return {
    ...user,
    keyCredentials: user.keyCredentials.map(({ keyId, publicKey, registeredAt }) => ({
      keyId,
      publicKey: encodePem('PUBLIC KEY', publicKey),
      registeredAt: registeredAt.toISOString(),
    })),
  };
}

function incomplete(upn: string): CountersignError {
  return new CountersignError(
    'USER_MALFORMED',
    `the directory has no user ${upn}, and to add one --sid, --dn and --account are all needed`,
    "Give all three, for example --sid S-1-5-21-1-2-3-1104 --dn CN=Alice,DC=contoso,DC=test --account 'CONTOSO\\alice'",
  );
}

function unknownUser(upn: string): CountersignError {
  return new CountersignError(
    'USER_NOT_FOUND',
    `the directory has no user ${upn}`,
    'List the users: countersign directory show --dir DIR',
  );
}
