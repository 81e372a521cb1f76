import type { Session, SessionObject } from 'graphene-pk11';
import { call, hasReturnValue } from './token-error.ts';

/** @returns undefined where the object has no such attribute or does not show it */
export function readAttribute(object: SessionObject, type: number): Buffer | undefined {
  try {
    // CK_UNAVAILABLE_INFORMATION arrives as undefined, whatever the declaration says.
    const value: Buffer | undefined = call('C_GetAttributeValue', () => object.getAttribute(type));
    return value;
  } catch (error) {
    if (hasReturnValue(error, 'CKR_ATTRIBUTE_TYPE_INVALID', 'CKR_ATTRIBUTE_SENSITIVE')) return undefined;
    throw error;
  }
}

/** A CK_BBOOL. */
export function readBoolean(object: SessionObject, type: number): boolean | undefined {
  const value = readAttribute(object, type);
  return value?.length === 1 ? value[0] !== 0 : undefined;
}

/** A CK_ULONG, of which no value in use here exceeds 32 bits. */
export function readNumber(object: SessionObject, type: number): number | undefined {
  const value = readAttribute(object, type);
  return value === undefined || value.length < 4 ? undefined : value.readUInt32LE();
}

/** CKA_LABEL and other text of RFC 2279; the padding that some tokens add is taken off. */
export function readText(object: SessionObject, type: number): string {
  return (readAttribute(object, type) ?? Buffer.alloc(0)).toString('utf8').replace(/[\0 ]+$/, '');
}

export interface ObjectTemplate {
  readonly class: number;
  readonly id?: Buffer;
  readonly certType?: number;
}

/** The token objects that have these attributes. */
export function findObjects(session: Session, template: ObjectTemplate): readonly SessionObject[] {
  const found = call('C_FindObjects', () => session.find({ token: true, ...template }));
  return Array.from({ length: found.length }, (_, index) => found.items(index));
}

/** What to search objects of one key by. Without a CKA_ID, by nothing: then only the key itself tells them apart. */
export function byId({ id }: { readonly id: Buffer }): { readonly id?: Buffer } {
  return id.length === 0 ? {} : { id };
}
