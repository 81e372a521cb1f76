import { randomBytes } from 'node:crypto';
import { PublicKey, signatureSchemes, type SignatureScheme } from '@countersign/core';
import { contract, inArea, type ConformanceCase } from '../conformance-case.ts';
import { check, expectRefusal, NotSupported } from '../deviation.ts';
import { ecdsaValueDefect, readEcdsaValue } from '../ecdsa-value.ts';
import { checkVerifies, hashOf, verifies } from '../signature-check.ts';

const first: Omit<ConformanceCase, 'area'> = {
  id: 'sign.first',
  title: 'the simplest signature verifies',
  rule: 'The best scheme of the cheapest key gives a signature that its public key verifies.',
  source: contract.key,
  run: async ({ keys }) => {
    const { key, scheme } = await keys.first();
    const message = randomBytes(100);
    checkVerifies(key, scheme, message, await key.sign(scheme, message));
  },
};

function schemeCase(scheme: SignatureScheme): Omit<ConformanceCase, 'area'> {
  return {
    id: `sign.${scheme}`,
    title: `${scheme} signatures verify by node:crypto, and no others`,
    rule: 'A signature verifies over its message, over no other, and not when it was changed.',
    source: sourceOf(scheme),
    run: async ({ keys }) => {
      for (const key of await keys.with(scheme)) {
        const message = randomBytes(100);
        const signature = await key.sign(scheme, message);
        checkVerifies(key, scheme, message, signature);
        const other = Uint8Array.from(message);
        other[50] = (other[50] ?? 0) ^ 1;
        const changed = Uint8Array.from(signature);
        changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
        check(
          !verifies(key.publicKey, scheme, other, signature),
          'it not to verify over another message',
          'it does',
        );
        check(!verifies(key.publicKey, scheme, message, changed), 'it not to verify when changed', 'it does');
      }
    },
  };
}

function sourceOf(scheme: SignatureScheme): string {
  if (scheme === 'ed25519') return 'RFC 8032 5.1.6';
  if (scheme.startsWith('ecdsa')) return 'FIPS 186-5 6.4';
  return scheme.startsWith('rsa-pss') ? 'RFC 8017 8.1' : 'RFC 8017 8.2';
}

export const signatureCases = inArea('signatures', [
  first,
  ...signatureSchemes.map(schemeCase),
  {
    id: 'sign.ecdsa-der',
    title: 'ECDSA signatures are strict DER',
    rule: 'ECDSA-Sig-Value: SEQUENCE of two positive INTEGERs below n, in DER, with nothing after.',
    source: 'RFC 3279 2.2.3; FIPS 186-5 6.4.2; X.690 8.3, 10.1',
    needs: ['public.spki'],
    run: async ({ keys }) => {
      for (const key of await keys.withFamily('ecdsa')) {
        for (const scheme of key.schemes) {
          // A leading zero octet comes in every second value, a short one in every 256th.
          for (let made = 0; made < 12; made += 1) {
            const signature = await key.sign(scheme, randomBytes(32));
            const defect = ecdsaValueDefect(signature, PublicKey.parse(key.publicKey));
            check(defect === undefined, `an ECDSA-Sig-Value of ${key.algorithm}`, defect ?? '');
          }
        }
      }
    },
  },
  {
    id: 'sign.ecdsa-nonces',
    title: 'ECDSA signatures over distinct messages have distinct r',
    rule: 'The per-message secret number is fresh, or derived from the message: a repeated one gives the key away.',
    source: 'FIPS 186-5 6.3, A.3; RFC 6979',
    needs: ['sign.ecdsa-der'],
    run: async ({ keys }) => {
      const [key] = await keys.withFamily('ecdsa');
      const scheme = key?.schemes[0];
      if (key === undefined || scheme === undefined) throw new NotSupported('no ECDSA');
      const seen = new Set<bigint>();
      for (let made = 0; made < 32; made += 1) {
        const { r } = readEcdsaValue(await key.sign(scheme, randomBytes(32)));
        check(!seen.has(r), 'distinct r for distinct messages', 'the same r twice');
        seen.add(r);
      }
    },
  },
  {
    id: 'sign.ecdsa-fresh',
    title: 'ECDSA signatures over one message differ',
    rule: 'The per-message secret number is random, unless the target says that it is derived from the message.',
    source: 'FIPS 186-5 6.3, A.3.1, A.3.3',
    needs: ['sign.ecdsa-der'],
    run: async ({ keys, target }) => {
      const [key] = await keys.withFamily('ecdsa');
      const scheme = key?.schemes[0];
      if (key === undefined || scheme === undefined) throw new NotSupported('no ECDSA');
      if (target.deterministicEcdsa === true)
        throw new NotSupported('the target says that ECDSA is deterministic');
      const message = randomBytes(32);
      const seen = new Set<bigint>();
      for (let made = 0; made < 16; made += 1) seen.add(readEcdsaValue(await key.sign(scheme, message)).r);
      check(seen.size === 16, '16 distinct r for one message', `${seen.size}`);
    },
  },
  {
    id: 'sign.rsa-length',
    title: 'RSA signatures are as long as the modulus',
    rule: 'The signature has k octets, leading zeros included.',
    source: 'RFC 8017 8.1.1, 8.2.1',
    needs: ['public.spki'],
    run: async ({ keys }) => {
      for (const key of await keys.withFamily('rsa')) {
        const modulusOctets = PublicKey.parse(key.publicKey).rsaModulusBytes ?? 0;
        for (const scheme of key.schemes) {
          const { length } = await key.sign(scheme, randomBytes(20));
          check(length === modulusOctets, `${modulusOctets} octets of ${scheme}`, `${length}`);
        }
      }
    },
  },
  {
    id: 'sign.pss-salt',
    title: 'RSASSA-PSS salts are exactly as long as the hash',
    rule: 'The salt has as many octets as the hash; X.509 names the length and verifiers hold signatures to it.',
    source: 'RFC 4055 3.1; FIPS 186-5 5.4; Key.sign',
    run: async ({ keys }) => {
      for (const key of await keys.withFamily('rsa')) {
        for (const scheme of key.schemes.filter((name) => name.startsWith('rsa-pss'))) {
          const message = randomBytes(40);
          const signature = await key.sign(scheme, message);
          const octets = hashOf(scheme)?.octets ?? 0;
          if (verifies(key.publicKey, scheme, message, signature, octets)) continue;
          const found = Array.from({ length: 479 }, (_, salt) => salt).find((salt) =>
            verifies(key.publicKey, scheme, message, signature, salt),
          );
          check(false, `a salt of ${octets} octets with ${scheme}`, `${found ?? 'no'} octets`);
        }
      }
    },
  },
  {
    id: 'sign.pss-random',
    title: 'RSASSA-PSS salts are random',
    rule: 'Two signatures over one message differ.',
    source: 'RFC 8017 9.1.1',
    run: async ({ keys }) => {
      const [key] = await keys.withFamily('rsa');
      const scheme = key?.schemes.find((name) => name.startsWith('rsa-pss'));
      if (key === undefined || scheme === undefined) throw new NotSupported('no RSASSA-PSS');
      const message = randomBytes(40);
      const signatures = [await key.sign(scheme, message), await key.sign(scheme, message)] as const;
      check(Buffer.compare(...signatures) !== 0, 'two signatures to differ', 'the same');
    },
  },
  {
    id: 'sign.deterministic',
    title: 'PKCS #1 v1.5 and Ed25519 signatures repeat',
    rule: 'Nothing random goes into them: the same message gives the same signature.',
    source: 'RFC 8017 8.2.1; RFC 8032 5.1.6',
    run: async ({ keys }) => {
      const able = (await keys.ofEachFamily()).filter(({ scheme }) => /pkcs1|ed25519/.test(scheme));
      if (able.length === 0) throw new NotSupported('neither PKCS #1 v1.5 nor Ed25519');
      for (const { key, scheme } of able) {
        const message = randomBytes(40);
        const signatures = [await key.sign(scheme, message), await key.sign(scheme, message)] as const;
        check(Buffer.compare(...signatures) === 0, `the same ${scheme} signature twice`, 'two that differ');
      }
    },
  },
  {
    id: 'sign.ed25519-length',
    title: 'Ed25519 signatures have 64 octets',
    rule: 'R and S of 32 octets each.',
    source: 'RFC 8032 5.1.6; RFC 8410 6',
    run: async ({ keys }) => {
      for (const key of await keys.with('ed25519')) {
        const { length } = await key.sign('ed25519', randomBytes(40));
        check(length === 64, '64 octets', `${length}`);
      }
    },
  },
  {
    id: 'sign.result-own',
    title: 'a signature is a Uint8Array of the caller’s own',
    rule: 'Sign gives octets; what the caller does to them changes no later signature.',
    source: contract.key,
    needs: ['sign.first'],
    run: async ({ keys }) => {
      const { key, scheme } = await keys.first();
      const message = randomBytes(40);
      const signature = await key.sign(scheme, message);
      check(signature instanceof Uint8Array, 'a Uint8Array', typeof signature);
      signature.fill(0);
      checkVerifies(key, scheme, message, await key.sign(scheme, message));
    },
  },
  {
    id: 'sign.scheme-refused',
    title: 'a scheme that a key does not have is refused',
    rule: 'Errors of sign: SCHEME_NOT_SUPPORTED.',
    source: contract.key,
    run: async ({ keys }) => {
      for (const algorithm of keys.algorithms) {
        const key = await keys.of(algorithm);
        for (const scheme of signatureSchemes.filter((name) => !key.schemes.includes(name))) {
          await expectRefusal(['SCHEME_NOT_SUPPORTED'], `${scheme} of a ${algorithm} key`, async () =>
            key.sign(scheme, randomBytes(8)),
          );
        }
      }
    },
  },
]);
