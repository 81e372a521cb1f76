import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  auditEvents,
  caIssue,
  countersignFor,
  enrollmentSite,
  filesOf,
  type Site,
} from './enrollment-site.ts';

/** Core's own tests flip every bit; here a sample of them goes the whole way. */
const positions = 40;

let site: Site;
beforeAll(async () => {
  site = await enrollmentSite();
  await countersignFor(site, 'alice.pem', 'whole.cms');
});
afterAll(async () => site.remove());

test(`one flipped bit, in any of ${positions} places, and the CA refuses`, async () => {
  const whole = await readFile(join(site.path, 'whole.cms'));
  const places = Array.from({ length: positions }, (_, index) => ({
    octet: Math.floor(((index + 0.5) * whole.length) / positions),
    bit: index % 8,
    name: `flipped-${index}.cms`,
  }));
  for (const { octet, bit, name } of places) {
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(octet) ^ (1 << bit), octet);
    await writeFile(join(site.path, name), flipped);
  }
  const files = await filesOf(site);
  const events = await auditEvents(site);

  const codes = new Set<string>();
  const refuseFrom = async (first: number): Promise<void> => {
    for (const { octet, bit, name } of places.filter((_, index) => index % 2 === first)) {
      const { code } = await site.refusal(caIssue(name, 'out.pem')).catch((cause: unknown) => {
        throw new Error(`bit ${bit} of octet ${octet} flipped`, { cause });
      });
      codes.add(code);
    }
  };
  await Promise.all([refuseFrom(0), refuseFrom(1)]);

  expect(codes).not.toContain('UNEXPECTED');
  expect(codes).toContain('SIGNATURE_INVALID');
  expect(codes).toContain('DER_MALFORMED');
  expect(await filesOf(site)).toEqual(files);
  expect(await auditEvents(site)).toEqual([
    ...events,
    ...Array.from({ length: positions }, () => 'request-refused'),
  ]);
  expect(await site.runJson(['ca', 'audit', 'verify', '--dir', 'ca'])).toMatchObject({ whole: true });

  await site.runJson(caIssue('whole.cms', 'out.pem'));
});
