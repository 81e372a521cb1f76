import { CountersignError, TpmPublicArea } from '@countersign/core';
import { encodeTss2PrivateKey, parseTss2PrivateKey } from '../keys/tss2-private-key.ts';
import type { TpmConnection } from '../provider/tpm-connection.ts';
import { computeName, load, parsePublicArea, permanentHandles } from '../session/index.ts';
import type { LoadableObject } from '../storage/object-slots.ts';
import { storageRootKeyHandle } from '../storage/storage-root-key.ts';

/** A key that lies outside of the TPM, encrypted by it, and is loaded for each use. */
export interface InspectedKey {
  /** TPMT_PUBLIC. */
  readonly publicArea: Uint8Array;
  readonly privateArea: Uint8Array;
  /** Of a trial key alone; wiped when the inspection ends. */
  readonly authValue: Uint8Array;
  /** How long TPM2_Create took. */
  readonly madeInMs: number;
}

export function loadableKey(connection: TpmConnection, key: InspectedKey): LoadableObject {
  const { publicArea, privateArea } = key;
  return {
    slotKey: Buffer.from(privateArea).toString('base64'),
    name: computeName(parsePublicArea(publicArea).nameAlgorithm, publicArea),
    // The parent may have another handle after a restart.
    load: async () => load(connection.pool, connection.storageRootKey, key),
  };
}

/** @returns TSS2 PRIVATE KEY, PEM. The parent is named so that other programs find it. */
export function saveInspectedKey(key: InspectedKey, parentHandle: number): string {
  if (key.authValue.length > 0) {
    throw new CountersignError(
      'KEY_NOT_ACCEPTABLE',
      'a trial key with a PIN is not saved: its PIN is random and kept nowhere',
      'Save one without a PIN.',
    );
  }
  const { publicArea, privateArea } = key;
  const parent = parentHandle === storageRootKeyHandle ? parentHandle : permanentHandles.owner;
  return encodeTss2PrivateKey({ publicArea, privateArea, parent, emptyAuth: true });
}

/** @throws CountersignError `PEM_MALFORMED`, `DER_MALFORMED`, `KEY_NOT_ACCEPTABLE`, `ATTESTATION_MALFORMED` */
export function restoreInspectedKey(saved: string): InspectedKey {
  const { publicArea, privateArea } = parseTss2PrivateKey(Buffer.from(saved));
  // Refuses what is no public area.
  TpmPublicArea.parse(publicArea);
  return { publicArea, privateArea, authValue: new Uint8Array(), madeInMs: 0 };
}
