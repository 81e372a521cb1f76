import type { DirectoryUser, RegisteredKeyCredential } from '@countersign/core';

/** A key that the sync brought on premises, and may therefore take away again. */
export interface SyncedKey {
  readonly upn: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly keyId: string;
}

export interface PlannedAddition {
  readonly upn: string;
  readonly credential: RegisteredKeyCredential;
}

/** A key of the cloud that cannot be brought on premises, and why. */
export interface RefusedKey extends SyncedKey {
  readonly reason: string;
}

export interface SyncPlan {
  /** To be carried out first: a key may have passed from one user to another. */
  readonly removals: readonly SyncedKey[];
  readonly additions: readonly PlannedAddition[];
  readonly refused: readonly RefusedKey[];
  /** What was synced before and stays, on premises already or not. */
  readonly kept: readonly SyncedKey[];
}

/**
 * What has to be done so that every key of the cloud stands on premises for the same user. Keys that were registered on
 * premises are left alone: only what the sync brought it takes away, once it is gone from the cloud.
 * @param synced what earlier runs brought, or meant to bring
 */
export function planSync(
  cloud: readonly DirectoryUser[],
  premises: readonly DirectoryUser[],
  synced: readonly SyncedKey[],
): SyncPlan {
  const cloudKeys = new Set(
    cloud.flatMap(({ upn, keyCredentials }) => keyCredentials.map(({ keyId }) => nameOf({ upn, keyId }))),
  );
  const users = new Map(premises.map((user) => [user.upn.toLowerCase(), user]));
  const kept = synced.filter((key) => cloudKeys.has(nameOf(key)));
  const leaving = synced.filter((key) => !cloudKeys.has(nameOf(key)));
  const removals = leaving.filter(({ upn, keyId }) => hasKey(users.get(upn.toLowerCase()), keyId));
  const removed = new Set(removals.map(nameOf));
  const owners = new Map(
    premises.flatMap(({ upn, keyCredentials }) =>
      keyCredentials
        .filter(({ keyId }) => !removed.has(nameOf({ upn, keyId })))
        .map(({ keyId }): [string, string] => [keyId, upn]),
    ),
  );
  const additions: PlannedAddition[] = [];
  const refused: RefusedKey[] = [];
  for (const user of cloud) {
    const { upn, keyCredentials } = user;
    const counterpart = users.get(upn.toLowerCase());
    for (const credential of keyCredentials) {
      const { keyId } = credential;
      if (counterpart !== undefined && owners.get(keyId) === counterpart.upn) continue;
      const reason = defectOf(user, counterpart, owners.get(keyId));
      if (reason === undefined) additions.push({ upn, credential });
      else refused.push({ upn, keyId, reason });
    }
  }
  return { removals, additions, refused, kept };
}

/** A UPN may pass from one person to the next; a SID does not. */
function defectOf(
  { sid }: DirectoryUser,
  counterpart: DirectoryUser | undefined,
  owner: string | undefined,
): string | undefined {
  if (counterpart === undefined) return 'there is no such user on premises';
  if (counterpart.sid !== sid)
    return `the user has the SID ${counterpart.sid} on premises and ${sid} in the cloud`;
  return owner === undefined ? undefined : `the key is registered for ${owner} on premises`;
}

function hasKey(user: DirectoryUser | undefined, keyId: string): boolean {
  return user?.keyCredentials.some((credential) => credential.keyId === keyId) ?? false;
}

export function nameOf({ upn, keyId }: SyncedKey): string {
  return `${keyId} ${upn.toLowerCase()}`;
}
