import { CountersignError, Name } from '@countersign/core';

/** What every user of the directory needs, in the forms that Active Directory gives them. */
export interface NewDirectoryUser {
  /** User principal name, `user@domain` (RFC 822 without quoting), at most 1024 characters. */
  readonly upn: string;
  /** String form of the SID, `S-1-5-21-…` (MS-DTYP 2.4.2.1). */
  readonly sid: string;
  /** RFC 4514 string. */
  readonly distinguishedName: string;
  /** Down-level logon name, `DOMAIN\name`. */
  readonly account: string;
  /** SIDs of the groups that the user is in; none if absent. */
  readonly groups?: readonly string[];
}

export type UserField = Exclude<keyof NewDirectoryUser, 'groups'>;

interface UserRule {
  readonly title: string;
  readonly example: string;
  /** What is wrong with the text, or undefined if nothing is. */
  readonly defect: (text: string) => string | undefined;
}

export const userRules: Readonly<Record<UserField, UserRule>> = {
  upn: { title: 'user principal name', example: 'alice@corp.example', defect: defectOfUpn },
  sid: { title: 'SID', example: 'S-1-5-21-1004336348-1177238915-682003330-1104', defect: defectOfSid },
  distinguishedName: {
    title: 'distinguished name',
    example: 'CN=Alice,OU=Users,DC=corp,DC=example',
    defect: defectOfDistinguishedName,
  },
  account: { title: 'account', example: String.raw`CORP\alice`, defect: defectOfAccount },
};

export const userFields: readonly UserField[] = ['upn', 'sid', 'distinguishedName', 'account'];

/** @throws CountersignError `USER_MALFORMED` naming the first value that is not in its form. */
export function requireWellFormed(user: NewDirectoryUser): void {
  for (const field of userFields) {
    const { title, example, defect } = userRules[field];
    const found = defect(user[field]);
    if (found !== undefined) {
      throw new CountersignError(
        'USER_MALFORMED',
        `${JSON.stringify(user[field].slice(0, 100))} is not a ${title}: ${found}`,
        `Write it like ${example}`,
      );
    }
  }
  requireGroups(user.groups ?? []);
}

/** @throws CountersignError `USER_MALFORMED` naming the first that is no SID */
export function requireGroups(groups: readonly string[]): void {
  for (const group of groups) {
    const found = defectOfSid(group);
    if (found === undefined) continue;
    throw new CountersignError(
      'USER_MALFORMED',
      `${JSON.stringify(group.slice(0, 100))} is not the SID of a group: ${found}`,
      `Write it like S-1-5-21-1004336348-1177238915-682003330-513`,
    );
  }
}

/** The form in which two spellings of one value are the same text: Active Directory ignores case. */
export function comparable(field: UserField, text: string): string {
  return (field === 'distinguishedName' ? Name.fromString(text).toString() : text).toLowerCase();
}

function defectOfUpn(upn: string): string | undefined {
  if (upn.length > 1024) {
    return `it has ${upn.length} characters, at most 1024 are allowed`;
  }
  const [user = '', domain = '', ...more] = upn.split('@');
  if (!upn.includes('@') || more.length > 0) {
    return `it has ${upn.split('@').length - 1} "@", exactly one is needed`;
  }
  return (
    defectOfDottedWords('the part before "@"', user) ?? defectOfDottedWords('the part after "@"', domain)
  );
}

/** RFC 822 6.1: words with dots between them; quoted words are not taken. */
function defectOfDottedWords(name: string, text: string): string | undefined {
  if (text.split('.').includes('')) {
    return `${name} is empty or has a dot at an end or beside another`;
  }
  return defectOfCharacters(name, text, /[\s\p{C}()<>,;:\\"[\]]/u);
}

/** MS-DTYP 2.4.2.1, with the authority (48 bits) in decimal as Windows writes it. */
function defectOfSid(sid: string): string | undefined {
  const [prefix, revision, authority, ...subAuthorities] = sid.split('-');
  if (prefix !== 'S' || revision !== '1') {
    return 'it does not start with "S-1-"';
  }
  if (authority === undefined || !isDecimalBelow(2n ** 48n, authority)) {
    return 'the authority after "S-1-" is not a decimal number below 2^48 without leading zeros';
  }
  if (subAuthorities.length < 1 || subAuthorities.length > 15) {
    return `it has ${subAuthorities.length} subauthorities, 1 to 15 are allowed`;
  }
  return subAuthorities.every((number) => isDecimalBelow(2n ** 32n, number))
    ? undefined
    : 'a subauthority is not a decimal number below 2^32 without leading zeros';
}

function isDecimalBelow(limit: bigint, text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,14})$/u.test(text) && BigInt(text) < limit;
}

function defectOfDistinguishedName(text: string): string | undefined {
  if (text === '') {
    return 'it is empty';
  }
  if (/\p{Cc}/u.test(text)) {
    return 'it has a control character';
  }
  try {
    Name.fromString(text);
    return undefined;
  } catch (error) {
    if (error instanceof CountersignError) {
      return error.message;
    }
    throw error;
  }
}

function defectOfAccount(account: string): string | undefined {
  const [domain = '', name = '', ...more] = account.split('\\');
  if (!account.includes('\\') || more.length > 0) {
    return `it has ${account.split('\\').length - 1} backslashes, exactly one is needed`;
  }
  return defectOfNetbiosDomain(domain) ?? defectOfAccountName(name);
}

function defectOfNetbiosDomain(domain: string): string | undefined {
  if (domain.length < 1 || domain.length > 15) {
    return `the NetBIOS domain before the backslash has ${domain.length} characters, 1 to 15 are allowed`;
  }
  return defectOfCharacters('the NetBIOS domain', domain, /[\s\p{C}./:*?"<>|]/u);
}

/** sAMAccountName: MS-SAMR 3.1.1.6 and 3.1.1.8.4. */
function defectOfAccountName(name: string): string | undefined {
  if (name.length < 1 || name.length > 256) {
    return `the name after the backslash has ${name.length} characters, 1 to 256 are allowed`;
  }
  if (name !== name.trim() || name.endsWith('.')) {
    return 'the name after the backslash starts or ends with a space, or ends with a dot';
  }
  return defectOfCharacters('the name after the backslash', name, /[\p{C}"/[\]:;|=,+*?<>@]/u);
}

function defectOfCharacters(name: string, text: string, forbidden: RegExp): string | undefined {
  const found = forbidden.exec(text)?.[0];
  return found === undefined ? undefined : `${name} has the character ${JSON.stringify(found)}`;
}
