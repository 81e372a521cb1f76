import { randomBytes, verify } from 'node:crypto';
import { TpmPublicArea } from '@countersign/core';
import { isCountersignError } from '../../deviation.ts';
import { failure, inArea, pass, skipped, type TpmCheckContext, type TpmFinding } from '../tpm-check.ts';
import type { TrialKey } from '../tpm-under-test.ts';

const notTried =
  'Whether keys outlast a restart was not tried. They do if the storage seed is kept, which every TPM has to.';
const lost =
  'Keys are lost with each restart: the TPM does not keep its storage seed. No user can sign in after a restart.';

export const persistenceChecks = inArea('persistence', [
  {
    id: 'persistence.restart',
    title: 'keys outlast a restart',
    rule: 'A key that was made before the TPM lost its power is loaded and signs afterwards.',
    source: 'TPM 2.0 part 1, 14.3 (primary seeds), 23',
    expected: 'a signature that verifies',
    consequence: lost,
    needs: ['keys.p256'],
    run: async (context) => {
      const { options, facts, tpm } = context;
      if (facts.parent === 'made for the run, of no hierarchy that lasts') {
        return skipped(
          'the owner hierarchy is guarded, and keys were tried in one that does not last',
          notTried,
        );
      }
      if (options.keyFromEarlierRun !== undefined) return useEarlierKey(context, options.keyFromEarlierRun);
      if (options.allowRestart && tpm.restart !== undefined) return restartNow(context, tpm.restart);
      if (options.keepKey !== undefined) return keepForLater(context, options.keepKey);
      return skipped(
        tpm.restart === undefined
          ? 'this TPM can be restarted with its machine only'
          : 'a restart was not allowed',
        notTried,
      );
    },
  },
]);

async function restartNow(
  { tpm, material }: TpmCheckContext,
  restart: () => Promise<void>,
): Promise<TpmFinding> {
  const { key } = await material.oneKey('p256');
  try {
    await restart();
  } catch (error) {
    if (!isCountersignError(error) || error.code !== 'PROVIDER_NOT_AVAILABLE') throw error;
    return skipped(error.message, notTried);
  }
  return signsAgain({ tpm }, key, 'after TPM2_Shutdown and a power cycle');
}

async function useEarlierKey(
  { tpm, facts }: TpmCheckContext,
  saved: NonNullable<TpmCheckContext['options']['keyFromEarlierRun']>,
): Promise<TpmFinding> {
  const resets = facts.resetCount - saved.resetCount;
  if (resets < 0) {
    return skipped(
      'the TPM was cleared since the key was made, or is another one: it was restarted less often',
      `${notTried} Remove the kept key, and begin anew.`,
    );
  }
  if (resets === 0) {
    return skipped(
      'the TPM was not restarted since the key was made',
      `${notTried} Restart the machine first.`,
    );
  }
  return signsAgain(
    { tpm },
    tpm.restoreKey(saved.key),
    `after ${resets === 1 ? 'a restart' : `${resets} restarts`} of the machine`,
  );
}

async function keepForLater(
  { tpm, facts, material }: TpmCheckContext,
  keep: NonNullable<TpmCheckContext['options']['keepKey']>,
): Promise<TpmFinding> {
  const { key } = await material.oneKey('p256');
  await keep({ key: tpm.saveKey(key), resetCount: facts.resetCount });
  return skipped('a key was kept for a run after the next restart of the machine', notTried);
}

async function signsAgain(
  { tpm }: Pick<TpmCheckContext, 'tpm'>,
  key: TrialKey,
  when: string,
): Promise<TpmFinding> {
  const message = randomBytes(64);
  try {
    const signature = await tpm.withKey(key, async (loaded) => loaded.sign('ecdsa-sha256', message));
    const { keyObject } = TpmPublicArea.parse(key.publicArea).publicKey;
    return verify('sha256', message, { key: keyObject, dsaEncoding: 'der' }, signature)
      ? pass(`it signs ${when}`, 'Users can sign in after a restart.')
      : failure(`its signature is wrong ${when}`, lost);
  } catch (error) {
    if (!isCountersignError(error) || error.code !== 'TPM_REFUSED') throw error;
    return failure(`${when} it is not loaded: ${error.message}`, lost);
  }
}
