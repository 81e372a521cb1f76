/**
 * What RA and CA ask of a directory: who a user is and which public keys are registered for that user.
 * Names are matched without regard to case, as Active Directory does; a user that does not exist is undefined.
 */
export interface Directory {
  findByUpn(upn: string): Promise<DirectoryUser | undefined>;
  /** `account` is the down-level logon name, `DOMAIN\name`. */
  findByAccount(account: string): Promise<DirectoryUser | undefined>;
}

export interface DirectoryUser {
  readonly upn: string;
  /** In string form, `S-1-5-21-…` (MS-DTYP 2.4.2.1). */
  readonly sid: string;
  /** RFC 4514 string. */
  readonly distinguishedName: string;
  readonly account: string;
  /** SIDs of every group that the user is in, directly or through another (`tokenGroups`). */
  readonly groups: readonly string[];
  readonly keyCredentials: readonly RegisteredKeyCredential[];
}

/** A public key that the user registered (`msDS-KeyCredentialLink`, MS-ADTS 2.2.20). */
export interface RegisteredKeyCredential {
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly keyId: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly registeredAt: Date;
}
