import { randomUUID } from 'node:crypto';
import type { Key, PublicKey } from '@countersign/core';
import { encodeNgcKey } from '../registration/ngc-key.ts';
import { signJws } from '../tokens/index.ts';

/**
 * What a registration service vouches for with a key receipt (MS-OAPXBC, krctx): this key was registered for this user.
 * With it an RA takes the key before it has been synced.
 */
export interface KeyReceipt {
  readonly issuer: string;
  readonly upn: string;
  /** SID of the user's account on premises. */
  readonly sid: string;
  /** GUID of the device on which the key was made. */
  readonly deviceId: string;
  readonly publicKey: PublicKey;
  readonly registeredAt: Date;
  readonly expiresAt: Date;
}

/** The audience of receipts: whatever registration authority of the organization. */
export const receiptAudience = 'urn:microsoft:winhello:cert:prov:server';

/** Two cycles of the sync, after which the receipt is of no more use. */
export const receiptLifetimeMs = 60 * 60_000;

/**
 * Makes a receipt: base64 of the JSON object {"Data": base64 of a JWT, "Format": 1, "Version": 1}. The JWT has the claims
 * `ngc_key` (as `kngc`), `onprem_sid`, `upn`, `deviceid`, `iss`, `aud`, `iat`, `nbf`, `exp` and `jti`. Times count in whole
 * seconds.
 * @param key of the registration service
 * @returns `krctx`
 * @throws CountersignError what `key.sign` throws
 */
export async function createKeyReceipt(key: Key, receipt: KeyReceipt): Promise<string> {
  const registeredAt = seconds(receipt.registeredAt);
  const token = await signJws(key, {
    iss: receipt.issuer,
    aud: receiptAudience,
    iat: registeredAt,
    nbf: registeredAt,
    exp: seconds(receipt.expiresAt),
    jti: randomUUID(),
    upn: receipt.upn,
    onprem_sid: receipt.sid,
    deviceid: receipt.deviceId,
    ngc_key: Buffer.from(encodeNgcKey(receipt.publicKey)).toString('base64'),
  });
  return base64(JSON.stringify({ Data: base64(token), Format: 1, Version: 1 }));
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
