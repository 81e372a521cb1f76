import { sized } from './marshal.ts';
import { StructureReader } from './structure-reader.ts';

/** TPMS_CONTEXT (TPM 2.0 part 2, 14.5): an object or session outside the TPM, encrypted by it. */
export interface SavedContext {
  readonly sequence: bigint;
  readonly savedHandle: number;
  readonly hierarchy: number;
  readonly contextBlob: Uint8Array;
}

/** @throws CountersignError `TPM_REPLY_MALFORMED`. */
export function parseSavedContext(bytes: Uint8Array): SavedContext {
  const reader = new StructureReader('TPMS_CONTEXT', bytes);
  const context = {
    sequence: reader.uint64(),
    savedHandle: reader.uint32(),
    hierarchy: reader.uint32(),
    contextBlob: reader.sized(),
  };
  reader.end();
  return context;
}

/** @throws CountersignError `VALUE_OUT_OF_RANGE` for a blob of more than 65535 bytes. */
export function encodeSavedContext(context: SavedContext): Uint8Array {
  const blob = sized(context.contextBlob);
  const bytes = new Uint8Array(16 + blob.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, context.sequence);
  view.setUint32(8, context.savedHandle);
  view.setUint32(12, context.hierarchy);
  bytes.set(blob, 16);
  return bytes;
}
