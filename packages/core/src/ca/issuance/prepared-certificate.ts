import { CountersignError } from '../../errors.ts';

/** A certificate that passed every check and waits for its signature. It is a token: it is redeemed once. */
export class PreparedCertificate {
  /** Lower-case hex. */
  readonly serialNumber: string;
  readonly notAfter: Date;
  readonly #tbsCertificate: Uint8Array;
  #isRedeemed = false;

  constructor(serialNumber: string, notAfter: Date, tbsCertificate: Uint8Array) {
    this.serialNumber = serialNumber;
    this.notAfter = notAfter;
    this.#tbsCertificate = Uint8Array.from(tbsCertificate);
  }

  /** What was checked and is about to be signed: TBSCertificate, DER. A copy: whoever writes to it changes nothing here. */
  get tbsCertificate(): Uint8Array {
    return Uint8Array.from(this.#tbsCertificate);
  }

  /** Gives out what is to be signed, the first time it is asked. */
  redeem(): Uint8Array {
    if (this.#isRedeemed) {
      throw new CountersignError(
        'LEDGER_CONFLICT',
        `the certificate prepared as ${this.serialNumber} was signed before`,
        'Prepare another: two signatures under one serial number could never be told apart.',
      );
    }
    this.#isRedeemed = true;
    return this.tbsCertificate;
  }
}
