import { constants, randomBytes, verify, type KeyObject } from 'node:crypto';
import { schemesOf, type SignatureScheme } from '@countersign/core';
import {
  failure,
  inArea,
  notSupported,
  pass,
  warning,
  type TpmCheck,
  type TpmCheckContext,
  type TpmFinding,
} from '../tpm-check.ts';
import type { TrialAlgorithm } from '../trial-material.ts';

/** Without these a key of the kind is of no use. */
const neededSchemes: ReadonlySet<SignatureScheme> = new Set(['rsa-pkcs1-sha256', 'ecdsa-sha256']);

const hashNames = { sha256: 'SHA256', sha384: 'SHA384', sha512: 'SHA512' } as const;
type Hash = keyof typeof hashNames;
const hashes: readonly Hash[] = ['sha256', 'sha384', 'sha512'];

export const signatureChecks = inArea('keys', [
  ...schemesOf('rsa2048').map((scheme) => schemeCheck('rsa2048', scheme)),
  ...schemesOf('p256').map((scheme) => schemeCheck('p256', scheme)),
  {
    id: 'signatures.pss-salt',
    title: 'the salt of RSASSA-PSS is as long as the hash',
    rule: 'The salt length is that of the hash, which the AlgorithmIdentifier of X.509 states.',
    source: 'RFC 4055 3.1; RFC 8446 4.2.3; TPM 2.0 part 1, B.7',
    expected: '32 octets with SHA-256',
    consequence: 'RSASSA-PSS cannot be used with RSA keys of this TPM.',
    ifRefused: 'warning',
    needs: ['keys.rsa2048'],
    run: measureSalt,
  },
]);

function schemeCheck(algorithm: TrialAlgorithm, scheme: SignatureScheme): Omit<TpmCheck, 'area'> {
  const needed = neededSchemes.has(scheme);
  return {
    id: `signatures.${scheme}`,
    title: `${scheme} signatures are right`,
    rule: 'A signature verifies over its message by node:crypto, and over no other.',
    source: scheme.startsWith('ecdsa') ? 'FIPS 186-5 6.4' : 'RFC 8017 8.1, 8.2',
    expected: 'it verifies, and only over its message',
    consequence: needed
      ? 'Certification requests and sign-in with keys of this kind are not possible.'
      : 'Choose another scheme for keys of this TPM.',
    ifRefused: needed ? 'fail' : 'warning',
    needs: [`keys.${algorithm}`],
    run: async (context) => trySign(context, algorithm, scheme, needed),
  };
}

async function trySign(
  { tpm, facts, material }: TpmCheckContext,
  algorithm: TrialAlgorithm,
  scheme: SignatureScheme,
  needed: boolean,
): Promise<TpmFinding> {
  const hash = hashOf(scheme);
  if (!facts.algorithms.has(hashNames[hash])) {
    return notSupported(`it has no ${hashNames[hash]}`, 'Keys of Hello sign with SHA-256.');
  }
  const { key, area } = await material.oneKey(algorithm);
  const message = randomBytes(100);
  const signature = await tpm.withKey(key, async (loaded) => loaded.sign(scheme, message));
  const other = Uint8Array.from(message, (octet, index) => (index === 50 ? octet ^ 1 : octet));
  const { keyObject } = area.publicKey;
  if (!verifies(keyObject, scheme, message, signature)) {
    return (needed ? failure : warning)(
      'node:crypto does not verify it',
      needed
        ? 'What the TPM signs is refused everywhere: its signatures are faulty, or it signs with another key.'
        : 'Signatures of this scheme are refused everywhere: choose another scheme for keys of this TPM.',
    );
  }
  return verifies(keyObject, scheme, other, signature)
    ? failure('it verifies over another message too', 'The signature says nothing about what was signed.')
    : pass('node:crypto verifies it, over its message alone', 'Keys of this TPM can sign so.');
}

/** With whatever salt: how long that is, is the matter of another check. */
function verifies(
  key: KeyObject,
  scheme: SignatureScheme,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const hash = hashOf(scheme);
  if (scheme.startsWith('ecdsa')) return verify(hash, message, { key, dsaEncoding: 'der' }, signature);
  if (scheme.startsWith('rsa-pss')) return saltVerifies(key, hash, message, signature, saltAuto);
  return verify(hash, message, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
}

const saltAuto = constants.RSA_PSS_SALTLEN_AUTO;

function saltVerifies(
  key: KeyObject,
  hash: Hash,
  message: Uint8Array,
  signature: Uint8Array,
  saltLength: number,
): boolean {
  return verify(hash, message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
}

async function measureSalt({ tpm, facts, material }: TpmCheckContext): Promise<TpmFinding> {
  const { key, area } = await material.oneKey('rsa2048');
  const found: string[] = [];
  let allAsLongAsHash = true;
  for (const hash of hashes) {
    if (!facts.algorithms.has(hashNames[hash])) continue;
    const message = randomBytes(64);
    const signature = await tpm.withKey(key, async (loaded) => loaded.sign(`rsa-pss-${hash}`, message));
    const hashBytes = Number(hash.slice(3)) / 8;
    const most = (area.publicKey.rsaModulusBytes ?? 0) - hashBytes - 2;
    const salt = range(most + 1).find((length) =>
      saltVerifies(area.publicKey.keyObject, hash, message, signature, length),
    );
    found.push(`${salt ?? 'no'} octets with ${hashNames[hash]}${salt === most ? ' (as many as fit)' : ''}`);
    allAsLongAsHash &&= salt === hashBytes;
  }
  return allAsLongAsHash
    ? pass(found.join(', '), 'Readers of X.509 and TLS accept its RSASSA-PSS signatures.')
    : warning(
        found.join(', '),
        'Readers of X.509 and TLS 1.3 refuse its RSASSA-PSS signatures: sign with RSASSA-PKCS1-v1_5, as Countersign then does. RSA keys of this TPM do not work as client keys of TLS 1.3.',
      );
}

function range(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index);
}

function hashOf(scheme: SignatureScheme): Hash {
  const hash = hashes.find((name) => scheme.endsWith(name));
  if (hash === undefined) throw new RangeError(`${scheme} has no hash of its own`);
  return hash;
}
