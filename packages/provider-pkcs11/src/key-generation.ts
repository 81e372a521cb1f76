import { randomBytes } from 'node:crypto';
import { CountersignError, type KeyAlgorithm } from '@countersign/core';
import type { IKeyPair, ITemplate, Session } from 'graphene-pk11';
import { destroyObject } from './certificate-objects.ts';
import { CKO_PRIVATE_KEY, CKO_PUBLIC_KEY } from './cryptoki.ts';
import type { FoundKey } from './key-objects.ts';
import { findObjects } from './object-attributes.ts';
import type { ProviderToken } from './provider-tokens.ts';
import { readPublicKey } from './public-key-attributes.ts';
import { generationMechanism, keyBits } from './token-algorithms.ts';
import { asTokenError, hasReturnValue } from './token-error.ts';

export interface GenerationOptions {
  readonly algorithm: KeyAlgorithm;
  readonly label: string;
  readonly alwaysAuthenticate: boolean;
  /** Throws if the key is wanted no more when it is made. */
  readonly assertWanted: () => void;
}

/**
 * Makes a key pair on the token; the private half is sensitive, not extractable, and only signs. A pair that cannot be
 * used for any reason is destroyed before the error leaves.
 * @param session read-write, with the user logged in
 * @param leftovers gets the CKA_ID of a pair that could not be destroyed in this session either
 */
export async function generateKeyPair(
  session: Session,
  options: GenerationOptions,
  leftovers: Buffer[],
): Promise<FoundKey> {
  // Under an id from the start: a process that dies here leaves a whole pair that can be found and destroyed.
  const id = randomBytes(16);
  const pair = await makePair(session, options, id);
  try {
    options.assertWanted();
    const publicKey = readPublicKey(pair.publicKey);
    if (publicKey?.algorithm !== options.algorithm) throw otherKey(options.algorithm, publicKey?.algorithm);
    return { id, label: options.label, publicKey };
  } catch (error) {
    if (!destroyedPair(pair)) leftovers.push(id);
    throw error;
  }
}

async function makePair(session: Session, options: GenerationOptions, id: Buffer): Promise<IKeyPair> {
  const forms = publicTemplates(options.algorithm).flatMap((what) => [
    { publicKey: { ...what, ...unusedPublicPurposes }, privateKey: unusedPrivatePurposes },
    { publicKey: what, privateKey: {} },
  ]);
  for (const [index, form] of forms.entries()) {
    try {
      return await generateInBackground(session, options, id, form);
    } catch (error) {
      const isLast = index === forms.length - 1;
      if (isLast || !hasReturnValue(error, ...otherFormMayHelp)) throw error;
    }
  }
  throw otherKey(options.algorithm, undefined);
}

/** What a key that signs must not do, though some tokens allow it by default; others do not know these attributes. */
const unusedPrivatePurposes: ITemplate = { decrypt: false, unwrap: false, derive: false, signRecover: false };
const unusedPublicPurposes: ITemplate = { encrypt: false, wrap: false, verifyRecover: false };

const otherFormMayHelp = [
  'CKR_DOMAIN_PARAMS_INVALID',
  'CKR_ATTRIBUTE_TYPE_INVALID',
  'CKR_ATTRIBUTE_VALUE_INVALID',
  'CKR_TEMPLATE_INCONSISTENT',
  'CKR_CURVE_NOT_SUPPORTED',
];

/** On another thread, as an RSA key takes up to seconds. The templates are copied before this returns. */
function generateInBackground(
  session: Session,
  { algorithm, label, alwaysAuthenticate }: GenerationOptions,
  id: Buffer,
  form: { readonly publicKey: ITemplate; readonly privateKey: ITemplate },
): Promise<IKeyPair> {
  const publicTemplate: ITemplate = {
    token: true,
    private: false,
    id,
    label,
    verify: true,
    ...form.publicKey,
  };
  const privateTemplate: ITemplate = {
    token: true,
    private: true,
    id,
    label,
    sensitive: true,
    extractable: false,
    sign: true,
    ...form.privateKey,
    ...(alwaysAuthenticate ? { alwaysAuth: true } : {}),
  };
  return new Promise((resolve, reject) => {
    const mechanism = { name: generationMechanism(algorithm), params: null };
    session.generateKeyPair(mechanism, publicTemplate, privateTemplate, (error, pair) => {
      if (error !== null || pair === null) reject(asTokenError('C_GenerateKeyPair', error));
      else resolve(pair);
    });
  });
}

/** The forms in which tokens take what makes the public key, the usual one first. */
function publicTemplates(algorithm: KeyAlgorithm): readonly ITemplate[] {
  switch (algorithm) {
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096':
      return [{ modulusBits: keyBits(algorithm), publicExponent: Buffer.from([1, 0, 1]) }];
    case 'p256':
      return [{ paramsEC: Buffer.from('06082a8648ce3d030107', 'hex') }];
    case 'p384':
      return [{ paramsEC: Buffer.from('06052b81040022', 'hex') }];
    case 'p521':
      return [{ paramsEC: Buffer.from('06052b81040023', 'hex') }];
    case 'ed25519':
      // PKCS #11 3.1, 6.3.1: the curve's name as an OID, or as the PrintableString "edwards25519".
      return [
        { paramsEC: Buffer.from('06032b6570', 'hex') },
        { paramsEC: Buffer.concat([Buffer.from([0x13, 12]), Buffer.from('edwards25519')]) },
      ];
  }
}

function destroyedPair(pair: IKeyPair): boolean {
  try {
    for (const object of [pair.privateKey, pair.publicKey]) destroyObject(object);
    return true;
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return false;
  }
}

/**
 * Destroys pairs that were made in vain, with a login and a session of its own: theirs may be what failed.
 * @param ids CKA_IDs that no other objects have
 * @param why they were in vain
 * @throws CountersignError `TOKEN_FAILED` if they are still there
 */
export async function destroyLeftovers(
  token: ProviderToken,
  ids: readonly Buffer[],
  logIn: () => Promise<() => void>,
  why: unknown,
): Promise<void> {
  try {
    const release = await logIn();
    try {
      await token.connection.run('read-write', (session) => {
        token.assertLoggedIn();
        for (const id of ids) {
          for (const keyClass of [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY]) {
            for (const object of findObjects(session, { class: keyClass, id })) destroyObject(object);
          }
        }
      });
    } finally {
      release();
    }
  } catch (error) {
    throw new CountersignError(
      'TOKEN_FAILED',
      'a key pair was made, could not be used, and could not be removed either',
      'Look for it on the token, for example with: pkcs11-tool --list-objects --login, and remove it there.',
      { cause: new AggregateError([why, error]) },
    );
  }
}

function otherKey(wanted: KeyAlgorithm, found: string | undefined): CountersignError {
  return new CountersignError(
    'TOKEN_FAILED',
    `C_GenerateKeyPair returned CKR_OK and ${found === undefined ? 'a public key that cannot be read' : `a key of ${found}`}; expected ${wanted}`,
    'Try again. If it stays, the token does not make keys of this kind: choose another algorithm.',
  );
}
