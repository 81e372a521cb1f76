import { readFile } from 'node:fs/promises';
import type { DomainFiles } from './provision.ts';
import { runProgram } from '../run-program.ts';
import { notAvailable } from '../trial-failure.ts';

/**
 * Adds msDS-KeyCredentialLink and its back link to the schema of a domain that is not running, from Samba's own copy of
 * Microsoft's schema of 2016, which this version of Samba does not provision.
 */
export async function addKeyCredentialLink({
  samDatabase,
  configFile,
  baseDn,
}: Pick<DomainFiles, 'samDatabase' | 'configFile' | 'baseDn'>): Promise<void> {
  const attributes = new TextDecoder('windows-1252').decode(await readFile(attributes2016));
  const records = attributes
    .split(/\r?\n\r?\n/u)
    .filter((record) => /^dn: CN=ms-DS-Key-Credential-Link(?:-BL)?,/u.test(record))
    .map((record) => record.replaceAll('\r\n', '\n').replaceAll('DC=X', baseDn));
  if (records.length !== 2) {
    throw notAvailable(
      `${attributes2016} has ${records.length} of the 2 attributes for keys`,
      'Take a version of Samba that brings the schema of Windows Server 2016 (4.11 or newer).',
    );
  }
  // One after the other: a class can only name an attribute that the schema has already.
  for (const changes of [
    records.join('\n\n'),
    mayContain(baseDn, 'User', 'msDS-KeyCredentialLink'),
    mayContain(baseDn, 'Top', 'msDS-KeyCredentialLink-BL'),
  ]) {
    const permission = '--option=dsdb:schema update allowed=true';
    const options = [`--configfile=${configFile}`, permission, '-H', samDatabase];
    await runProgram('ldbmodify', options, { input: `${changes}\n` });
  }
}

/** Samba's own copy of what Microsoft publishes. */
export const attributes2016 = '/usr/share/samba/setup/ad-schema/AD_DS_Attributes__Windows_Server_2016.ldf';

function mayContain(baseDn: string, className: string, attribute: string): string {
  return [
    `dn: CN=${className},CN=Schema,CN=Configuration,${baseDn}`,
    'changetype: modify',
    'add: mayContain',
    `mayContain: ${attribute}`,
  ].join('\n');
}
