import type { Certificate } from '@countersign/core';
import type { EncryptionType } from './encryption/encryption-type.ts';
import type { Principal } from './kerberos/principal-name.ts';
import type { DhGroup } from './pkinit/diffie-hellman.ts';

/** A ticket for the ticket-granting service, with what it takes to use it. */
export interface TicketGrantingTicket {
  /** As the KDC names the user, which is another name than was asked for where that was an alias. */
  readonly client: Principal;
  readonly server: Principal;
  /** Ticket (RFC 4120 5.3), DER. */
  readonly ticket: Uint8Array;
  /** A secret: whoever has it, and the ticket, is the user until `endTime`. */
  readonly sessionKey: { readonly encryptionType: EncryptionType; readonly value: Uint8Array };
  /** TicketFlags (RFC 4120 5.3): 32 bits, bit 0 highest. */
  readonly flags: number;
  readonly authTime: Date;
  readonly startTime: Date;
  readonly endTime: Date;
  /** Undefined unless the ticket can be renewed. */
  readonly renewTill: Date | undefined;
  /** How the KDC proved itself and the key was agreed upon. */
  readonly agreement: {
    readonly kdcCertificate: Certificate;
    readonly dhGroup: DhGroup;
    /** OID (RFC 8636), or undefined for octetstring2key (RFC 4556 3.2.3.1). */
    readonly keyDerivation: string | undefined;
    readonly encryptionType: EncryptionType;
  };
}
