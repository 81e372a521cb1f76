/** TPMA_SESSION (TPM 2.0 part 2, 8.4). */
export const sessionAttributeBits = {
  continueSession: 0x01,
  auditExclusive: 0x02,
  decrypt: 0x20,
  encrypt: 0x40,
  audit: 0x80,
} as const;

export interface SessionAttributes {
  /** Whether the session lives on after the command. */
  readonly continueSession: boolean;
  /** The first parameter of the command is encrypted: the TPM decrypts it. */
  readonly decrypt: boolean;
  /** The TPM encrypts the first parameter of the response. */
  readonly encrypt: boolean;
  readonly audit: boolean;
}

export function encodeSessionAttributes(attributes: SessionAttributes): number {
  const { continueSession, decrypt, encrypt, audit } = sessionAttributeBits;
  return (
    (attributes.continueSession ? continueSession : 0) |
    (attributes.decrypt ? decrypt : 0) |
    (attributes.encrypt ? encrypt : 0) |
    (attributes.audit ? audit : 0)
  );
}

/** The response repeats the attributes, and says of an audit session whether it is the exclusive one. */
export function echoesAttributes(sent: number, received: number): boolean {
  const { audit, auditExclusive } = sessionAttributeBits;
  return (sent & audit) === 0 ? received === sent : (received & ~auditExclusive) === sent;
}
