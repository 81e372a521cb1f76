import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Certificate } from '@countersign/core';
import {
  findEndorsementKeySlots,
  readEndorsementCertificate,
  readEndorsementCertificateChain,
} from '../../src/attestation/index.ts';
import { commands, hierarchyChangeAuth, type TpmChannel } from '../../src/session/index.ts';
import { owner, saltedPool, utf8 } from '../session/keys.ts';
import { codeOf } from '../session/channels.ts';
import { refusal } from '../session/refusal.ts';
import { certificateOf, slotOf } from './endorsed-keys.ts';
import { ManufacturedTpm } from './manufactured-tpm.ts';

let tpm: ManufacturedTpm;
let rsa: Certificate;
let p384: Certificate;
beforeAll(async () => {
  tpm = await ManufacturedTpm.start();
  [rsa, p384] = await tpm.use(
    async ({ pool }) => [await certificateOf(pool, 'L-1'), await certificateOf(pool, 'H-3')] as const,
  );
});
afterEach(async () => {
  expect(await tpm.leftovers()).toBe('');
});
afterAll(async () => tpm.stop());

function padded(certificate: Certificate, length: number, octet: number): Uint8Array {
  const contents = new Uint8Array(length).fill(octet);
  contents.set(certificate.der);
  return contents;
}

test('the certificates that the manufacturer left are found, and read as tpm2_nvread reads them', async () => {
  const slots = await tpm.use(async ({ pool }) => findEndorsementKeySlots(pool));
  expect(slots.map(({ template }) => template.name)).toEqual(['L-1', 'H-3']);
  for (const [slot, certificate] of [
    ['L-1', rsa],
    ['H-3', p384],
  ] as const) {
    await tpm.tool(`nvread 0x${slotOf(slot).certificateIndex.toString(16)} -o certificate`);
    expect(certificate.der).toEqual(tpm.read('certificate'));
  }
});

test.each([
  ['00', 1600, 0x00],
  ['FF', 1600, 0xff],
])('a certificate is read where its place is filled up with %s', async (_, length, octet) => {
  await tpm.withIndex(slotOf('L-2').certificateIndex, padded(rsa, length, octet), async () => {
    expect((await read('L-2'))?.der).toEqual(rsa.der);
  });
});

test('an index that is missing, was never written or holds nothing but filling has no certificate', async () => {
  const { certificateIndex } = slotOf('L-2');
  expect(await read('L-2')).toBeUndefined();
  for (const contents of [{ unwrittenBytes: 100 }, new Uint8Array(100), new Uint8Array(100).fill(0xff)]) {
    await tpm.withIndex(certificateIndex, contents, async () => expect(await read('L-2')).toBeUndefined());
  }
});

test('what is no certificate, cut off, followed by something or doubled is refused with its place', async () => {
  const { certificateIndex } = slotOf('L-2');
  for (const contents of [
    Buffer.from('no certificate'),
    rsa.der.slice(0, -1),
    Buffer.concat([rsa.der, Buffer.from([0x00, 0x01])]),
    Buffer.concat([rsa.der, p384.der]),
    Buffer.from('300100', 'hex'),
    Buffer.from('3080', 'hex'),
    Buffer.from('30840000000100', 'hex'),
  ]) {
    await tpm.withIndex(certificateIndex, Uint8Array.from(contents), async () => {
      const error = await refusal(async () => read('L-2'));
      expect(error.code).toBe('EK_CERTIFICATE_NOT_ACCEPTABLE');
      expect(error.message).toContain('NV index 0x01c0000a');
    });
  }
});

test('an index that only the owner may read is read with the authorization of the owner', async () => {
  const slot = slotOf('H-2');
  const secret = utf8('secret of the owner');
  const work = async (): Promise<void> =>
    tpm.use(async ({ pool }) => {
      expect((await readEndorsementCertificate(pool, slot))?.der).toEqual(rsa.der);
      await hierarchyChangeAuth(pool, owner, secret);
      const authorization = { kind: 'hmac', authValue: secret } as const;
      const found = await readEndorsementCertificate(pool, slot, { owner: authorization });
      expect(found?.der).toEqual(rsa.der);
      expect((await refusal(async () => readEndorsementCertificate(pool, slot))).code).toBe('TPM_REFUSED');
      await hierarchyChangeAuth(pool, { ...owner, authorization }, new Uint8Array());
    });
  await tpm.withIndex(slot.certificateIndex, rsa.der, work, 'ownerwrite|ownerread');
});

test('certificates of CAs are read from all indices that they go on in', async () => {
  expect(await chain()).toEqual([]);
  const [first, second] = [padded(p384, p384.der.length + 9, 0xff), rsa.der];
  await tpm.withIndex(0x01c00100, first, async () =>
    tpm.withIndex(0x01c00101, second.slice(0, 300), async () =>
      tpm.withIndex(0x01c00102, second.slice(300), async () => {
        expect((await chain()).map(({ der }) => der)).toEqual([p384.der, rsa.der]);
      }),
    ),
  );
});

test.each([64, 1000])('no chunk is larger than a TPM_PT_NV_BUFFER_MAX of %s', async (most) => {
  const sizes: number[] = [];
  await tpm.use(async ({ queue, srk }) => {
    const limited: TpmChannel = {
      async exchange(command) {
        const bytes = Buffer.from(command);
        // Size and offset end the command.
        if (codeOf(command) === commands.nvRead.code) sizes.push(bytes.readUInt16BE(bytes.length - 4));
        const response = Buffer.from(await queue.exchange(command));
        const isProperty = codeOf(command) === commands.getCapability.code && bytes.readUInt32BE(10) === 6;
        if (isProperty) response.writeUInt32BE(most, response.length - 4);
        return Uint8Array.from(response);
      },
    };
    const pool = saltedPool(limited, srk);
    expect((await certificateOf(pool, 'L-1')).der).toEqual(rsa.der);
    await pool.close();
  });
  expect(Math.max(...sizes)).toBe(Math.min(most, rsa.der.length));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(rsa.der.length);
});

async function read(name: string): Promise<Certificate | undefined> {
  return tpm.use(async ({ pool }) => readEndorsementCertificate(pool, slotOf(name)));
}

async function chain(): Promise<readonly Certificate[]> {
  return tpm.use(async ({ pool }) => readEndorsementCertificateChain(pool));
}
