export { signIn, type SignInOptions } from './sign-in.ts';
export type { TicketGrantingTicket } from './ticket-granting-ticket.ts';
export type { KdcAddress } from './kdc-connection.ts';
export type { KdcTrust } from './kdc-trust.ts';
export { encodeCredentialCache, writeCredentialCache } from './credential-cache.ts';
export { formatPrincipal, type Principal, type PrincipalName } from './kerberos/principal-name.ts';
export { encryptionTypes, isEncryptionType, type EncryptionType } from './encryption/encryption-type.ts';

// Parts that stand on their own: what the standards' test vectors are for.
export { decryptMessage } from './encryption/decrypt-message.ts';
export { decryptCts } from './encryption/aes-cts.ts';
export { deriveKey, nFold } from './encryption/derive-key.ts';
export { deriveReplyKey, octetStringToKey, type ReplyKeyContext } from './pkinit/reply-key.ts';
