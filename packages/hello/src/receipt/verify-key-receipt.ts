import { CountersignError, type PublicKey } from '@countersign/core';
import type { CompactVerifyGetKey } from 'jose';
import { MessageObject } from '../https/index.ts';
import { parseNgcKey } from '../registration/ngc-key.ts';
import { verifyJws } from '../tokens/index.ts';
import { receiptAudience, type KeyReceipt } from './key-receipt.ts';

/** Whose receipts are taken. */
export interface ReceiptTrust {
  readonly issuer: string;
  /** Finds the keys of the registration service, which may mean asking it. */
  readonly keys: CompactVerifyGetKey;
}

/** For whom, and for which key, a receipt has to be. */
export interface ReceiptSubject {
  readonly upn: string;
  readonly sid: string;
  readonly publicKey: PublicKey;
}

const maxReceiptCharacters = 16 * 1024;

/**
 * Parses a receipt and verifies who made it and that it is still good; not for whom.
 * @param krctx as `createKeyReceipt` returns it
 * @throws CountersignError `RECEIPT_INVALID` if it is malformed, forged or from elsewhere; `RECEIPT_EXPIRED`; what finding
 *   the service's keys throws, such as `SERVICE_UNREACHABLE`
 */
export async function parseKeyReceipt(krctx: string, trust: ReceiptTrust, now: Date): Promise<KeyReceipt> {
  const claims = await verifyJws(unwrap(krctx), trust.keys, {
    what: 'key receipt',
    issuer: trust.issuer,
    audience: receiptAudience,
    now,
    refuse: receiptInvalid,
    refuseExpired: receiptExpired,
  });
  return {
    issuer: trust.issuer,
    upn: claims.string('upn'),
    sid: claims.string('onprem_sid'),
    deviceId: claims.string('deviceid'),
    publicKey: readKey(claims),
    registeredAt: claims.date('iat'),
    expiresAt: claims.date('exp'),
  };
}

/**
 * Verifies that a receipt vouches for this user's having registered this key.
 * @throws CountersignError `RECEIPT_USER_MISMATCH`, `RECEIPT_KEY_MISMATCH`, and what `parseKeyReceipt` throws
 */
export async function verifyKeyReceipt(
  krctx: string,
  subject: ReceiptSubject,
  trust: ReceiptTrust,
  now: Date,
): Promise<KeyReceipt> {
  const receipt = await parseKeyReceipt(krctx, trust, now);
  // The SID decides (MS-OAPXBC: onprem_sid equals the sid of the token); a UPN may pass from one person to the next.
  if (receipt.sid !== subject.sid || receipt.upn.toLowerCase() !== subject.upn.toLowerCase()) {
    throw new CountersignError(
      'RECEIPT_USER_MISMATCH',
      `the key receipt is for ${receipt.upn} (${receipt.sid}); it was handed in for ${subject.upn} (${subject.sid})`,
      'Hand in the receipt that the registration service gave to this user.',
    );
  }
  if (!receipt.publicKey.equals(subject.publicKey)) {
    throw new CountersignError(
      'RECEIPT_KEY_MISMATCH',
      `the key receipt is for the key ${receipt.publicKey.keyId}; the request has the key ${subject.publicKey.keyId}`,
      'Hand in the receipt that the registration service gave for this key.',
    );
  }
  return receipt;
}

/** The JWT in the wrapping. */
function unwrap(krctx: string): string {
  if (krctx.length > maxReceiptCharacters) throw receiptInvalid('the key receipt is too long to be one');
  const outer = Buffer.from(krctx, 'base64');
  if (outer.toString('base64') !== krctx) throw receiptInvalid('the key receipt is not base64');
  const wrapping = MessageObject.parse(outer, 'key receipt', receiptInvalid);
  if (wrapping.integer('Version') !== 1 || wrapping.integer('Format') !== 1) {
    throw receiptInvalid('the key receipt has another version or format than 1');
  }
  return Buffer.from(wrapping.base64('Data')).toString('latin1');
}

function readKey(claims: MessageObject): PublicKey {
  try {
    return parseNgcKey(claims.base64('ngc_key'));
  } catch (cause) {
    if (!(cause instanceof CountersignError)) throw cause;
    throw receiptInvalid(`the key receipt holds no sound key: ${cause.message}`, cause);
  }
}

function receiptInvalid(found: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'RECEIPT_INVALID',
    found,
    'Register the key again for a new receipt, or wait until the key has been synced.',
    { cause },
  );
}

function receiptExpired(found: string): CountersignError {
  return new CountersignError(
    'RECEIPT_EXPIRED',
    found,
    'Register the key again for a new receipt, or go on without one if the key has been synced.',
  );
}
