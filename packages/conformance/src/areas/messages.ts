import { randomBytes } from 'node:crypto';
import type { CaseContext } from '../case-context.ts';
import { contract, inArea } from '../conformance-case.ts';
import { checkSame, Deviation, Skipped } from '../deviation.ts';
import { findOpenssl, opensslVerifies } from '../openssl.ts';
import { checkVerifies } from '../signature-check.ts';

const wholeMessage = 'Signs a whole message of any length; the provider hashes.';

/** Where hashes of 64 and 128 octets a block pad into one more block, and where buffers end. */
const oddLengths = [
  2, 31, 32, 33, 55, 56, 57, 63, 64, 65, 111, 112, 113, 119, 127, 128, 129, 255, 256, 1023, 4097,
];

export const messageCases = inArea('messages', [
  {
    id: 'message.empty',
    title: 'the empty message is signed',
    rule: wholeMessage,
    source: `${contract.key}; FIPS 180-4 5.1`,
    needs: ['sign.first'],
    run: async (context) => signAndVerify(context, new Uint8Array()),
  },
  {
    id: 'message.one-octet',
    title: 'every kind of key signs one octet',
    rule: wholeMessage,
    source: contract.key,
    needs: ['sign.first'],
    run: async (context) => signAndVerify(context, Uint8Array.of(0)),
  },
  {
    id: 'message.odd-lengths',
    title: 'messages about as long as blocks of the hash are signed whole',
    rule: wholeMessage,
    source: `${contract.key}; FIPS 180-4 5.1`,
    needs: ['sign.first'],
    run: async (context) => {
      for (const length of oddLengths) await signAndVerify(context, randomBytes(length));
    },
  },
  {
    id: 'message.huge',
    title: 'a message of 5 MB is signed whole',
    rule: wholeMessage,
    source: contract.key,
    needs: ['sign.first'],
    run: async (context) => signAndVerify(context, new Uint8Array(5_000_000).fill(0x5a)),
  },
  {
    id: 'message.view',
    title: 'a view into a larger buffer is signed, and nothing beside it',
    rule: 'The message is the Uint8Array, from its byteOffset on, as long as it is; a Buffer is one too.',
    source: contract.key,
    needs: ['sign.first'],
    run: async (context) => {
      const large = randomBytes(4096);
      await signAndVerify(context, new Uint8Array(large.buffer, large.byteOffset + 13, 101));
      await signAndVerify(context, large.subarray(1, 1000));
    },
  },
  {
    id: 'message.changed-meanwhile',
    title: 'what is signed is settled when sign is called',
    rule: 'The caller may reuse its buffer as soon as sign has returned its promise.',
    source: contract.key,
    needs: ['sign.first'],
    run: async ({ keys }) => {
      for (const { key, scheme } of await keys.ofEachFamily()) {
        const message = randomBytes(50_000);
        const original = Uint8Array.from(message);
        const signing = Array.from({ length: 4 }, async () => key.sign(scheme, message));
        message.fill(0);
        for (const signature of await Promise.all(signing)) {
          checkVerifies(key, scheme, original, signature, 'what stood in the buffer when sign was called');
        }
      }
    },
  },
  {
    id: 'message.untouched',
    title: 'the caller’s message is left as it is',
    rule: 'What goes in is read, not written.',
    source: contract.key,
    run: async ({ keys }) => {
      for (const { key, scheme } of await keys.ofEachFamily()) {
        const message = randomBytes(300);
        const original = Uint8Array.from(message);
        await key.sign(scheme, message);
        checkSame(original, message, 'the message');
      }
    },
  },
  {
    id: 'message.openssl',
    title: 'OpenSSL accepts every kind of signature',
    rule: 'A second program verifies each scheme, RSASSA-PSS with a salt as long as the hash and no other.',
    source: 'RFC 3279 2.2.3; RFC 4055 3.1; RFC 8410',
    run: async ({ keys }) => {
      const openssl = await findOpenssl();
      if (openssl === undefined) throw new Skipped('there is no openssl on this machine');
      const tried = new Set<string>();
      for (const algorithm of keys.algorithms) {
        const key = await keys.of(algorithm);
        for (const scheme of key.schemes.filter((name) => !tried.has(name))) {
          tried.add(scheme);
          const message = randomBytes(1000);
          const signature = await key.sign(scheme, message);
          if (await opensslVerifies(openssl, { publicKey: key.publicKey, scheme, message, signature }))
            continue;
          throw new Deviation(
            `OpenSSL to accept the ${scheme} signature of a ${algorithm} key`,
            'it refuses',
          );
        }
      }
    },
  },
]);

/** With the first scheme of every kind. */
async function signAndVerify({ keys }: CaseContext, message: Uint8Array): Promise<void> {
  const original = Uint8Array.from(message);
  for (const { key, scheme } of await keys.ofEachFamily()) {
    checkVerifies(key, scheme, original, await key.sign(scheme, message));
  }
}
