import { execFile } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pkcs11js from 'pkcs11js';

const run = promisify(execFile);

/** A return value, by the standard's name. */
export type CkrName = Extract<keyof typeof pkcs11js, `CKR_${string}`>;

/** What goes wrong at a call, as the effects of fault-shim.c. */
export type Effect =
  | { readonly refuse: CkrName | number }
  /** The call does what it should, and its caller is told that it did not. */
  | { readonly doAndRefuse: CkrName }
  | 'lose-session'
  | 'flip-bit'
  /** Octets by which C_Sign says that the signature is longer. */
  | { readonly lengthen: number };

export interface Fault {
  /** Such as `C_Sign`; every function unless given. */
  readonly at?: string;
  readonly effect: Effect;
  /** Calls that are spared before. Default 0. */
  readonly skip?: number;
  /** Calls that it strikes. Default 1. */
  readonly times?: number;
}

const functionNames = [
  ...readFileSync(new URL('cryptoki.h', import.meta.url), 'utf8').matchAll(/ENTRY\((C_\w+)\)/g),
].map(([, name]) => name ?? '');

/** Where the numbers of `struct control` stand in the control file. */
const place = {
  function: 0,
  effect: 1,
  returnValue: 2,
  skip: 3,
  times: 4,
  injected: 5,
  away: 6,
  slotShift: 7,
  tokenFlags: 8,
  signDelayMs: 9,
  sessions: 10,
  mostSessions: 11,
  struckFunction: 12,
  calls: 16,
};
const anyFunction = 1000;

/** Compiles a shim over a module. @returns the shim's control */
export async function buildFaultShim(realModule: string, folder: string): Promise<FaultShim> {
  const modulePath = join(folder, 'fault-shim.so');
  const source = fileURLToPath(new URL('fault-shim.c', import.meta.url));
  const options = ['-shared', '-fPIC', '-pthread', '-O1', `-DREAL_MODULE="${realModule}"`];
  await run('cc', [...options, '-o', modulePath, source, '-ldl']);
  const control = `${modulePath}.control`;
  await writeFile(control, new Uint8Array(8 * (place.calls + functionNames.length)));
  return new FaultShim(modulePath, openSync(control, 'r+'));
}

/** Tells the shim what to do wrong, and asks it what it saw, through the file that both have open. */
export class FaultShim {
  readonly modulePath: string;
  readonly #file: number;

  constructor(modulePath: string, file: number) {
    this.modulePath = modulePath;
    this.#file = file;
  }

  /** Replaces the fault that was armed before. */
  arm({ at, effect, skip = 0, times = 1 }: Fault): void {
    const [number, returnValue] = encode(effect);
    this.disarm();
    this.#write(place.function, at === undefined ? anyFunction : placeOf(at));
    this.#write(place.returnValue, returnValue);
    this.#write(place.skip, skip);
    this.#write(place.times, times);
    this.#write(place.injected, 0);
    this.#write(place.effect, number);
  }

  disarm(): void {
    this.#write(place.effect, 0);
  }

  /** Back to a module without faults. */
  reset(): void {
    for (const number of [place.effect, place.away, place.slotShift, place.tokenFlags, place.signDelayMs]) {
      this.#write(number, 0);
    }
  }

  /** How often the fault that was armed last struck. */
  get injected(): number {
    return this.#read(place.injected);
  }

  /** The function that the fault struck last. */
  get struckFunction(): string {
    return functionNames[this.#read(place.struckFunction)] ?? '';
  }

  /** How often a function was called since the module was loaded. */
  calls(name: string): number {
    return this.#read(place.calls + placeOf(name));
  }

  /** Takes the token out of its slot: sessions are answered with this return value, and are gone for good. */
  takeTokenAway(returnValue: CkrName): void {
    this.#write(place.away, pkcs11js[returnValue]);
  }

  /** @param slotShift how far from its old slot */
  putTokenBack(slotShift: number): void {
    this.#write(place.slotShift, slotShift);
    this.#write(place.away, 0);
  }

  /** Has C_GetTokenInfo set these flags too. */
  setTokenFlags(flags: number): void {
    this.#write(place.tokenFlags, flags);
  }

  /** Makes the token slow at C_Sign. */
  delaySignatures(delayMs: number): void {
    this.#write(place.signDelayMs, delayMs);
  }

  /** Sessions that are open now. */
  get sessions(): number {
    return this.#read(place.sessions);
  }

  /** The most that were open at a time since `watchSessions`. */
  get mostSessions(): number {
    return this.#read(place.mostSessions);
  }

  watchSessions(): void {
    this.#write(place.mostSessions, this.sessions);
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(index: number, value: number): void {
    const octets = Buffer.alloc(8);
    octets.writeBigInt64LE(BigInt(value));
    writeSync(this.#file, octets, 0, 8, 8 * index);
  }

  #read(index: number): number {
    const octets = Buffer.alloc(8);
    readSync(this.#file, octets, 0, 8, 8 * index);
    return Number(octets.readBigInt64LE());
  }
}

/** For the names of tests. */
export function nameOf(effect: Effect): string {
  if (typeof effect === 'string') return effect;
  if ('lengthen' in effect) return `length ${effect.lengthen > 0 ? '+' : ''}${effect.lengthen}`;
  if ('doAndRefuse' in effect) return `done, and ${effect.doAndRefuse}`;
  return typeof effect.refuse === 'number' ? `0x${effect.refuse.toString(16)}` : effect.refuse;
}

/** The number in `enum effect`, and what belongs in `returnValue`. */
function encode(effect: Effect): readonly [number, number] {
  if (effect === 'lose-session') return [3, 0];
  if (effect === 'flip-bit') return [4, 0];
  if ('lengthen' in effect) return [5, effect.lengthen];
  if ('doAndRefuse' in effect) return [2, pkcs11js[effect.doAndRefuse]];
  return [1, typeof effect.refuse === 'number' ? effect.refuse : pkcs11js[effect.refuse]];
}

function placeOf(name: string): number {
  const index = functionNames.indexOf(name);
  if (index === -1) throw new Error(`Cryptoki has no function ${name}`);
  return index;
}
