import { TpmPublicArea, verifySignature } from '@countersign/core';
import { createSwtpmControl, createTpmInspection, openTransport } from '@countersign/provider-tpm';
import { expect, onTestFinished, test } from 'vitest';
import { codeOf } from './provider/relay.ts';
import { expectNothingLeft, makeScene } from './provider/scene.ts';
import { refusal } from './refusal.ts';
import { startSimulator } from './simulator.ts';
import { startSwtpm } from './start-swtpm.ts';

const message = Buffer.from('message');

test('keys lie outside of the TPM, and are of use after a power cycle of the reference simulator', async () => {
  const swtpm = await startSwtpm({ over: 'unix', started: false });
  onTestFinished(async () => swtpm.stop());
  const tpm = await openTransport(swtpm.uri);
  onTestFinished(async () => tpm.close());
  const simulator = await startSimulator(tpm, createSwtpmControl(swtpm.control));
  onTestFinished(async () => simulator.stop());
  const inspection = createTpmInspection({ uri: `tpm:mssim=127.0.0.1:${simulator.command.port}` });
  const before = await inspection.holdings();
  await inspection.open();
  const { resetCount } = await inspection.facts();
  const key = await inspection.createKey({ algorithm: 'p256' });
  const restored = inspection.restoreKey(inspection.saveKey(key));
  await inspection.restart?.();
  expect(simulator.signals).toContain(2);
  expect((await inspection.facts()).resetCount).toBe(resetCount + 1);
  const signature = await inspection.withKey(restored, async (loaded) =>
    loaded.sign('ecdsa-sha256', message),
  );
  const { publicKey } = TpmPublicArea.parse(key.publicArea);
  expect(verifySignature(publicKey, 'ecdsa-sha256', message, signature)).toBe(true);
  await inspection.close();
  expect(await inspection.holdings()).toEqual(before);
});

test('a session that was started though the answer says otherwise is flushed at the end', async () => {
  const { relay } = await makeScene();
  const inspection = createTpmInspection({ uri: relay.uri });
  await inspection.holdings();
  await inspection.open();
  let refused = 0;
  relay.onResponse = (response, command) => {
    // The first two of TPM2_StartAuthSession: what was started is in the TPM, and nobody is told.
    if (codeOf(command) !== 0x176 || refused === 2) return response;
    refused += 1;
    return Buffer.from('80010000000a00000101', 'hex');
  };
  for (let tries = 0; tries < 2; tries += 1) {
    expect((await refusal(async () => inspection.random(32))).code).toBe('TPM_REFUSED');
  }
  await inspection.close();
  expect(refused).toBe(2);
  await expectNothingLeft(relay);
});

test('where nonces are altered, what is found wrong is the way there, and no PIN', async () => {
  const { relay } = await makeScene();
  const inspection = createTpmInspection({ uri: relay.uri });
  await inspection.holdings();
  await inspection.open();
  relay.onResponse = (response, command) => {
    if (codeOf(command) === 0x176) response[response.length - 1] = (response.at(-1) ?? 0) ^ 1;
    return response;
  };
  const error = await refusal(async () => inspection.random(32));
  expect(error.code).toBe('TPM_RESPONSE_NOT_AUTHENTIC');
  relay.honest();
  expect((await inspection.random(32)).length).toBe(32);
  await inspection.close();
  await expectNothingLeft(relay);
});

test('what is closed does nothing more, and closing again is no error', async () => {
  const { relay } = await makeScene();
  const inspection = createTpmInspection({ uri: relay.uri });
  await inspection.open();
  await inspection.close();
  await inspection.close();
  expect((await refusal(async () => inspection.facts())).code).toBe('PROVIDER_CLOSED');
  expect(inspection.restart).toBeTypeOf('function');
  expect(createTpmInspection({ uri: 'tpm:device=/dev/tpmrm0' }).restart).toBeUndefined();
});
