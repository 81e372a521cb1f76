import type { Key } from '../keys/key-provider.ts';
import { keyIdOf, recorded, type KeyRecordStore } from './key-record.ts';
import { permitSignature } from './permit-signature.ts';

/**
 * The members of a key that sign nothing. Whatever else a key can do is hidden: a way to sign that this list has not
 * heard of must not lead past its state.
 */
const passedOn: ReadonlySet<PropertyKey> = new Set([
  'ref',
  'label',
  'algorithm',
  'publicKey',
  'schemes',
  'locked',
  'unlock',
  'lock',
  'changePin',
  'retriesLeft',
  'originClaims',
  // TPM2_Certify: signs with the attestation key, and only what the TPM says of this key.
  'attest',
]);

/** A key that asks its record before each signature, and is otherwise the same, its PIN included. */
export function manageKey(key: Key, records: KeyRecordStore): Key {
  const keyId = keyIdOf(key);
  const sign: Key['sign'] = async (scheme, message) => {
    // What is judged is what is signed, whatever the caller does to its buffer meanwhile.
    const toBeSigned = Uint8Array.from(message);
    permitSignature(recorded(await records.find(keyId), key.ref), key.publicKey, toBeSigned);
    return key.sign(scheme, toBeSigned);
  };
  return new Proxy(key, {
    has: (_, name) => name === 'sign' || (passedOn.has(name) && Reflect.has(key, name)),
    get(_, name): unknown {
      if (name === 'sign') return sign;
      if (!passedOn.has(name)) return undefined;
      const member: unknown = Reflect.get(key, name, key);
      return typeof member === 'function' ? member.bind(key) : member;
    },
    set: () => false,
    defineProperty: () => false,
  });
}
