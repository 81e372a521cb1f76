import { CountersignError } from '../errors.ts';
import { parseCertificationRequestInfo } from '../request/certification-request-info.ts';
import type { KeyRecord } from './key-record.ts';

/**
 * Whether a key may sign a message in the state it is in (SP 800-57 part 1 rev. 5, 7): an active one whatever it is
 * given; one in pre-activation the proof that it is held, a CertificationRequestInfo with its own public key; any other
 * nothing.
 * @param publicKey SubjectPublicKeyInfo, DER
 * @throws CountersignError `KEY_STATE_FORBIDS`
 */
export function permitSignature(record: KeyRecord, publicKey: Uint8Array, message: Uint8Array): void {
  const { state } = record.history;
  if (record.destructionBegunAt !== undefined)
    throw forbidden(record.ref, 'about to be destroyed', 'nothing');
  if (state === 'active') return;
  if (state !== 'pre-activation') throw forbidden(record.ref, state, 'nothing');
  if (!isRequestFor(publicKey, message)) {
    throw forbidden(record.ref, state, 'a certification request for itself and nothing else');
  }
}

function isRequestFor(publicKey: Uint8Array, message: Uint8Array): boolean {
  try {
    const requested = parseCertificationRequestInfo(message).publicKey.subjectPublicKeyInfo;
    return Buffer.compare(requested, publicKey) === 0;
  } catch (error) {
    if (error instanceof CountersignError) return false;
    throw error;
  }
}

function forbidden(ref: string, state: string, permitted: string): CountersignError {
  return new CountersignError(
    'KEY_STATE_FORBIDS',
    `the key ${ref} is ${state}, and signs ${permitted}`,
    'Install its certificate to activate a new key, resume a suspended one, or use another.',
  );
}
