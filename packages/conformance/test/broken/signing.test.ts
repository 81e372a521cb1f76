import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CountersignError } from '@countersign/core';
import { describe } from 'vitest';
import { paddedValue, rawValue, signWithConstantNonce, signWithSalt } from './faulty-signatures.ts';
import { withOwnKeys } from './own-keys.ts';
import { tryBroken } from './try-broken.ts';

describe('nothing is broken', () => {
  tryBroken({ 'the wrapper alone': { breaks: () => ({ rsa: true }), fails: [] } });
  tryBroken({ 'own keys, used rightly': { breaks: () => withOwnKeys(signWithSalt(undefined)), fails: [] } });
});

describe('signatures', () => {
  tryBroken({
    'r and s without DER': {
      breaks: () => ({ key: ({ sign }) => ({ sign: async (...given) => rawValue(await sign(...given)) }) }),
      fails: ['message.openssl', 'sign.ecdsa-der', 'sign.ecdsa-sha256', 'sign.first'],
    },
    'DER with zeros too many': {
      breaks: () => ({
        key: ({ sign }) => ({ sign: async (...given) => paddedValue(await sign(...given)) }),
      }),
      fails: ['message.openssl', 'sign.ecdsa-der', 'sign.ecdsa-sha256', 'sign.first'],
    },
    'a PSS salt of 20 octets': {
      breaks: () => withOwnKeys(signWithSalt(20)),
      fails: ['message.openssl', 'sign.pss-salt'],
    },
    'no PSS salt': {
      breaks: () => withOwnKeys(signWithSalt(0)),
      fails: ['message.openssl', 'sign.pss-random', 'sign.pss-salt'],
    },
    'one ECDSA nonce for all': {
      breaks: () => withOwnKeys(signWithConstantNonce),
      fails: ['sign.ecdsa-fresh', 'sign.ecdsa-nonces'],
    },
    'one signature for each message': {
      breaks: () => {
        const made = new Map<string, Uint8Array>();
        return {
          rsa: true,
          key: ({ ref, sign }) => ({
            sign: async (scheme, message) => {
              const name = `${ref} ${scheme} ${createHash('sha256').update(message).digest('hex')}`;
              const signature = Uint8Array.from(made.get(name) ?? (await sign(scheme, message)));
              made.set(name, signature);
              return Uint8Array.from(signature);
            },
          }),
        };
      },
      fails: ['sign.ecdsa-fresh', 'sign.pss-random'],
    },
    'the hash of the hash': {
      breaks: () => ({
        key: ({ sign }) => ({
          sign: async (scheme, message) => sign(scheme, createHash('sha256').update(message).digest()),
        }),
      }),
      fails: ['message.openssl', 'sign.ecdsa-sha256', 'sign.first'],
    },
    'another hash than the scheme’s': {
      breaks: () => ({
        rsa: true,
        key: ({ sign }) => ({
          sign: async (scheme, message) =>
            sign(scheme === 'rsa-pkcs1-sha384' ? 'rsa-pkcs1-sha256' : scheme, message),
        }),
      }),
      fails: ['message.openssl', 'sign.rsa-pkcs1-sha384'],
    },
    'an RSA signature with an octet before it': {
      breaks: () => ({
        rsa: true,
        key: ({ sign, algorithm }) => ({
          sign: async (scheme, message) => {
            const signature = await sign(scheme, message);
            return algorithm === 'rsa2048' && scheme === 'rsa-pkcs1-sha512'
              ? Uint8Array.of(0, ...signature)
              : signature;
          },
        }),
      }),
      fails: ['message.openssl', 'sign.rsa-length', 'sign.rsa-pkcs1-sha512'],
    },
    'any scheme is taken for the best one': {
      breaks: () => ({
        key: ({ sign, schemes }) => ({
          sign: async (scheme, message) => sign(schemes.includes(scheme) ? scheme : 'ecdsa-sha256', message),
        }),
      }),
      fails: ['sign.scheme-refused'],
    },
    'a scheme stated that is not there': {
      breaks: () => ({ key: () => ({ schemes: ['ecdsa-sha256', 'ecdsa-sha512'] }) }),
      fails: ['message.openssl', 'sign.ecdsa-der', 'sign.ecdsa-sha512'],
    },
    'a signature is wiped when the next one is made': {
      breaks: () => {
        let last = new Uint8Array();
        return {
          key: ({ sign }) => ({
            sign: async (...given) => {
              const signature = await sign(...given);
              last.fill(0);
              last = Uint8Array.from(signature);
              return last;
            },
          }),
        };
      },
      fails: [
        'message.changed-meanwhile',
        'parallel.close',
        'parallel.kinds',
        'parallel.lock',
        'parallel.opened',
        'parallel.two-keys',
      ],
    },
  });
});

describe('messages', () => {
  tryBroken({
    'the empty message is refused': {
      breaks: () => ({
        key: ({ sign }) => ({
          sign: async (scheme, message) => {
            if (message.length > 0) return sign(scheme, message);
            throw new CountersignError('VALUE_OUT_OF_RANGE', 'the message is empty', 'Sign something.');
          },
        }),
      }),
      fails: ['message.empty'],
    },
    'a huge message is cut': {
      breaks: () => ({
        key: ({ sign }) => ({
          sign: async (scheme, message) => sign(scheme, message.subarray(0, 1_000_000)),
        }),
      }),
      fails: ['message.huge'],
    },
    'the last octet of a block is left out': {
      breaks: () => ({
        key: ({ sign }) => ({
          sign: async (scheme, message) =>
            sign(scheme, message.length % 64 === 63 ? message.subarray(0, -1) : message),
        }),
      }),
      fails: ['message.odd-lengths'],
    },
    'the buffer behind the message is signed': {
      breaks: () => ({
        key: ({ sign }) => ({
          sign: async (scheme, message) =>
            sign(
              scheme,
              message.byteOffset === 0 ? message : new Uint8Array(message.buffer, 0, message.length),
            ),
        }),
      }),
      fails: ['message.view'],
    },
    'the message is read late': {
      breaks: () => ({
        key: ({ sign }) => ({
          sign: async (scheme, message) => {
            await delay(1);
            return sign(scheme, message);
          },
        }),
      }),
      fails: ['message.changed-meanwhile'],
    },
    'the message is wiped': {
      breaks: () => ({
        key: ({ sign }) => ({
          sign: async (scheme, message) => {
            const signing = sign(scheme, Uint8Array.from(message));
            message.fill(0);
            return signing;
          },
        }),
      }),
      fails: ['message.openssl', 'message.untouched', 'sign.ecdsa-sha256', 'sign.first'],
    },
    'every message is kept': {
      breaks: () => {
        const kept: Uint8Array[] = [];
        return {
          key: ({ sign }) => ({
            sign: async (scheme, message) => {
              kept.push(Uint8Array.from(message));
              return sign(scheme, message);
            },
          }),
        };
      },
      fails: ['endurance.signatures'],
    },
  });
});
