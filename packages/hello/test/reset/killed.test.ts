import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Certificate } from '@countersign/core';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../temporary-directory.ts';
import { makeAuthorities } from '../user/authorities.ts';
import { foundHousehold, openHousehold, provisionAlice, upn } from '../user/household.ts';
import { kills, runOrder } from '../user/order.ts';

test(`a reset that is killed (${kills} times) at any moment ends with nothing left`, async () => {
  let killed = 0;
  while (killed < kills) {
    const folder = await temporaryDirectory();
    const household = await foundHousehold(folder);
    const certificate = await provisionAlice(household, await makeAuthorities(household.premises));
    const { keyId } = Certificate.parse(certificate).publicKey;
    for (let ended: number | string = 'SIGKILL'; ended !== 0;) {
      ended = await runOrder(['reset', folder], killed < kills ? Math.random() * 40 : 60_000);
      if (ended === 'SIGKILL') killed += 1;
      else expect(ended).toBe(0);
    }
    const after = await openHousehold(folder);
    expect(await after.provider.list()).toEqual([]);
    expect(await after.provider.listCertificates()).toEqual([]);
    expect((await after.custody.findRecord(keyId))?.history.state).toBe('destroyed');
    for (const directory of [after.cloud, after.premises]) {
      expect((await directory.findByUpn(upn))?.keyCredentials).toEqual([]);
    }
    await expect(access(after.pemPath)).rejects.toThrow('ENOENT');
    await access(join(folder, `revoked-${keyId}`));
    const left = (await readdir(after.state)).filter((name) => name.endsWith('.json'));
    expect(left).toEqual(['key-records.json']);
  }
  expect(killed).toBeGreaterThan(0);
});
