import { endianness } from 'node:os';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { policyA } from '../../src/attestation/endorsement-policy.ts';
import { withEndorsementKey } from '../../src/attestation/index.ts';
import { refusal } from '../session/refusal.ts';
import { slotOf } from './endorsed-keys.ts';
import { ManufacturedTpm } from './manufactured-tpm.ts';

let tpm: ManufacturedTpm;
beforeAll(async () => {
  tpm = await ManufacturedTpm.start();
});
afterEach(async () => {
  expect(await tpm.leftovers()).toBe('');
});
afterAll(async () => tpm.stop());

const nonce = Buffer.from('a nonce of the maker');

test.each([
  ['L-1', 'rsa2048'],
  ['L-2', 'ecc256'],
])(
  'the endorsement key of %s is made from template and nonce in NV, as tpm2_createprimary makes it',
  async (name, algorithm) => {
    const { templateIndex, templateArea } = slotOf(name);
    const byDefault = await madeFor(name);
    const own = await tpm.withIndex(templateIndex, templateArea, async () => {
      expect(await madeFor(name)).toEqual(byDefault);
      return tpm.withIndex(nonceIndexOf(name), nonce, async () => madeFor(name));
    });
    expect(own).not.toEqual(byDefault);
    tpm.write('policy', policyA('sha256'));
    const [x, y] = [inMemory(padded(32), 128), inMemory(new Uint8Array(32), 128)];
    tpm.write('unique', name === 'L-1' ? inMemory(padded(256), 256) : Buffer.concat([x, y]));
    const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|adminwithpolicy|restricted|decrypt';
    await tpm.tool(
      `createprimary -C e -G ${algorithm}:null:aes128cfb -a ${attributes} -L policy -u unique -c ek.ctx`,
    );
    await tpm.tool('flushcontext -t');
    await tpm.tool('readpublic -c ek.ctx -o ek.pub');
    await tpm.tool('flushcontext -t');
    expect(own).toEqual(tpm.read('ek.pub').subarray(2));
  },
);

test('a nonce that has no template is left alone', async () => {
  const byDefault = await madeFor('L-2');
  expect(await tpm.withIndex(nonceIndexOf('L-2'), nonce, async () => madeFor('L-2'))).toEqual(byDefault);
});

test('a nonce that is too long, a template of another slot and one that is none are refused', async () => {
  const { templateIndex, templateArea } = slotOf('L-2');
  const codeWith = async (template: Uint8Array, work = async () => madeFor('L-2')): Promise<string> =>
    tpm.withIndex(templateIndex, template, async () => (await refusal(work)).code);
  expect(await codeWith(templateArea, withLongNonce)).toBe('EK_TEMPLATE_MISMATCH');
  expect(await codeWith(slotOf('H-2').templateArea)).toBe('EK_TEMPLATE_MISMATCH');
  expect(await codeWith(Uint8Array.from(Buffer.from('no template')))).toBe('TPM_REFUSED');
});

function padded(length: number): Uint8Array {
  const unique = new Uint8Array(length);
  unique.set(nonce);
  return unique;
}

/** A TPM2B as it lies in the memory of tpm2_createprimary, which reads it from a file as it is. */
function inMemory(contents: Uint8Array, capacity: number): Uint8Array {
  const buffer = new Uint8Array(2 + capacity);
  new DataView(buffer.buffer).setUint16(0, contents.length, endianness() === 'LE');
  buffer.set(contents, 2);
  return buffer;
}

async function withLongNonce(): Promise<Uint8Array> {
  return tpm.withIndex(nonceIndexOf('L-2'), new Uint8Array(33), async () => madeFor('L-2'));
}

function nonceIndexOf(name: string): number {
  const { nonceIndex } = slotOf(name);
  if (nonceIndex === undefined) throw new Error(`${name} has no nonce`);
  return nonceIndex;
}

async function madeFor(name: string): Promise<Uint8Array> {
  return tpm.use(async ({ pool }) =>
    withEndorsementKey(pool, { slot: slotOf(name) }, async (key) => key.publicArea),
  );
}
