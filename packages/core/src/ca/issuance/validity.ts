/** Relying parties' clocks may be behind by this much; AD CS backdates by the same. */
const clockSkewMs = 10 * 60_000;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** How long a certificate is good for at most; the issuer's own notAfter may come earlier. */
export type Lifetime = { readonly validityYears: number } | { readonly validityDays: number };

/**
 * The validity of a certificate issued now. It lies within the issuer's, and lasts no longer than `lifetime` with both
 * ends counted (RFC 5280 4.1.2.5). Whole seconds.
 */
export function validityFrom(now: Date, lifetime: Lifetime, issuer?: Validity): Validity {
  const backdated = wholeSeconds(now.getTime() - clockSkewMs);
  const notBefore = issuer !== undefined && issuer.notBefore > backdated ? issuer.notBefore : backdated;
  const end = new Date(notBefore);
  if ('validityYears' in lifetime) end.setUTCFullYear(end.getUTCFullYear() + lifetime.validityYears);
  else end.setUTCDate(end.getUTCDate() + lifetime.validityDays);
  const notAfter = new Date(end.getTime() - 1000);
  return {
    notBefore,
    notAfter: issuer !== undefined && issuer.notAfter < notAfter ? issuer.notAfter : notAfter,
  };
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}
