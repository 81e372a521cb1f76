import { inspect } from 'node:util';
import { describe } from 'vitest';
import { signRightly } from './faulty-signatures.ts';
import { withOwnKeys } from './own-keys.ts';
import { tryBroken } from './try-broken.ts';

describe('private keys', () => {
  tryBroken({
    'a member is the private key': {
      breaks: () => withOwnKeys(signRightly, (privateKey) => ({ privateKey })),
      fails: ['secrecy.members'],
    },
    'a member that does not show is the private key as text': {
      breaks: () =>
        withOwnKeys(signRightly, (privateKey) => {
          const text = privateKey.export({ format: 'pem', type: 'pkcs8' });
          return Object.defineProperty({}, 'hidden', { value: text, enumerable: false });
        }),
      fails: ['secrecy.inspect', 'secrecy.members'],
    },
    'the private number lies deep down in a member': {
      breaks: () =>
        withOwnKeys(signRightly, (privateKey, { algorithm }) => {
          const { d = '', p = '' } = privateKey.export({ format: 'jwk' });
          const octets = Uint8Array.from(Buffer.from(algorithm === 'p256' ? d : p, 'base64url'));
          return { state: { slots: [undefined, new Map([[1, { octets }]])] } };
        }),
      fails: ['secrecy.members'],
    },
    'a getter gives the private key as JWK': {
      breaks: () =>
        withOwnKeys(signRightly, (privateKey) => ({
          get material() {
            return privateKey.export({ format: 'jwk' });
          },
        })),
      fails: ['secrecy.json', 'secrecy.members'],
    },
    'a method exports the private key': {
      breaks: () =>
        withOwnKeys(signRightly, (privateKey) => ({
          exportKey: async () => privateKey.export({ format: 'der', type: 'pkcs8' }),
        })),
      fails: ['secrecy.methods'],
    },
    'the JSON has the private key': {
      breaks: () =>
        withOwnKeys(signRightly, (privateKey) => ({ toJSON: () => privateKey.export({ format: 'jwk' }) })),
      fails: ['secrecy.json', 'secrecy.methods'],
    },
    'what is logged shows the private key': {
      breaks: () =>
        withOwnKeys(signRightly, (privateKey) => ({
          [inspect.custom]: () => privateKey.export({ format: 'pem', type: 'pkcs8' }),
        })),
      fails: ['secrecy.inspect'],
    },
  });
});
