import { readFile, readdir } from 'node:fs/promises';
import { Certificate, decodePemOrDer } from '@countersign/core';
import { ProvisioningJournal } from '@countersign/hello';
import { renewAt } from '@countersign/hello/renewal';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../temporary-directory.ts';
import { makeAuthorities } from '../user/authorities.ts';
import { foundHousehold, openHousehold, provisionAlice } from '../user/household.ts';
import { kills, runOrder } from '../user/order.ts';

test(`a renewal that is killed (${kills} times) at any moment ends with one new certificate, and has one at all times`, async () => {
  let killed = 0;
  while (killed < kills) {
    const folder = await temporaryDirectory();
    const household = await foundHousehold(folder);
    const authorities = await makeAuthorities(household.premises);
    const old = await provisionAlice(household, authorities);
    authorities.now = new Date(authorities.now.getTime() + 300 * 86_400_000);
    const { submit } = renewAt(authorities.ca, household.premises);
    const args = ['renew', folder, authorities.now.toISOString()];
    for (let ended: number | string = 'SIGKILL'; ended !== 0;) {
      ended = await runOrder(args, killed < kills ? Math.random() * 60 : 60_000, submit);
      if (ended === 'SIGKILL') killed += 1;
      else expect(ended).toBe(0);
      const [beside] = await (await openHousehold(folder)).provider.listCertificates();
      const inFile = decodePemOrDer(await readFile(household.pemPath), ['CERTIFICATE']);
      for (const present of [beside?.certificate ?? new Uint8Array(), inFile]) {
        expect(Certificate.parse(present).publicKey.equals(Certificate.parse(old).publicKey)).toBe(true);
      }
    }
    const { keyId } = Certificate.parse(old).publicKey;
    const [, renewed, ...others] = await authorities.ledger.findByKey(keyId);
    expect(others).toEqual([]);
    const expected = Buffer.from(renewed?.certificate ?? []);
    const [beside] = await (await openHousehold(folder)).provider.listCertificates();
    expect(Buffer.from(beside?.certificate ?? [])).toEqual(expected);
    expect(decodePemOrDer(await readFile(household.pemPath), ['CERTIFICATE'])).toEqual(expected);
    const noted = (await new ProvisioningJournal(household.state).read())?.certificate;
    expect(Buffer.from(noted ?? [])).toEqual(expected);
    expect(await readdir(household.state)).not.toContain('renewal.json');
  }
  expect(killed).toBeGreaterThan(0);
});
