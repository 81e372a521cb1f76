import { encodePem, type KeyInCustody } from '@countersign/core';
import { table } from '../terminal/report.ts';

export interface DescribedKey {
  readonly ref: string;
  readonly label: string;
  readonly algorithm: string;
  readonly keyId: string;
  readonly state: string;
  readonly replaces?: string;
  /** What its provider says of a destroyed key's remains. */
  readonly destruction?: string;
  readonly history: readonly { readonly to: string; readonly at: string; readonly reason: string }[];
  readonly publicKey: string;
}

export function describeKey({ ref, label, algorithm, keyId, publicKey, record }: KeyInCustody): DescribedKey {
  return {
    ref,
    label,
    algorithm,
    keyId,
    state: record?.history.state ?? 'unrecorded',
    ...(record?.replaces === undefined ? {} : { replaces: record.replaces }),
    ...(record?.destruction === undefined ? {} : { destruction: record.destruction }),
    history: (record?.history.transitions ?? []).map(({ to, at, reason }) => ({
      to,
      at: at.toISOString(),
      reason,
    })),
    publicKey: encodePem('PUBLIC KEY', publicKey),
  };
}

export function keyText(key: DescribedKey): string {
  const lines = table([
    ['reference', key.ref],
    ['label', key.label],
    ['algorithm', key.algorithm],
    ['state', key.state],
    ['key id', `SHA-256 ${key.keyId}`],
    ...(key.replaces === undefined ? [] : [['replaces', `SHA-256 ${key.replaces}`] as const]),
    ...key.history.map(({ to, at, reason }) => ['history', `${at}  ${to} (${reason})`] as const),
  ]);
  return lines + key.publicKey;
}
