import { parseAttest, parsePublicArea, parseSavedContext, parseSignature } from '@countersign/provider-tpm';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { marshal, marshalSized, unmarshal } from '../src/structures/marshal.ts';
import {
  TpmBuffer,
  TPM2B_PUBLIC,
  TPM_HANDLE,
  TPML_HANDLE,
  TPMS_CLOCK_INFO,
  TPMT_PUBLIC,
} from '../src/structures/tss.ts';
import { refusal } from './refusal.ts';

const eccPoint = `0020${'11'.repeat(32)}0020${'22'.repeat(32)}`;
const eccPublic = Buffer.from(`0023000b000304720000000600800043001000030010${eccPoint}`, 'hex');
// TPM_GENERATED, certify, signer, nonce, clock info, firmware, name, qualified name.
const attest = Buffer.concat(
  ['ff544347', '8017', '00020a0b', '0003010203', '8000000000000001', '00000001', '00000002', '01']
    .concat('fffffffffffffffe', '0002aabb', '0002ccdd')
    .map((field) => Buffer.from(field, 'hex')),
);
const ecdsa = Buffer.from('0018000b000201020002f304', 'hex');
const rsapss = Buffer.from('0016000b0003010203', 'hex');
const context = Buffer.from('fffffffffffffffe8000000040000001000401020304', 'hex');

test('numbers of 32 and 64 bits are read and written whole', () => {
  const buffer = new TpmBuffer(Buffer.from('80000000ffffffffffffffff0000', 'hex'));
  expect(buffer.readInt()).toBe(0x8000_0000);
  expect(BigInt(buffer.readInt64())).toBe(0xffff_ffff_ffff_ffffn);
  buffer.readInt();
  expect(buffer.isOk()).toBe(false);
  const info = new TPMS_CLOCK_INFO(2 ** 53 - 1, 0xffff_ffff, -1, 1);
  expect(Buffer.from(marshal(info)).toString('hex')).toBe('001fffffffffffffffffffffffffffff01');
});

test('what does not fit its place is not written', async () => {
  for (const structure of [
    new TPMS_CLOCK_INFO(0, 2 ** 32, 0, 0),
    new TPMS_CLOCK_INFO(0, NaN, 0, 0),
    new TPML_HANDLE(Array.from({ length: 1024 }, () => new TPM_HANDLE(1))),
  ]) {
    expect((await refusal(() => marshal(structure))).code).toBe('VALUE_OUT_OF_RANGE');
  }
});

test('structures read as what they say, with the bytes that are signed', () => {
  expect(parsePublicArea(eccPublic)).toMatchObject({
    kind: 'ecc',
    curve: 3,
    bytes: Uint8Array.from(eccPublic),
  });
  expect(parseAttest(attest)).toEqual({
    bytes: Uint8Array.from(attest),
    qualifiedSigner: Uint8Array.of(10, 11),
    extraData: Uint8Array.of(1, 2, 3),
    clockInfo: { clock: 0x8000_0000_0000_0001n, resetCount: 1, restartCount: 2, safe: true },
    firmwareVersion: 0xffff_ffff_ffff_fffen,
    attested: { kind: 'certify', name: Uint8Array.of(0xaa, 0xbb), qualifiedName: Uint8Array.of(0xcc, 0xdd) },
  });
  expect(parseSignature(ecdsa)).toEqual({
    scheme: 'ecdsa',
    hash: 0x0b,
    r: Uint8Array.of(1, 2),
    s: Uint8Array.of(0xf3, 4),
  });
  expect(parseSignature(rsapss)).toEqual({ scheme: 'rsapss', hash: 0x0b, signature: Uint8Array.of(1, 2, 3) });
  expect(parseSavedContext(context)).toMatchObject({
    sequence: 0xffff_ffff_ffff_fffen,
    savedHandle: 0x8000_0000,
  });
  const area = unmarshal(TPMT_PUBLIC, eccPublic);
  expect(Buffer.from(marshal(area))).toEqual(eccPublic);
  expect(Buffer.from(marshal(unmarshal(TPM2B_PUBLIC, marshalSized(area))))).toEqual(
    Buffer.from(marshalSized(area)),
  );
});

test('an inner size that is wrong is refused', async () => {
  const sized = Buffer.from(marshalSized(unmarshal(TPMT_PUBLIC, eccPublic)));
  sized.writeUInt16BE(sized.readUInt16BE() - 1);
  expect((await refusal(() => unmarshal(TPM2B_PUBLIC, sized))).code).toBe('TPM_REPLY_MALFORMED');
  const list = Buffer.from('ffffffff80000000', 'hex');
  expect((await refusal(() => unmarshal(TPML_HANDLE, list))).code).toBe('TPM_REPLY_MALFORMED');
});

test('what was not made inside a TPM is no attestation', async () => {
  const forged = Buffer.from(attest);
  forged[0] = 0;
  expect((await refusal(() => parseAttest(forged))).message).toContain('TPM_GENERATED_VALUE');
  const unsure = Buffer.from(attest);
  unsure[31] = 2;
  expect((await refusal(() => parseAttest(unsure))).code).toBe('TPM_REPLY_MALFORMED');
});

const parsers: readonly (readonly [string, (bytes: Uint8Array) => unknown, Buffer])[] = [
  ['TPMT_PUBLIC', parsePublicArea, eccPublic],
  ['TPMS_ATTEST', parseAttest, attest],
  ['TPMT_SIGNATURE', parseSignature, ecdsa],
  ['TPMS_CONTEXT', parseSavedContext, context],
];

test.each(parsers)('%s is refused when cut or lengthened anywhere', async (_, parse, sound) => {
  parse(sound);
  for (let length = 0; length < sound.length; length += 1) {
    expect((await refusal(() => parse(sound.subarray(0, length)))).code).toBe('TPM_REPLY_MALFORMED');
  }
  const longer = Buffer.concat([sound, Buffer.of(0)]);
  expect((await refusal(() => parse(longer))).code).toBe('TPM_REPLY_MALFORMED');
});

test.each(parsers)(
  '%s with any bytes changed reads, or is refused with one code',
  async (_, parse, sound) => {
    const changes = fc.array(fc.tuple(fc.nat({ max: sound.length - 1 }), fc.nat({ max: 255 })), {
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(changes, async (edits) => {
        const changed = Buffer.from(sound);
        for (const [at, value] of edits) changed[at] = value;
        try {
          parse(changed);
        } catch {
          expect((await refusal(() => parse(changed))).code).toBe('TPM_REPLY_MALFORMED');
        }
      }),
      { numRuns: 500 },
    );
  },
);
