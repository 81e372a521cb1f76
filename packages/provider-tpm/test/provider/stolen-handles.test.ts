import { createSwtpmTransport, getHandles, TpmCommandQueue } from '@countersign/provider-tpm';
import { expect, test } from 'vitest';
import { createPrimary, SessionPool, startAuthSession } from '../../src/session/index.ts';
import { owner, signingTemplate } from '../session/keys.ts';
import { failures, openProvider, startTpm, utf8 } from './scene.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const pin = utf8('482913');

test('after a reset others have our handles: neither is theirs used, nor our PIN counted as a wrong one', async () => {
  const tpm = await startTpm();
  const provider = await openProvider({ uri: tpm.uri, storeDirectory: await temporaryDirectory() });
  const key = await provider.generate({ algorithm: 'p256', pin });
  await key.sign('ecdsa-sha256', pin);
  await tpm.restart();

  const others = new TpmCommandQueue(createSwtpmTransport(tpm.endpoint));
  // The TPM counts one for its unclean end.
  const before = await failures(others);
  const pool = new SessionPool(others, { salt: 'unsalted' });
  const template = { publicArea: signingTemplate({ guessable: false }), authValue: utf8('theirs') };
  const handles = [
    (await createPrimary(pool, owner, template)).handle,
    (await createPrimary(pool, owner, template)).handle,
    (await startAuthSession(others, 'hmac', { salt: 'unsalted' })).handle,
  ];
  expect(handles).toEqual([0x80000000, 0x80000001, 0x02000001]);
  await others.close();

  // They leave too few slots, and that is what is told.
  await expect(key.sign('ecdsa-sha256', pin)).rejects.toMatchObject({ code: 'TPM_BUSY' });
  expect(key.locked).toBe(false);
  const again = new TpmCommandQueue(createSwtpmTransport(tpm.endpoint));
  // One client at a time.
  await provider.close();
  expect(await failures(again)).toBe(before);
  expect(await getHandles(again, 'transient')).toEqual(handles.slice(0, 2));
  await again.close();
});
