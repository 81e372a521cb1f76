import type { Session } from 'graphene-pk11';
import type { Handle, PKCS11 } from 'pkcs11js';
import { CKU_CONTEXT_SPECIFIC } from './cryptoki.ts';
import { pinText } from './pin.ts';
import type { SignatureRequest } from './signature-request.ts';
import { asTokenError, call, hasReturnValue } from './token-error.ts';

/**
 * Begins a signature. For a key that wants its PIN each time (CKA_ALWAYS_AUTHENTICATE) the context-specific login belongs
 * between the two calls (PKCS #11 3.1, 5.6.8).
 */
export function beginSignature(
  lib: PKCS11,
  session: Session,
  request: SignatureRequest,
  privateKey: Handle,
  pin: Uint8Array | undefined,
): void {
  call('C_SignInit', () => lib.C_SignInit(session.handle, request.mechanism, privateKey));
  if (pin !== undefined) {
    const text = pinText(pin);
    try {
      call('C_Login', () => lib.C_Login(session.handle, CKU_CONTEXT_SPECIFIC, text));
    } catch (error) {
      // A token that keeps the attribute and does not heed it: to it, the user's login is enough.
      if (!hasReturnValue(error, 'CKR_USER_ALREADY_LOGGED_IN')) throw error;
    }
  }
}

export function finishNow(lib: PKCS11, session: Session, request: SignatureRequest): Uint8Array {
  const output = outputBuffer(request);
  return request.accept(call('C_Sign', () => lib.C_Sign(session.handle, request.input, output)));
}

/** Signs in another thread. Both buffers stay referenced until it is done: pkcs11js only keeps their addresses. */
export async function finishInBackground(
  lib: PKCS11,
  session: Session,
  request: SignatureRequest,
): Promise<Uint8Array> {
  const held = { input: request.input, output: outputBuffer(request) };
  const raw = await new Promise<Uint8Array>((resolve, reject) => {
    // The declaration leaves out that there is an error or a result, not both.
    lib.C_Sign(session.handle, held.input, held.output, (error: Error | null, signature: Buffer | null) => {
      inFlight.delete(held);
      if (error !== null || signature === null) reject(asTokenError('C_Sign', error));
      else resolve(signature);
    });
    inFlight.add(held);
  });
  return request.accept(raw);
}

/** What native code writes to and reads from at this moment: reachable from here, it cannot be collected. */
const inFlight = new Set<object>();

/** Memory of its own, and some room: a module that returns too much says so instead of being cut short. */
function outputBuffer(request: SignatureRequest): Buffer {
  return Buffer.from(new ArrayBuffer(request.rawSignatureBytes + 64));
}
