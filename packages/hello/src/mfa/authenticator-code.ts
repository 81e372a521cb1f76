import { CountersignError } from '@countersign/core';
import { TOTP, URI } from 'otpauth';

/**
 * The code that an authenticator app shows: what the user of a demonstration or a test enters.
 * @param uri as `TotpVerifier.enroll` gives it
 * @throws CountersignError `VALUE_OUT_OF_RANGE` for what is no otpauth://totp URI
 */
export function authenticatorCode(uri: string, at: Date): string {
  const totp = parse(uri);
  if (totp instanceof TOTP) return totp.generate({ timestamp: at.getTime() });
  // Without the URI: it is a secret.
  throw new CountersignError(
    'VALUE_OUT_OF_RANGE',
    'that is no otpauth://totp URI',
    'Give the URI that enrolling the authenticator printed.',
  );
}

function parse(uri: string): unknown {
  try {
    return URI.parse(uri);
  } catch {
    return undefined;
  }
}
