import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
  type KeyObject,
} from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import * as core from '@countersign/core';
import { KeyFile, refuse, syntax } from './key-file.ts';

/** Keys of P-256 in one file, for one process at a time. */
export function openPkcs8File(path: string): core.KeyProvider {
  const file = new KeyFile(path);
  const description = `PKCS#8 keys in ${path}`;
  const destruction = 'the encrypted key was removed from its file; the medium was not overwritten';
  return {
    info: { scheme: 'pkcs8', description, destruction, algorithms: ['p256'] },
    generate: async ({ algorithm, label = '', pin = new Uint8Array() }) => {
      if (algorithm !== 'p256')
        refuse('ALGORITHM_NOT_SUPPORTED', `no keys of the algorithm ${algorithm} are made`);
      if (!label.isWellFormed()) refuse('VALUE_OUT_OF_RANGE', 'the label is not well-formed Unicode');
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');
      const line = [randomUUID(), label, spki, encrypt(privateKey, pin)];
      await file.change((lines) => [...lines, line]);
      return keyOf(file, line, privateKey);
    },
    open: async (ref) => keyOf(file, await file.find(ref)),
    list: async () => (await file.read()).map(describe),
    destroy: async (ref) => {
      const [id] = await file.find(ref);
      await file.change((lines) => lines.filter((line) => line[0] !== id));
    },
    close: async () => void (file.closed = true),
  };
}

function keyOf(file: KeyFile, line: string[], made?: KeyObject): core.Key & core.PinProtected {
  const described = describe(line);
  let privateKey = made;
  const decrypt = async (pin: Uint8Array): Promise<KeyObject> => {
    const passphrase = Buffer.from(pin); // Before anything is waited for: the caller may wipe its own.
    const [, , , key = ''] = await file.find(described.ref);
    try {
      return createPrivateKey({ key, passphrase });
    } catch {
      return refuse('PIN_INCORRECT', 'the PIN is wrong; tries are not limited');
    }
  };
  return {
    ...described,
    schemes: ['ecdsa-sha256'],
    get locked() {
      return file.closed || privateKey === undefined;
    },
    sign: async (scheme, message) => {
      const signature = privateKey && sign('sha256', message, privateKey); // The same holds for the message.
      await file.find(described.ref);
      if (scheme !== 'ecdsa-sha256') refuse('SCHEME_NOT_SUPPORTED', `the key does not sign with ${scheme}`);
      return Uint8Array.from(signature ?? refuse('PIN_REQUIRED', 'the key is locked'));
    },
    unlock: async (pin) => void (privateKey = await decrypt(pin)),
    lock: () => void (privateKey = undefined),
    changePin: async (currentPin, newPin) => {
      const next = Uint8Array.from(newPin);
      const changed = [...line.slice(0, 3), encrypt(await decrypt(currentPin), next)];
      await file.change((lines) => lines.map((each) => (each[0] === line[0] ? changed : each)));
    },
    retriesLeft: async () => Number.MAX_SAFE_INTEGER,
  };
}

function describe([id = '', label = '', spki = '']: string[]): core.KeyDescription {
  const publicKey = Uint8Array.from(Buffer.from(spki, 'base64'));
  return { ref: core.formatKeyReference(syntax, { id }), label, algorithm: 'p256', publicKey };
}

function encrypt(key: KeyObject, pin: Uint8Array): string {
  if (pin.length < 4 || !isUtf8(pin)) refuse('PIN_INVALID', 'the PIN is shorter than 4 octets, or not UTF-8');
  return key
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: Buffer.from(pin) })
    .toString();
}
