import {
  create,
  createPrimary,
  encodePublicArea,
  entityNamedByHandle,
  load,
  objectAttributes,
  permanentHandles,
  SaltKey,
  SessionPool,
  type AuthorizedEntity,
  type CreatedKey,
  type PublicObject,
  type SessionOptions,
  type TpmChannel,
} from '../../src/session/index.ts';

export type SrkKind = 'p256' | 'rsa2048';

const empty = new Uint8Array();
const { fixedTpm, fixedParent, sensitiveDataOrigin, userWithAuth, noDictionaryAttack } = objectAttributes;
const common = fixedTpm | fixedParent | sensitiveDataOrigin | userWithAuth;

export function srkTemplate(kind: SrkKind): Uint8Array {
  const shared = {
    nameAlgorithm: 'sha256',
    attributes: common | noDictionaryAttack | objectAttributes.restricted | objectAttributes.decrypt,
    authPolicy: empty,
    symmetricBits: 128,
    scheme: undefined,
  } as const;
  return kind === 'p256'
    ? encodePublicArea({ type: 'ecc', ...shared, curve: 'p256', x: empty, y: empty })
    : encodePublicArea({ type: 'rsa', ...shared, keyBits: 2048, exponent: 0, modulus: empty });
}

export interface SigningKeyShape {
  readonly kind?: SrkKind;
  readonly guessable?: boolean;
  readonly restricted?: boolean;
  readonly authPolicy?: Uint8Array;
  /** Whether the authValue alone authorizes. */
  readonly userWithAuth?: boolean;
}

export function signingTemplate(shape: SigningKeyShape = {}): Uint8Array {
  const shared = {
    nameAlgorithm: 'sha256',
    attributes:
      (shape.userWithAuth === false ? common & ~userWithAuth : common) |
      objectAttributes.sign |
      (shape.guessable === false ? 0 : noDictionaryAttack) |
      (shape.restricted === true ? objectAttributes.restricted : 0),
    authPolicy: shape.authPolicy ?? empty,
    symmetricBits: undefined,
  } as const;
  const restricted = shape.restricted === true;
  return shape.kind === 'rsa2048'
    ? encodePublicArea({
        type: 'rsa',
        ...shared,
        scheme: restricted ? { algorithm: 'rsassa', hash: 'sha256' } : undefined,
        keyBits: 2048,
        exponent: 0,
        modulus: empty,
      })
    : encodePublicArea({
        type: 'ecc',
        ...shared,
        scheme: restricted ? { algorithm: 'ecdsa', hash: 'sha256' } : undefined,
        curve: 'p256',
        x: empty,
        y: empty,
      });
}

export function hmac(
  entity: { handle: number; name: Uint8Array },
  authValue: Uint8Array = empty,
): AuthorizedEntity {
  return { handle: entity.handle, name: entity.name, authorization: { kind: 'hmac', authValue } };
}

export const owner = hmac(entityNamedByHandle(permanentHandles.owner));
export const endorsement = hmac(entityNamedByHandle(permanentHandles.endorsement));
export const lockout = hmac(entityNamedByHandle(permanentHandles.lockout));

/** Provisioning, where the bus is trusted. */
export async function makeSrk(channel: TpmChannel, kind: SrkKind = 'p256'): Promise<PublicObject> {
  const pool = new SessionPool(channel, { salt: 'unsalted' });
  try {
    return await createPrimary(pool, owner, { publicArea: srkTemplate(kind), authValue: empty });
  } finally {
    await pool.close();
  }
}

export function saltKeyOf(srk: PublicObject): SaltKey {
  return SaltKey.pin(srk.handle, srk.publicArea, srk.name);
}

export function saltedPool(
  channel: TpmChannel,
  srk: PublicObject,
  options: Omit<SessionOptions, 'salt'> = {},
): SessionPool {
  return new SessionPool(channel, { salt: saltKeyOf(srk), ...options });
}

export interface LoadedKey extends PublicObject {
  readonly blobs: CreatedKey;
}

export async function makeKey(
  pool: SessionPool,
  srk: PublicObject,
  authValue: Uint8Array,
  shape: SigningKeyShape = {},
): Promise<LoadedKey> {
  const blobs = await create(pool, hmac(srk), { publicArea: signingTemplate(shape), authValue });
  return { ...(await load(pool, hmac(srk), blobs)), blobs };
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
