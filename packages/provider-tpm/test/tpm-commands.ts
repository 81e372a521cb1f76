/** Whole commands, for what the typed ones do not send. */

/** TPM2_GetRandom of 16 bytes. */
export const getRandomCommand = Buffer.from('80010000000c0000017b0010', 'hex');

/**
 * TPM2_CreatePrimary of an RSA-2048 key in the owner hierarchy. With `fresh`, data that makes it another key, and the
 * TPM search for primes: tens to hundreds of milliseconds on swtpm.
 */
export function createPrimaryRsa(fresh = Buffer.alloc(0)): Buffer {
  // A storage key: AES-128-CFB within, no scheme, 2048 bits, exponent 65537; `fresh` stands in the modulus's place.
  const template = Buffer.from('0001000b0003047200000006008000430010080000000000', 'hex');
  return createPrimary(Buffer.concat([template, sized(fresh)]));
}

/** TPM2_CreatePrimary of a P-256 storage key in the owner hierarchy: milliseconds. */
export function createPrimaryEcc(): Buffer {
  return createPrimary(Buffer.from('0023000b00030472000000060080004300100003001000000000', 'hex'));
}

/** TPM2_FlushContext. */
export function flushCommand(handle: number): Buffer {
  const command = Buffer.from('80010000000e0000016500000000', 'hex');
  command.writeUInt32BE(handle, 10);
  return command;
}

function createPrimary(publicArea: Buffer): Buffer {
  const body = Buffer.concat([
    // TPM_RH_OWNER, and a session of an empty password.
    Buffer.from('4000000100000009400000090000000000', 'hex'),
    // An empty authorization value and no data.
    Buffer.from('000400000000', 'hex'),
    sized(publicArea),
    // No outside information, no PCRs.
    Buffer.from('000000000000', 'hex'),
  ]);
  const header = Buffer.from('80020000000000000131', 'hex');
  header.writeUInt32BE(10 + body.length, 2);
  return Buffer.concat([header, body]);
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(uint16(bytes.length), 'hex'), bytes]);
}

function uint16(value: number): string {
  return value.toString(16).padStart(4, '0');
}
