import { CountersignError } from '@countersign/core';
import { maxMessageLength, wholeResponse } from './message-frame.ts';
import { ReconnectingTransport, type TpmConnection } from './reconnecting-transport.ts';
import { unreachable } from './transport-errors.ts';
import type { TpmTransport } from './tpm-transport.ts';

/**
 * The TPM Base Services of Windows, called through the optional package koffi.
 *
 * UNTESTED: written from the documentation of tbs.h, and never run on Windows.
 */
export function createWindowsTbsTransport(): TpmTransport {
  const description = 'the TPM Base Services';
  return new ReconnectingTransport(description, async () => openContext(description));
}

type NativeFunction = (...parameters: readonly unknown[]) => unknown;

interface TbsLibrary {
  readonly createContext: NativeFunction;
  readonly closeContext: NativeFunction;
  /** Runs on a thread of libuv's pool; the last parameter is a Node callback. */
  readonly submitCommand: NativeFunction;
}

async function openContext(description: string): Promise<TpmConnection> {
  const library = await loadLibrary();
  // TBS_CONTEXT_PARAMS2: version 2, and the bit includeTpm20.
  const parameters = Buffer.alloc(8);
  parameters.writeUInt32LE(2, 0);
  parameters.writeUInt32LE(1 << 2, 4);
  const context: unknown[] = [null];
  checkResult(description, 'Tbsi_Context_Create', library.createContext(parameters, context));
  return new TbsConnection(library, context[0], description);
}

class TbsConnection implements TpmConnection {
  readonly usable = true;
  readonly #library: TbsLibrary;
  readonly #context: unknown;
  readonly #description: string;
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(library: TbsLibrary, context: unknown, description: string) {
    this.#library = library;
    this.#context = context;
    this.#description = description;
  }

  async exchange(command: Uint8Array): Promise<Uint8Array> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const response = Buffer.alloc(maxMessageLength);
    const length = [response.length];
    const priorityNormal = 200;
    this.#underWay = promise;
    this.#library.submitCommand(
      this.#context,
      0,
      priorityNormal,
      command,
      command.length,
      response,
      length,
      (error: unknown, result: unknown) => (error instanceof Error ? reject(error) : resolve(result)),
    );
    checkResult(this.#description, 'Tbsip_Submit_Command', await promise);
    return wholeResponse(response.subarray(0, length[0]), this.#description);
  }

  /** A context must not be closed under a command. */
  async abandon(): Promise<void> {
    await Promise.allSettled([this.#underWay]);
    this.#library.closeContext(this.#context);
  }

  async end(): Promise<void> {
    return this.abandon();
  }
}

async function loadLibrary(): Promise<TbsLibrary> {
  if (process.platform !== 'win32') throw notAvailable('they exist on Windows only');
  const name = 'koffi';
  try {
    const koffi: unknown = await import(name);
    const library = call(defaultExport(koffi), 'load', 'tbs.dll');
    const declare = (signature: string) => nativeFunction(call(library, 'func', signature));
    const submit: unknown = declare(
      'uint32_t __stdcall Tbsip_Submit_Command(void *context, uint32_t locality, uint32_t priority, const uint8_t *command, uint32_t commandLength, _Out_ uint8_t *response, _Inout_ uint32_t *responseLength)',
    );
    return {
      createContext: declare(
        'uint32_t __stdcall Tbsi_Context_Create(const void *parameters, _Out_ void **context)',
      ),
      closeContext: declare('uint32_t __stdcall Tbsip_Context_Close(void *context)'),
      submitCommand: (...parameters) => call(submit, 'async', ...parameters),
    };
  } catch (error) {
    throw notAvailable('the optional package koffi does not load', error);
  }
}

function checkResult(description: string, name: string, result: unknown): void {
  if (result === 0) return;
  const shown = typeof result === 'number' ? `0x${result.toString(16)}` : String(result);
  // TBS_E_TPM_NOT_FOUND.
  if (result === 0x8028400f) {
    throw new CountersignError(
      'TPM_NOT_FOUND',
      'Windows knows of no TPM',
      'Switch the TPM on in the firmware set-up; tpm.msc shows its state.',
    );
  }
  throw unreachable(description, `${name} gave ${shown}`);
}

function notAvailable(problem: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'TPM_NOT_FOUND',
    `the TPM Base Services are not available: ${problem}`,
    'On Windows, install the package koffi; elsewhere use tpm:device=… or a simulator.',
    { cause },
  );
}

function defaultExport(module: unknown): unknown {
  return typeof module === 'object' && module !== null && 'default' in module ? module.default : module;
}

function call(target: unknown, method: string, ...parameters: readonly unknown[]): unknown {
  const found: unknown = isObject(target) ? Reflect.get(target, method) : undefined;
  if (typeof found !== 'function') throw new TypeError(`koffi has no ${method}`);
  const result: unknown = Reflect.apply(found, target, parameters);
  return result;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function nativeFunction(value: unknown): NativeFunction {
  if (typeof value !== 'function') throw new TypeError('koffi gave no function');
  return (...parameters) => {
    const result: unknown = Reflect.apply(value, undefined, parameters);
    return result;
  };
}
