/** Relying parties' clocks may be behind by this much; AD CS backdates by the same. */
const clockSkewMs = 10 * 60_000;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/**
 * The validity of a certificate issued now. It lies within the issuer's, and lasts no longer than `years` with both
 * ends counted (RFC 5280 4.1.2.5). Whole seconds.
 */
export function validityFrom(now: Date, years: number, issuer?: Validity): Validity {
  const backdated = wholeSeconds(now.getTime() - clockSkewMs);
  const notBefore = issuer !== undefined && issuer.notBefore > backdated ? issuer.notBefore : backdated;
  const end = new Date(notBefore);
  end.setUTCFullYear(end.getUTCFullYear() + years);
  const notAfter = new Date(end.getTime() - 1000);
  return {
    notBefore,
    notAfter: issuer !== undefined && issuer.notAfter < notAfter ? issuer.notAfter : notAfter,
  };
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}
