import type { AdcsErrorSymbol } from '../../adcs-error-codes.ts';
import { CountersignError } from '../../errors.ts';
import { oids } from '../../object-identifiers.ts';
import type { Extension } from '../../x509/extension.ts';
import { encodeGeneralName, type GeneralName } from '../../x509/general-name.ts';
import {
  parseApplicationPolicies,
  parseNtdsCaSecurityExtension,
  userPrincipalNamesIn,
} from '../../x509/microsoft-extensions.ts';
import {
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSubjectAltName,
} from '../../x509/standard-extensions.ts';

/**
 * Refuses a request whose wishes go beyond what the profile gives: to be a CA, names, a SID or purposes. They would not be
 * granted anyway; but whoever asks for them either attacks or believes to get what will not come. Other wishes (a key
 * identifier, a template) say nothing of who the subject is or what it may do, and are ignored.
 * @param wishes the request's, from its extensionRequest (RFC 2985 5.4.2)
 * @param granted the profile's
 * @throws CountersignError `REQUEST_ASKS_FOR_TOO_MUCH`; `DER_MALFORMED` for a wish that cannot be read
 */
export function assertAsksForNoMore(wishes: readonly Extension[], granted: readonly Extension[]): void {
  for (const wish of wishes) {
    const excess = excesses.get(wish.oid)?.(wish.value, (oid) => valueOf(granted, oid));
    if (excess !== undefined) throw asksForTooMuch(excess, namesSubject.has(wish.oid));
  }
}

/** @returns what is asked for and not granted, in words that finish "the request asks for …", or undefined */
type Excess = (wish: Uint8Array, granted: (oid: string) => Uint8Array | undefined) => string | undefined;

const excesses: ReadonlyMap<string, Excess> = new Map<string, Excess>([
  [
    oids.basicConstraints,
    (wish) => (parseBasicConstraints(wish).cA ? 'the certificate of a CA (basicConstraints)' : undefined),
  ],
  [
    oids.keyUsage,
    (wish) => {
      const power = parseKeyUsage(wish).find((usage) => usage === 'keyCertSign' || usage === 'cRLSign');
      return power === undefined ? undefined : `the certificate of a CA (keyUsage ${power})`;
    },
  ],
  [oids.extKeyUsage, (wish, granted) => purposeBeyond(parseExtendedKeyUsage(wish), granted)],
  [oids.applicationPolicies, (wish, granted) => purposeBeyond(parseApplicationPolicies(wish), granted)],
  [
    oids.subjectAltName,
    (wish, granted) => {
      const value = granted(oids.subjectAltName);
      const names = new Set((value === undefined ? [] : parseSubjectAltName(value)).map(comparable));
      const beyond = parseSubjectAltName(wish).find((name) => !names.has(comparable(name)));
      return beyond === undefined ? undefined : `a name that is not its subject's (${beyond.kind})`;
    },
  ],
  [
    oids.ntdsCaSecurityExtension,
    (wish, granted) => {
      const value = granted(oids.ntdsCaSecurityExtension);
      const asked = parseNtdsCaSecurityExtension(wish);
      if (value !== undefined && parseNtdsCaSecurityExtension(value) === asked) return undefined;
      return `the SID ${asked}, which is not its subject's`;
    },
  ],
]);

/** Asking for these is asking to be somebody. */
const namesSubject: ReadonlySet<string> = new Set([oids.subjectAltName, oids.ntdsCaSecurityExtension]);

function purposeBeyond(
  asked: readonly string[],
  granted: (oid: string) => Uint8Array | undefined,
): string | undefined {
  const value = granted(oids.extKeyUsage);
  const purposes = value === undefined ? [] : parseExtendedKeyUsage(value);
  const beyond = asked.find((purpose) => !purposes.includes(purpose));
  return beyond === undefined ? undefined : `the purpose ${beyond}, which its profile does not give`;
}

/** Equal for names that are the same: octet by octet, UPNs without regard to case. */
function comparable(name: GeneralName): string {
  const [upn] = userPrincipalNamesIn([name]);
  return upn === undefined
    ? Buffer.from(encodeGeneralName(name)).toString('hex')
    : `UPN ${upn.toLowerCase()}`;
}

function valueOf(extensions: readonly Extension[], oid: string): Uint8Array | undefined {
  return extensions.find((extension) => extension.oid === oid)?.value;
}

function asksForTooMuch(excess: string, isName: boolean): CountersignError {
  const options: { readonly adcs?: AdcsErrorSymbol } = isName ? { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' } : {};
  return new CountersignError(
    'REQUEST_ASKS_FOR_TOO_MUCH',
    `the request asks for ${excess}`,
    'Make it anew without these requested extensions: directory and profile decide what the certificate says.',
    options,
  );
}
