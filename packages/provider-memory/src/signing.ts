import { constants, sign, type KeyObject } from 'node:crypto';
import type { KeyAlgorithm, SignatureScheme } from '@countersign/core';

/** Signs a message. What it signs is settled when the call returns, even where the result comes later. */
export type Signer = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** What each algorithm signs with, best first. */
export const schemesOf: Readonly<Record<KeyAlgorithm, readonly SignatureScheme[]>> = {
  p256: ['ecdsa-sha256'],
  p384: ['ecdsa-sha384', 'ecdsa-sha256'],
  p521: ['ecdsa-sha512', 'ecdsa-sha384', 'ecdsa-sha256'],
  rsa2048: rsaSchemes(),
  rsa3072: rsaSchemes(),
  rsa4096: rsaSchemes(),
  ed25519: ['ed25519'],
};

/** One ready signer for each scheme, so that signing looks up and prepares nothing. */
export function createSigners(
  algorithm: KeyAlgorithm,
  privateKey: KeyObject,
): ReadonlyMap<SignatureScheme, Signer> {
  return new Map(schemesOf[algorithm].map((scheme) => [scheme, createSigner(scheme, privateKey)]));
}

function createSigner(scheme: SignatureScheme, key: KeyObject): Signer {
  switch (scheme) {
    case 'ecdsa-sha256':
      return ecdsaSigner('sha256', key);
    case 'ecdsa-sha384':
      return ecdsaSigner('sha384', key);
    case 'ecdsa-sha512':
      return ecdsaSigner('sha512', key);
    case 'rsa-pkcs1-sha256':
      return pkcs1Signer('sha256', key);
    case 'rsa-pkcs1-sha384':
      return pkcs1Signer('sha384', key);
    case 'rsa-pkcs1-sha512':
      return pkcs1Signer('sha512', key);
    case 'rsa-pss-sha256':
      return pssSigner('sha256', 32, key);
    case 'rsa-pss-sha384':
      return pssSigner('sha384', 48, key);
    case 'rsa-pss-sha512':
      return pssSigner('sha512', 64, key);
    case 'ed25519':
      return (message) => plainBytes(sign(null, message, key));
  }
}

/**
 * The bare key means DER, `ECDSA-Sig-Value` (the documented default of `dsaEncoding`). An options object that says so
 * costs a third of the speed on Node 24. On this thread: changing threads would take longer than the signature.
 */
function ecdsaSigner(hash: string, key: KeyObject): Signer {
  return (message) => plainBytes(sign(hash, message, key));
}

function pkcs1Signer(hash: string, key: KeyObject): Signer {
  const input = { key, padding: constants.RSA_PKCS1_PADDING };
  return (message) => signWhereFree(hash, message, input);
}

function pssSigner(hash: string, saltLength: number, key: KeyObject): Signer {
  const input = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return (message) => signWhereFree(hash, message, input);
}

interface RsaInput {
  readonly key: KeyObject;
  readonly padding: number;
  readonly saltLength?: number;
}

/** Signatures that were asked for in this turn of the event loop, and those that other threads work on. */
let asked = 0;
let inFlight = 0;

/**
 * RSA takes long enough for several signatures at once to be worth the other cores, and not so long that a single one is
 * worth waking a thread, which takes half as long again: that one is made on this thread.
 */
async function signWhereFree(hash: string, message: Uint8Array, input: RsaInput): Promise<Uint8Array> {
  const copy = Uint8Array.from(message);
  asked += 1;
  // Whoever else asks in the same turn is counted when this goes on.
  await Promise.resolve();
  asked -= 1;
  return asked === 0 && inFlight === 0
    ? plainBytes(sign(hash, copy, input))
    : signOnThreadPool(hash, copy, input);
}

async function signOnThreadPool(hash: string, message: Uint8Array, input: RsaInput): Promise<Uint8Array> {
  inFlight += 1;
  try {
    return await new Promise((resolve, reject) => {
      sign(hash, message, input, (error, signature) => {
        if (error === null) resolve(plainBytes(signature));
        else reject(error);
      });
    });
  } finally {
    inFlight -= 1;
  }
}

function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function rsaSchemes(): readonly SignatureScheme[] {
  return [
    'rsa-pkcs1-sha256',
    'rsa-pss-sha256',
    'rsa-pkcs1-sha384',
    'rsa-pss-sha384',
    'rsa-pkcs1-sha512',
    'rsa-pss-sha512',
  ];
}
