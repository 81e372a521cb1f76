import type { PublicKey } from '@countersign/core';

/**
 * The GUID under which a registration is known: of version 8 (RFC 9562 5.8), from the first octets of the key's SHA-256.
 * @returns lower case, without braces
 */
export function keyGuid({ keyId }: PublicKey): string {
  const octets = Buffer.from(keyId, 'hex').subarray(0, 16);
  octets.writeUInt8(0x80 | (octets.readUInt8(6) & 0x0f), 6);
  octets.writeUInt8(0x80 | (octets.readUInt8(8) & 0x3f), 8);
  return octets.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, '$1-$2-$3-$4-$5');
}
