import { CountersignError } from '../../errors.ts';

/** The error for a msDS-KeyCredentialLink value that breaks a rule of MS-ADTS 2.2.20. */
export function keyCredentialMalformed(found: string): CountersignError {
  return new CountersignError(
    'KEY_CREDENTIAL_MALFORMED',
    `the key credential is not as MS-ADTS 2.2.20 has it: ${found}`,
    'Check what wrote the msDS-KeyCredentialLink value; remove the value and register the key anew.',
  );
}
