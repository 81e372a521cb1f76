import { CountersignError } from '@countersign/core';
import { TpmBuffer, type TpmStructure } from './tss.ts';

/** No structure of TPM 2.0 is larger. */
const maxStructureLength = 4096;

/**
 * The bytes of a structure, as TPM 2.0 part 2 writes it.
 * @throws CountersignError `VALUE_OUT_OF_RANGE` if a field does not fit its place, or the whole not 4096 bytes.
 */
export function marshal(structure: TpmStructure): Uint8Array {
  const buffer = new TpmBuffer(maxStructureLength);
  try {
    structure.toTpm(buffer);
  } catch (error) {
    throw notWritable(structure, error);
  }
  if (!buffer.isOk()) throw notWritable(structure, `it has more than ${maxStructureLength} bytes`);
  return Uint8Array.from(buffer.trim());
}

/** As `marshal`, with the 16-bit size in front: the TPM2B form. */
export function marshalSized(structure: TpmStructure): Uint8Array {
  return sized(marshal(structure));
}

/** Bytes behind their 16-bit size. */
export function sized(bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0xffff) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `${bytes.length} bytes are too many for a TPM2B structure, which has at most 65535`,
      'Give fewer bytes.',
    );
  }
  const whole = new Uint8Array(2 + bytes.length);
  new DataView(whole.buffer).setUint16(0, bytes.length);
  whole.set(bytes, 2);
  return whole;
}

/**
 * Reads one structure that takes up all the bytes. What was read must also write back to the same bytes, which
 * refuses inner sizes that are wrong and values that tss.js would read over.
 * @throws CountersignError `TPM_REPLY_MALFORMED`.
 */
export function unmarshal<T extends TpmStructure>(type: new () => T, bytes: Uint8Array): T {
  const buffer = new TpmBuffer(bytes);
  const structure = new type();
  let rewritten: Uint8Array;
  try {
    structure.initFromTpm(buffer);
    if (!buffer.isOk()) throw structureMalformed(type.name, `it is cut short after ${bytes.length} bytes`);
    if (buffer.curPos !== bytes.length) {
      throw structureMalformed(type.name, `${bytes.length - buffer.curPos} bytes follow its end`);
    }
    rewritten = marshal(structure);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'TPM_REPLY_MALFORMED') throw error;
    throw structureMalformed(type.name, error instanceof Error ? error.message : 'it cannot be read', error);
  }
  if (Buffer.compare(rewritten, bytes) !== 0) {
    throw structureMalformed(type.name, 'a size or a reserved field in it is wrong');
  }
  return structure;
}

/** For a structure that came from a TPM, a file or another machine, and is not what its type demands. */
export function structureMalformed(name: string, problem: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'TPM_REPLY_MALFORMED',
    `the ${name} is not well-formed: ${problem}`,
    'It was damaged on its way, or is of a kind that this version does not know.',
    { cause },
  );
}

function notWritable(structure: TpmStructure, cause: unknown): CountersignError {
  const problem = cause instanceof Error ? cause.message : cause;
  return new CountersignError(
    'VALUE_OUT_OF_RANGE',
    `the ${structure.constructor.name} cannot be written: ${String(problem)}`,
    'Give each field a value that its TPM type can hold.',
    { cause },
  );
}
