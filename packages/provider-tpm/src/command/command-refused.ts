import { CountersignError } from '@countersign/core';
import { commandName } from './command-name.ts';
import { decodeResponseCode, type TpmResponseCode } from './response-code.ts';

/**
 * A response whose code is not TPM_RC_SUCCESS: `TPM_REFUSED`; for codes that say that the TPM is wanted by too many at
 * once `TPM_BUSY`. Such answers carry no HMAC, so anybody on the bus can make one: no secret may be judged wrong, or
 * right, for good by it.
 */
export class TpmRefusal extends CountersignError {
  /** TPM_RC, as it came (TPM 2.0 part 2, 6.6). */
  readonly responseCode: number;

  /** @param command its name, such as `TPM2_Sign` */
  constructor(command: string, responseCode: number) {
    const decoded = decodeResponseCode(responseCode);
    const number = `0x${responseCode.toString(16).toUpperCase().padStart(3, '0')}`;
    const name = decoded.name === number ? number : `${decoded.name} (${number})`;
    super(
      busyNames.has(decoded.name) ? 'TPM_BUSY' : 'TPM_REFUSED',
      `${command} was refused with ${name}${subjectPhrase(decoded)}` +
        (decoded.meaning === undefined ? '' : `: ${decoded.meaning}`),
      hints.get(decoded.name) ?? generalHint(decoded),
    );
    this.responseCode = responseCode;
  }
}

/** @param commandCode TPM_CC of the command */
export function commandRefused(commandCode: number, responseCode: number): TpmRefusal {
  return new TpmRefusal(commandName(commandCode), responseCode);
}

const busyNames: ReadonlySet<string> = new Set([
  'TPM_RC_OBJECT_MEMORY',
  'TPM_RC_SESSION_MEMORY',
  'TPM_RC_MEMORY',
  'TPM_RC_SESSION_HANDLES',
  'TPM_RC_OBJECT_HANDLES',
  'TPM_RC_YIELDED',
  'TPM_RC_TESTING',
  'TPM_RC_NV_RATE',
  'TPM_RC_RETRY',
]);

const slotsHint =
  'Flush objects and sessions that are no longer needed (tpm2_flushcontext), or use /dev/tpmrm0, whose driver swaps them.';
const laterHint = 'The command was repeated for a while in vain. Try again later.';
const authHint = 'Give the right authorization value; each wrong one may count against the limit.';
const notLoadedHint =
  'Load the object or start the session again: it was flushed, or the TPM has been restarted since.';
const startHint =
  'Start the TPM with TPM2_Startup(CLEAR), which firmware does on real machines and a simulator leaves to its user.';

const hints: ReadonlyMap<string, string> = new Map([
  ['TPM_RC_OBJECT_MEMORY', slotsHint],
  ['TPM_RC_SESSION_MEMORY', slotsHint],
  ['TPM_RC_MEMORY', slotsHint],
  ['TPM_RC_SESSION_HANDLES', slotsHint],
  ['TPM_RC_OBJECT_HANDLES', slotsHint],
  ['TPM_RC_YIELDED', laterHint],
  ['TPM_RC_TESTING', laterHint],
  ['TPM_RC_NV_RATE', laterHint],
  ['TPM_RC_RETRY', laterHint],
  ['TPM_RC_AUTH_FAIL', authHint],
  ['TPM_RC_BAD_AUTH', authHint],
  [
    'TPM_RC_LOCKOUT',
    'Wait until the TPM forgets failures one by one, or reset the lock with the lockout authorization (tpm2_dictionarylockout --clear-lockout).',
  ],
  ['TPM_RC_INITIALIZE', startHint],
  ['TPM_RC_REBOOT', 'Reset the machine, or the simulator.'],
  ['TPM_RC_FAILURE', 'Reset the machine. If the TPM fails again, TPM2_GetTestResult says why.'],
  ['TPM_RC_COMMAND_CODE', 'This TPM lacks the command, or its resource manager keeps it back.'],
  ['TPM_RC_DISABLED', 'Ask who owns the platform hierarchy to switch the command on.'],
  [
    'TPM_RC_HIERARCHY',
    'Switch the hierarchy on, which the firmware set-up calls storage or endorsement hierarchy.',
  ],
  [
    'TPM_RC_NV_SPACE',
    'Remove NV indices or persistent objects that are no longer needed (tpm2_getcap handles-persistent).',
  ],
  [
    'TPM_RC_INTEGRITY',
    'Use a blob that this very TPM made, under the same parent; a saved context is good until the TPM is reset.',
  ],
  [
    'TPM_RC_LOCALITY',
    'The command needs another locality, which the operating system does not give to programs.',
  ],
  ['TPM_RC_CURVE', 'Choose a curve that this TPM has: TPM2_GetCapability of TPM_CAP_ECC_CURVES lists them.'],
  ['TPM_RC_KEY_SIZE', 'Choose a key size that this TPM makes; RSA keys of 2048 bits are the safest choice.'],
]);

function generalHint(decoded: TpmResponseCode): string {
  if (decoded.name.startsWith('TPM_RC_REFERENCE_')) return notLoadedHint;
  if (decoded.kind === 'tpm-1.2') return 'A code of TPM 1.2: a TPM 2.0 is needed.';
  if (decoded.meaning === undefined) return "Look the code up in the TPM vendor's documentation.";
  return 'TPM 2.0 part 3 says under the command when it gives this code.';
}

function subjectPhrase({ subject }: TpmResponseCode): string {
  if (subject === undefined) return '';
  return subject.number === undefined ? ` for a ${subject.kind}` : ` for ${subject.kind} ${subject.number}`;
}
