import { runProgram } from '../run-program.ts';

/** A database of Samba, which ldb's tools read and write beside the server, with all rights and no LDAP between. */
export interface LdbDatabase {
  readonly samDatabase: string;
  readonly configFile: string;
}

/** @returns what the tool wrote. @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE` */
export async function ldb(
  { samDatabase, configFile }: LdbDatabase,
  tool: 'ldbadd' | 'ldbmodify' | 'ldbsearch',
  args: readonly string[],
  ldif = '',
): Promise<string> {
  const options = [`--configfile=${configFile}`, '-H', samDatabase, ...args];
  const { stdout } = await runProgram(tool, options, { input: `${ldif}\n` });
  return stdout;
}

/** All values of an attribute of an entry, sorted, as they stand in the database. */
export async function ldbValues(
  database: LdbDatabase,
  distinguishedName: string,
  attribute: string,
): Promise<string[]> {
  const ldif = await ldb(database, 'ldbsearch', ['-b', distinguishedName, '-s', 'base', attribute]);
  const lines = ldif.replaceAll('\n ', '').split('\n');
  return lines.flatMap((line) => valueIn(line, attribute)).sort();
}

/** Adds values beside those that are there. */
export async function ldbAddValues(
  database: LdbDatabase,
  distinguishedName: string,
  attribute: string,
  values: readonly string[],
): Promise<void> {
  const lines = values.map((value) => `${attribute}:: ${base64(value)}`);
  const record = [`dn:: ${base64(distinguishedName)}`, 'changetype: modify', `add: ${attribute}`, ...lines];
  await ldb(database, 'ldbmodify', [], record.join('\n'));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** RFC 2849: text after one colon, base64 after two. */
function valueIn(line: string, attribute: string): string[] {
  if (line.startsWith(`${attribute}:: `)) {
    return [Buffer.from(line.slice(attribute.length + 3), 'base64').toString('utf8')];
  }
  return line.startsWith(`${attribute}: `) ? [line.slice(attribute.length + 2)] : [];
}
