import { createHash } from 'node:crypto';
import type { SerialReservation } from '@countersign/core';

/** A reservation that differs from every one made with another `seed` in its serial number and request. */
export function reservationFor(seed: string, changes: Partial<SerialReservation> = {}): SerialReservation {
  return {
    serialNumber: `4${sha256(`serial ${seed}`).slice(1, 40)}`,
    profile: 'whfb-authentication',
    subject: String.raw`CORP\alice`,
    agentSerialNumber: '1234',
    requestDigest: sha256(`request ${seed}`),
    keyId: sha256(`key ${seed}`),
    keyOwner: 'S-1-5-21-1-2-3-1104',
    tbsCertificate: Uint8Array.of(0x30, 0x01, 0x00),
    notAfter: new Date('2031-01-01T00:00:00.000Z'),
    reservedAt: new Date('2030-01-01T00:00:00.123Z'),
    ...changes,
  };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
