import { recorded, type KeyRecord } from './key-record.ts';

/**
 * What installing a certificate does to the records: the key becomes active if it was not yet, and the one whose place
 * it takes is deactivated, once.
 * @returns the records that change
 */
export function activate(
  records: ReadonlyMap<string, KeyRecord>,
  keyId: string,
  at: Date,
): readonly KeyRecord[] {
  const record = recorded(records.get(keyId), keyId);
  const activated =
    record.history.state === 'pre-activation'
      ? [{ ...record, history: record.history.moveTo('active', at, 'certificate installed') }]
      : [];
  const replaced = record.replaces === undefined ? undefined : records.get(record.replaces);
  const inUse = replaced?.history.state === 'active' || replaced?.history.state === 'suspended';
  if (replaced === undefined || !inUse) return activated;
  return [
    ...activated,
    { ...replaced, history: replaced.history.moveTo('deactivated', at, `replaced by the key ${keyId}`) },
  ];
}
