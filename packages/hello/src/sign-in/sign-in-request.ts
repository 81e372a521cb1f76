import type { EncryptionType } from './encryption/encryption-type.ts';
import type { KdcAddress } from './kdc-connection.ts';
import type { KdcTrust } from './kdc-trust.ts';
import type { AsRequestBody } from './kerberos/as-request.ts';
import type { RequestSigner } from './pkinit/pa-pk-as-req.ts';

/** A sign-in that was found possible. */
export interface SignInRequest {
  readonly body: AsRequestBody;
  /** KDC-REQ-BODY, DER. */
  readonly encodedBody: Uint8Array;
  readonly signer: RequestSigner;
  readonly encryptionTypes: readonly EncryptionType[];
  readonly realm: string;
  readonly kdc: KdcAddress;
  readonly kdcTrust: KdcTrust;
  readonly timeoutMs: number;
  readonly maxClockSkewMs: number;
  readonly clock: () => Date;
}
