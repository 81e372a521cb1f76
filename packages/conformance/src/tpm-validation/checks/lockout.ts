import { randomPin } from '../trial-material.ts';
import {
  failure,
  inArea,
  pass,
  skipped,
  warning,
  type TpmCheckContext,
  type TpmFinding,
} from '../tpm-check.ts';
import type { TpmLockout } from '../tpm-under-test.ts';

const windowsTries = 32;
const windowsRecoverySeconds = 600;
const setThem =
  'Have its administrator set them: tpm2_dictionarylockout --setup-parameters --max-tries=32 --recovery-time=600 --lockout-recovery-time=86400. Windows does so when it takes the TPM over.';

export const lockoutChecks = inArea('lockout', [
  {
    id: 'lockout.state',
    title: 'it is not locked by wrong PINs',
    rule: 'TPMA_PERMANENT has inLockout clear, and tries are left.',
    source: 'TPM 2.0 part 1, 19.8; part 2, 8.6',
    expected: 'not locked',
    consequence: 'Whether PINs are taken is not known.',
    run: ({ facts: { lockout } }) => stateOf(lockout),
  },
  {
    id: 'lockout.tries',
    title: 'it locks after as many wrong PINs as Windows has it',
    rule: 'TPM_PT_MAX_AUTH_FAIL is 32.',
    source: 'Windows: TPM fundamentals, anti-hammering',
    expected: `${windowsTries} wrong PINs`,
    consequence: 'How soon the TPM locks is not known.',
    run: ({ facts: { lockout } }) => triesOf(lockout),
  },
  {
    id: 'lockout.recovery',
    title: 'it forgets a wrong PIN as soon as Windows has it',
    rule: 'TPM_PT_LOCKOUT_INTERVAL is 600 seconds.',
    source: 'Windows: TPM fundamentals, anti-hammering; TPM 2.0 part 3, 25.3',
    expected: `one wrong PIN forgotten every ${windowsRecoverySeconds} seconds`,
    consequence: 'How soon the TPM takes PINs again is not known.',
    run: ({ facts: { lockout } }) => recoveryOf(lockout),
  },
  {
    id: 'lockout.pin',
    title: 'it refuses wrong PINs, counts them, locks, and refuses the right one then',
    rule: 'Each wrong PIN counts one, the right one resets nothing, and when the limit is reached no PIN is taken until the count is reset.',
    source: 'TPM 2.0 part 1, 19.8.2 to 19.8.4',
    expected: 'as many wrong PINs as the limit says, then TPM_RC_LOCKOUT for the right one',
    consequence: 'The PIN of a lost machine can be guessed, or the count cannot be reset.',
    run: tryLockout,
  },
]);

function stateOf({ locked, failedTries, maxTries, recoverySeconds }: TpmLockout): TpmFinding {
  const found = `${failedTries} of ${maxTries} wrong PINs counted`;
  if (locked || failedTries >= maxTries) {
    return failure(
      `locked: ${found}`,
      `No key that a PIN guards can be used, not even with the right PIN. ${
        recoverySeconds === 0
          ? 'It does not unlock by itself'
          : `It takes a PIN again within ${recoverySeconds} seconds`
      }; its administrator can reset it at once: tpm2_dictionarylockout --clear-lockout`,
    );
  }
  if (failedTries * 2 >= maxTries) {
    return warning(
      found,
      'Somebody gave wrong PINs, or the machine lost its power several times. A few more lock all keys that PINs guard.',
    );
  }
  return pass(found, 'Keys that PINs guard can be used.');
}

function triesOf({ maxTries }: TpmLockout): TpmFinding {
  const found = `${maxTries} wrong PINs`;
  if (maxTries === windowsTries) {
    return pass(found, 'Users have room for mistakes, and guessing a PIN of six digits takes years.');
  }
  if (maxTries > windowsTries) {
    return warning(
      found,
      `Who has the machine may guess ${maxTries} times at once, where Windows allows ${windowsTries}. ${setThem}`,
    );
  }
  return warning(
    found,
    `${maxTries} wrong PINs, of all users and keys together, lock every key that a PIN guards; Windows allows ${windowsTries}. Users will lock themselves out. ${setThem}`,
  );
}

function recoveryOf({ recoverySeconds, lockoutRecoverySeconds, administratorSet }: TpmLockout): TpmFinding {
  const administrator = administratorSet
    ? `the reset of the count is guarded, and locked for ${lockoutRecoverySeconds} seconds by one wrong try`
    : 'the reset of the count is guarded by nothing';
  const found = `one every ${recoverySeconds} seconds; ${administrator}`;
  if (recoverySeconds === 0) {
    return failure(
      'the protection against guessing is switched off: a recovery time of 0 seconds',
      `Who has the machine may guess PINs without end: a PIN protects nothing. ${setThem}`,
    );
  }
  if (recoverySeconds === windowsRecoverySeconds) {
    return pass(found, 'Guessing goes on at 144 tries a day at most; locked users wait 10 minutes.');
  }
  const perDay = Math.round(86_400 / recoverySeconds);
  return warning(
    found,
    recoverySeconds < windowsRecoverySeconds
      ? `Who has the machine may guess ${perDay} times a day, where Windows allows 144. ${setThem}`
      : `A locked user waits ${Math.ceil(recoverySeconds / 60)} minutes for the next try, where Windows has 10. ${setThem}`,
  );
}

async function tryLockout(context: TpmCheckContext): Promise<TpmFinding> {
  const { tpm, facts, options } = context;
  const { maxTries, failedTries, locked, resettable, recoverySeconds } = facts.lockout;
  const notTried = 'Whether the TPM stops the guessing of PINs was not tried.';
  if (!options.allowLockout) return skipped('it locks the TPM, and that was not allowed', notTried);
  if (locked || failedTries > 0) {
    return skipped(`${failedTries} wrong PINs are counted already, which the reset would forget`, notTried);
  }
  if (!resettable) {
    return skipped(
      'the reset of the count is guarded, and its authorization was not given: the TPM would stay locked',
      notTried,
    );
  }
  if (maxTries < 1 || maxTries > mostTries || recoverySeconds === 0) {
    return skipped(
      `it would take ${maxTries} wrong PINs, with ${recoverySeconds} seconds to forget one`,
      notTried,
    );
  }
  const pin = randomPin();
  try {
    return await lockAndReset(context, pin);
  } finally {
    pin.fill(0);
    // Whatever happened: the count was zero before.
    await tpm.resetLockout();
  }
}

/** More would take too long, and Windows has half as many. */
const mostTries = 64;

async function lockAndReset({ tpm, facts, step }: TpmCheckContext, pin: Uint8Array): Promise<TpmFinding> {
  const { maxTries } = facts.lockout;
  const broken = 'The PIN of a lost machine can be guessed: do not rely on PINs of keys in this TPM.';
  const key = await tpm.createKey({ algorithm: 'p256', pin });
  if ((await tpm.tryPin(key, pin)) !== 'accepted') {
    return failure('the right PIN was refused', 'Keys that PINs guard cannot be used.');
  }
  let refused = 0;
  while (refused < maxTries) {
    step(refused, maxTries);
    const answer = await tpm.tryPin(key, randomPin());
    if (answer === 'accepted') return failure('a wrong PIN was accepted', broken);
    if (answer === 'locked') break;
    refused += 1;
    // In the midst of it the right one, which must not have the TPM forget the wrong ones.
    if (refused === 1 && maxTries > 2) await tpm.tryPin(key, pin);
  }
  if (refused < maxTries) {
    return warning(
      `locked after ${refused} wrong PINs, where it says ${maxTries}`,
      'It locks sooner than it says, and users with it.',
    );
  }
  const afterwards = await tpm.tryPin(key, pin);
  if (afterwards !== 'locked') {
    return failure(`after ${refused} wrong PINs the right one is still ${afterwards}`, broken);
  }
  await tpm.resetLockout();
  const reset = await tpm.tryPin(key, pin);
  return reset === 'accepted'
    ? pass(
        `locked after ${refused} wrong PINs, for the right one too; takes it again after the reset`,
        'A PIN of a lost machine cannot be guessed at more than the rate above.',
      )
    : failure(
        `after the reset of the count the right PIN is ${reset}`,
        'An administrator cannot help users who locked themselves out.',
      );
}
