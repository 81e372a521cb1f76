import { isMainThread } from 'node:worker_threads';
import { CountersignError } from '@countersign/core';
import type { Module, Session, Slot } from 'graphene-pk11';
import type { PKCS11 } from 'pkcs11js';
import { CKF_OS_LOCKING_OK, CKF_SERIAL_SESSION } from './cryptoki.ts';
import { loadNativePart, type NativePart } from './native-part.ts';
import { asTokenError, call, hasReturnValue } from './token-error.ts';
import { closeBroken, TokenLogin } from './token-login.ts';
import { Turns } from './turns.ts';

/**
 * A PKCS#11 module in this process. C_Initialize may be called once per process, so every provider on the same path
 * shares one of these, and the last to release it calls C_Finalize. It does so with nothing in flight: each provider
 * waits for its own operations before it releases.
 */
export class SharedModule {
  readonly path: string;
  readonly lib: PKCS11;
  readonly module: Module;
  readonly libraryParameters: string | undefined;
  readonly #graphene: NativePart['graphene'];
  readonly #finalizeAtEnd: boolean;
  readonly #logins = new Map<string, TokenLogin>();
  readonly #turns = new Map<string, Turns>();
  #users = 0;

  private constructor(path: string, native: NativePart, libraryParameters: string | undefined) {
    this.path = path;
    this.libraryParameters = libraryParameters;
    this.lib = loadLibrary(path, native);
    this.#finalizeAtEnd = initialize(this.lib, path, libraryParameters);
    this.#graphene = native.graphene;
    this.module = new native.graphene.Module(this.lib);
  }

  /**
   * @param path of the module's file, symbolic links resolved
   * @throws CountersignError `PROVIDER_NOT_AVAILABLE`
   */
  static async acquire(path: string, libraryParameters: string | undefined): Promise<SharedModule> {
    const native = await loadNativePart();
    // From here to the end nothing waits: two providers can not initialize the same module twice.
    const shared = modules.get(path) ?? new SharedModule(path, native, libraryParameters);
    if (shared.libraryParameters !== libraryParameters) throw otherParameters(path);
    modules.set(path, shared);
    shared.#users += 1;
    return shared;
  }

  /** Each user calls this once, with nothing of its own in flight and its sessions closed. */
  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    modules.delete(this.path);
    if (this.#finalizeAtEnd) call('C_Finalize', () => this.lib.C_Finalize());
  }

  /** The login state that all users of a token in this process share, as Cryptoki has it. */
  loginOf(tokenIdentity: string): TokenLogin {
    const login = this.#logins.get(tokenIdentity) ?? this.#newLogin();
    this.#logins.set(tokenIdentity, login);
    return login;
  }

  /** Whose turn it is to change a token, among all its users in this process. */
  turnsOf(tokenIdentity: string): Turns {
    const turns = this.#turns.get(tokenIdentity) ?? new Turns();
    this.#turns.set(tokenIdentity, turns);
    return turns;
  }

  /** @param flags CKF_SERIAL_SESSION, and CKF_RW_SESSION for changes */
  openSession(slot: Slot, flags: number): Session {
    const handle = call('C_OpenSession', () => this.lib.C_OpenSession(slot.handle, flags));
    try {
      // Asks for the state of the session at once. One that cannot be asked must not stay open.
      return call('C_GetSessionInfo', () => new this.#graphene.Session(handle, slot, this.lib));
    } catch (error) {
      closeBroken({ close: () => this.lib.C_CloseSession(handle) });
      throw error;
    }
  }

  #newLogin(): TokenLogin {
    return new TokenLogin(this.lib, (slot) => this.openSession(slot, CKF_SERIAL_SESSION));
  }
}

const modules = new Map<string, SharedModule>();

/** Libraries stay loaded until the process ends: unloading code that may still have threads crashes. */
const libraries = new Map<string, PKCS11>();

function loadLibrary(path: string, { pkcs11js }: NativePart): PKCS11 {
  const known = libraries.get(path);
  if (known !== undefined) return known;
  const lib = new pkcs11js.PKCS11();
  try {
    lib.load(path);
  } catch (cause) {
    throw new CountersignError(
      'PROVIDER_NOT_AVAILABLE',
      `${path} cannot be loaded as a PKCS#11 module: ${cause instanceof Error ? cause.message : 'unknown'}`,
      'Give the path of the module’s shared library for this machine’s architecture as module-path.',
      { cause },
    );
  }
  libraries.set(path, lib);
  return lib;
}

/** @returns whether this call initialized the module, and its end must finalize it */
function initialize(lib: PKCS11, path: string, libraryParameters: string | undefined): boolean {
  if (!isMainThread) {
    assertInitialized(lib, path);
    return false;
  }
  try {
    lib.C_Initialize({
      // Without it, calls from the threads that sign asynchronously run into each other inside the module.
      flags: CKF_OS_LOCKING_OK,
      // pkcs11js cuts the last octet of the parameters off.
      ...(libraryParameters === undefined ? {} : { libraryParameters: `${libraryParameters} ` }),
    });
    return true;
  } catch (error) {
    const refused = asTokenError('C_Initialize', error);
    if (hasReturnValue(refused, 'CKR_CRYPTOKI_ALREADY_INITIALIZED')) return false;
    throw new CountersignError(
      'PROVIDER_NOT_AVAILABLE',
      `the module ${path} does not start: ${refused.message}`,
      'Check the module’s own configuration (for SoftHSM the file that SOFTHSM2_CONF names, for NSS libraryParameters).',
      { cause: refused },
    );
  }
}

/** Two C_Initialize at once crash some modules, so threads other than the main one never call it. */
function assertInitialized(lib: PKCS11, path: string): void {
  try {
    lib.C_GetInfo();
  } catch (cause) {
    throw new CountersignError(
      'PROVIDER_NOT_AVAILABLE',
      `the module ${path} is not initialized, and a worker thread must not do that`,
      'Create a provider on the main thread first, and keep it open while workers use theirs.',
      { cause },
    );
  }
}

function otherParameters(path: string): CountersignError {
  return new CountersignError(
    'PROVIDER_NOT_AVAILABLE',
    `the module ${path} is in use in this process with other libraryParameters`,
    'A module is initialized once per process: give all providers on it the same parameters.',
  );
}
