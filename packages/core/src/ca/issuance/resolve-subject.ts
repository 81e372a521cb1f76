import type { Directory, DirectoryUser } from '../../directory/directory.ts';
import { CountersignError } from '../../errors.ts';

/**
 * requestername selects the directory object (MS-WCCE 3.2.2.6.2.1.4.5); what the request says of itself does not.
 * @param account `DOMAIN\\name`
 * @throws CountersignError `USER_NOT_FOUND`
 */
export async function resolveSubject(directory: Directory, account: string): Promise<DirectoryUser> {
  const user = await directory.findByAccount(account);
  if (user !== undefined) return user;
  throw new CountersignError(
    'USER_NOT_FOUND',
    `the directory has no account ${account}`,
    'Check that RA and CA use the same directory.',
    { adcs: 'ERROR_NO_SUCH_USER' },
  );
}
