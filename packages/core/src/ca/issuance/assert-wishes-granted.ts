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
 * Refuses a request that asks to be more, or somebody else, than its certificate will be: what it would not get anyway
 * is a mistake to be told of, or an attack to stand in the audit trail. Other extensions that it asks for are left out
 * in silence, as AD CS does.
 * @throws CountersignError `EXTENSION_NOT_GRANTED`; `REQUESTER_MISMATCH` for another's user principal name
 */
export function assertWishesGranted(wishes: readonly Extension[], granted: readonly Extension[]): void {
  for (const { oid, value } of wishes) {
    const given = granted.find((extension) => extension.oid === oid)?.value;
    for (const claim of claims[oid]?.(value) ?? []) {
      if (given !== undefined && claims[oid]?.(given).includes(claim) === true) continue;
      throw refused(oid, claim);
    }
  }
}

/** What a value of an extension claims, one text for each claim. */
const claims: Readonly<Partial<Record<string, (value: Uint8Array) => readonly string[]>>> = {
  [oids.basicConstraints]: (value) => (parseBasicConstraints(value).cA ? ['to be a CA'] : []),
  [oids.keyUsage]: (value) =>
    parseKeyUsage(value).filter((bit) => bit === 'keyCertSign' || bit === 'cRLSign'),
  [oids.extKeyUsage]: parseExtendedKeyUsage,
  [oids.applicationPolicies]: parseApplicationPolicies,
  [oids.ntdsCaSecurityExtension]: (value) => [parseNtdsCaSecurityExtension(value)],
  [oids.subjectAltName]: (value) =>
    parseSubjectAltName(value).flatMap((name) => {
      const upns = userPrincipalNamesIn([name]);
      // Directories compare user principal names without regard to case.
      return upns.length > 0 ? upns.map((upn) => `${user}${upn.toLowerCase()}`) : [describe(name)];
    }),
};

const user = 'the user ';

function describe(name: GeneralName): string {
  return `the name ${Buffer.from(encodeGeneralName(name)).toString('hex')}`;
}

function refused(oid: string, claim: string): CountersignError {
  return claim.startsWith(user)
    ? new CountersignError(
        'REQUESTER_MISMATCH',
        `the request asks for ${claim}, which is not who it is made for`,
        'Ask for the own user principal name or for none: it comes from the directory.',
        { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' },
      )
    : new CountersignError(
        'EXTENSION_NOT_GRANTED',
        `the request asks for the extension ${oid} with ${claim}, which its profile does not grant`,
        'Make the request without it: what a certificate says comes from its profile and the directory.',
        { adcs: 'CERTSRV_E_BAD_REQUESTSUBJECT' },
      );
}
