import { createHash } from 'node:crypto';
import { CountersignError, type DirectoryUser, type RegisteredKeyCredential } from '@countersign/core';
import { JsonObject, parseJsonDocument } from '@countersign/state';
import { type Clash, UserIndex } from './user-index.ts';
import { userFields, userRules } from './user-rules.ts';

const format = 'countersign-directory';
const version = 1;

/** The file's content: JSON, one user a line. */
export function formatDirectory(users: readonly DirectoryUser[]): string {
  const lines = users.map((user) => JSON.stringify(userToJson(user)));
  return `{"format":"${format}","version":${version},"users":[\n${lines.join(',\n')}\n]}\n`;
}

/**
 * @param path names the file in errors
 * @throws CountersignError `STATE_DAMAGED` if the content is not a whole directory, or one of a newer version
 */
export function parseDirectory(bytes: Uint8Array, path: string): UserIndex {
  const document = JsonObject.from(parseJsonDocument(bytes, path), path);
  document.oneOf('format', [format]);
  const foundVersion = document.integer('version', { min: 1 });
  if (foundVersion > version) {
    throw new CountersignError(
      'STATE_DAMAGED',
      `${path} has version ${foundVersion}, this program knows versions up to ${version}`,
      'Use the version of Countersign that wrote it, or a newer one.',
    );
  }
  const users = document.objects('users').map(parseUser);
  document.end();
  return new UserIndex(users, (clash) => twoUsers(path, clash));
}

function parseUser(object: JsonObject): DirectoryUser {
  for (const field of userFields) {
    const defect = userRules[field].defect(object.string(field));
    if (defect !== undefined) {
      throw object.damaged(field, `not a ${userRules[field].title}: ${defect}`);
    }
  }
  const keyCredentials = object.objects('keyCredentials').map(parseKeyCredential);
  if (new Set(keyCredentials.map(({ keyId }) => keyId)).size !== keyCredentials.length) {
    throw object.damaged('keyCredentials', 'the same key stands there twice');
  }
  const groups = object.strings('groups');
  for (const group of groups) {
    const defect = userRules.sid.defect(group);
    if (defect !== undefined) throw object.damaged('groups', `not a SID: ${defect}`);
  }
  const user = {
    upn: object.string('upn'),
    sid: object.string('sid'),
    distinguishedName: object.string('distinguishedName'),
    account: object.string('account'),
    groups,
    keyCredentials,
  };
  object.end();
  return user;
}

/** The key itself was parsed when it was registered; that it is still the same, its hash tells. */
function parseKeyCredential(object: JsonObject): RegisteredKeyCredential {
  const keyId = object.string('keyId');
  const publicKey = object.bytesBase64('publicKey');
  if (createHash('sha256').update(publicKey).digest('hex') !== keyId) {
    throw object.damaged('keyId', 'it is not the SHA-256 of the public key');
  }
  const registeredAt = object.date('registeredAt');
  object.end();
  return { keyId, publicKey, registeredAt };
}

function userToJson({ upn, sid, distinguishedName, account, groups, keyCredentials }: DirectoryUser): object {
  return {
    upn,
    sid,
    distinguishedName,
    account,
    groups,
    keyCredentials: keyCredentials.map(({ keyId, publicKey, registeredAt }) => ({
      keyId,
      publicKey: Buffer.from(publicKey).toString('base64'),
      registeredAt: registeredAt.toISOString(),
    })),
  };
}

function twoUsers(path: string, { field, value, other }: Clash): CountersignError {
  return new CountersignError(
    'STATE_DAMAGED',
    `${path}: two users have the ${field} ${JSON.stringify(value)}, one of them is ${other.upn}`,
    'Nothing was changed. Correct the file, or put a backup in its place.',
  );
}
