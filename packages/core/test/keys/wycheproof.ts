import { existsSync, readFileSync } from 'node:fs';

/** Vectors of C2SP/wycheproof, read from beside the project, where they are not copied to. */

export interface WycheproofGroup {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly tests: readonly WycheproofTest[];
}

export interface WycheproofTest {
  readonly id: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

/** The groups in a file, or undefined where the vectors are absent. */
export function readWycheproof(file: string): WycheproofGroup[] | undefined {
  const path = new URL(`../../../../../shared/test-data/wycheproof/${file}`, import.meta.url);
  if (!existsSync(path)) return undefined;
  const document: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return arrayIn(document, 'testGroups').map((group) => ({
    publicKey: octetsIn(group, 'publicKeyDer'),
    tests: arrayIn(group, 'tests').map(readTest),
  }));
}

function readTest(test: unknown): WycheproofTest {
  const id = fieldOf(test, 'tcId');
  const result = textIn(test, 'result');
  if (typeof id !== 'number') throw unexpected('tcId');
  if (result !== 'valid' && result !== 'invalid' && result !== 'acceptable') throw unexpected('result');
  return {
    id,
    comment: textIn(test, 'comment'),
    flags: arrayIn(test, 'flags').map(String),
    message: octetsIn(test, 'msg'),
    signature: octetsIn(test, 'sig'),
    result,
  };
}

function octetsIn(value: unknown, name: string): Uint8Array {
  return Uint8Array.from(Buffer.from(textIn(value, name), 'hex'));
}

function textIn(value: unknown, name: string): string {
  const text = fieldOf(value, name);
  if (typeof text !== 'string') throw unexpected(name);
  return text;
}

function arrayIn(value: unknown, name: string): unknown[] {
  const array = fieldOf(value, name);
  if (!Array.isArray(array)) throw unexpected(name);
  return array.map((element: unknown) => element);
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function unexpected(name: string): Error {
  return new Error(`the Wycheproof file has an unexpected ${name}`);
}
