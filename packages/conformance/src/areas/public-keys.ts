import { createPublicKey, randomBytes } from 'node:crypto';
import { assertGoodKey, PublicKey } from '@countersign/core';
import { contract, inArea } from '../conformance-case.ts';
import { check, checkSame, Deviation } from '../deviation.ts';
import { withScheme } from '../shared-keys.ts';
import { checkVerifies, verifies } from '../signature-check.ts';

export const publicKeyCases = inArea('public-keys', [
  {
    id: 'public.spki',
    title: 'publicKey is a SubjectPublicKeyInfo in strict DER, of a sound key',
    rule: 'DER without leeway; a named curve and an uncompressed point on it; an RSA key of the stated size, e = 65537.',
    source: 'RFC 5280 4.1.2.7; RFC 3279 2.3.1; RFC 5480 2; RFC 8410 4; SP 800-56A rev. 3, 5.6.2.3.3',
    run: async ({ keys }) => {
      for (const algorithm of keys.algorithms) {
        const { publicKey } = await keys.of(algorithm);
        const parsed = PublicKey.parse(publicKey);
        check(parsed.algorithm === algorithm, `a ${algorithm} key in it`, parsed.algorithm);
        const imported = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
        checkSame(
          imported.export({ format: 'der', type: 'spki' }),
          publicKey,
          'the key as OpenSSL writes it',
        );
      }
    },
  },
  {
    id: 'public.good',
    title: 'keys are none that others can find',
    rule: 'RSA moduli have no small factor, not the fingerprint of ROCA, and no factors that lie close together.',
    source: 'CVE-2017-15361; assertGoodKey (core); FIPS 186-5 A.1.3',
    needs: ['public.spki'],
    run: async ({ keys }) => {
      for (const algorithm of keys.algorithms) {
        await assertGoodKey(PublicKey.parse((await keys.of(algorithm)).publicKey));
      }
    },
  },
  {
    id: 'public.same-everywhere',
    title: 'key, list and open show the same public key',
    rule: 'A key’s description is the same wherever it is asked for.',
    source: contract.description,
    needs: ['life.open'],
    run: async (context) => {
      const { provider } = context;
      const key = await context.make();
      const listed = (await provider.list()).find(({ ref }) => ref === key.ref);
      if (listed === undefined) throw new Deviation('the key in the list', 'it is missing');
      checkSame(key.publicKey, listed.publicKey, 'the public key in the list');
      checkSame(key.publicKey, (await provider.open(key.ref)).publicKey, 'the public key of the opened key');
    },
  },
  {
    id: 'public.stable',
    title: 'another provider on the same store shows the same public key',
    rule: 'A reference names the same key for as long as the key lives.',
    source: contract.description,
    needs: ['life.open'],
    run: async (context) => {
      const maker = await context.openSame();
      const { ref, publicKey } = await context.make({}, maker);
      await context.shut(maker);
      for (let opened = 0; opened < 2; opened += 1) {
        const provider = await context.openSame();
        checkSame(publicKey, (await provider.open(ref)).publicKey, 'the public key');
        await context.shut(provider);
      }
    },
  },
  {
    id: 'public.distinct',
    title: 'every generated key is another one',
    rule: 'generate makes a key pair: from fresh randomness each time.',
    source: `${contract.provider}; FIPS 186-5 A.2`,
    run: async (context) => {
      const seen = new Set<string>();
      for (let made = 0; made < 4; made += 1) {
        seen.add(Buffer.from((await context.make()).publicKey).toString('hex'));
      }
      check(seen.size === 4, '4 distinct public keys', `${seen.size}`);
    },
  },
  {
    id: 'public.of-this-key',
    title: 'a key signs for its own public key and for no other',
    rule: 'Public key and signature belong to one key pair.',
    source: contract.key,
    needs: ['life.usable-at-once'],
    run: async (context) => {
      const pair = [await context.make(), await context.make()] as const;
      for (const [key, other] of [pair, pair.toReversed()] as const) {
        if (key === undefined || other === undefined) continue;
        const { scheme } = withScheme(key);
        const message = randomBytes(64);
        const signature = await key.sign(scheme, message);
        checkVerifies(key, scheme, message, signature);
        const isOthers = verifies(other.publicKey, scheme, message, signature);
        check(!isOthers, 'it not to verify under another key', 'it does');
      }
    },
  },
  {
    id: 'public.own-copy',
    title: 'what a caller does to a listed public key changes no other',
    rule: 'Descriptions are values.',
    source: contract.description,
    needs: ['life.open'],
    run: async (context) => {
      const { provider } = context;
      const key = await context.make();
      const original = Uint8Array.from(key.publicKey);
      for (const { ref, publicKey } of await provider.list()) if (ref === key.ref) publicKey.fill(0);
      (await provider.open(key.ref)).publicKey.fill(0);
      checkSame(original, (await provider.open(key.ref)).publicKey, 'the public key');
    },
  },
]);
