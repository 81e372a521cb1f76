import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from './certificate.ts';
import { parseBasicConstraints, parseExtendedKeyUsage, parseKeyUsage } from './standard-extensions.ts';

/**
 * Demands that a certificate is an enrollment agent's: the EKU names Certificate Request Agent itself (not
 * anyExtendedKeyUsage, MS-WCCE 3.2.2.6.2.1.2.1.1), the key may sign, and it is no CA.
 * @throws CountersignError `AGENT_NOT_AUTHORIZED`
 */
export function assertEnrollmentAgent(certificate: Certificate): void {
  const extKeyUsage = certificate.extension(oids.extKeyUsage);
  const purposes = extKeyUsage === undefined ? [] : parseExtendedKeyUsage(extKeyUsage);
  if (!purposes.includes(oids.certificateRequestAgent)) {
    throw notAnAgent(
      `its extended key usage is ${purposes.length === 0 ? 'absent' : purposes.join(', ')}; expected ${oids.certificateRequestAgent} (certificate request agent)`,
    );
  }
  const keyUsage = certificate.extension(oids.keyUsage);
  if (keyUsage === undefined || !parseKeyUsage(keyUsage).includes('digitalSignature')) {
    throw notAnAgent('its key usage lacks digitalSignature');
  }
  const basicConstraints = certificate.extension(oids.basicConstraints);
  if (basicConstraints !== undefined && parseBasicConstraints(basicConstraints).cA) {
    throw notAnAgent('it is the certificate of a CA');
  }
}

function notAnAgent(found: string): CountersignError {
  return new CountersignError(
    'AGENT_NOT_AUTHORIZED',
    `the signer's certificate is not an enrollment agent's: ${found}`,
    'Sign with a certificate of the enrollment-agent profile: countersign ra init --dir RA --ca CA',
    { adcs: 'CERTSRV_E_SIGNATURE_REJECTED' },
  );
}
