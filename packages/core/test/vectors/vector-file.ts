import { readFileSync, writeFileSync } from 'node:fs';
import { hex, toHex } from '../encodings/der.ts';

/** One file of `test-vectors/`; its schema lies beside it. */
export interface VectorFile {
  readonly type: 'CertificationRequest' | 'Certificate' | 'CountersignedRequest' | 'CertificateList';
  readonly description: string;
  readonly notes: Readonly<Record<string, string>>;
  readonly keys: Readonly<Record<string, string>>;
  readonly tests: readonly Vector[];
}

export interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly der: string;
  readonly result: 'valid' | 'invalid';
  readonly code?: string;
}

/** A vector before it has its number: `code` is the refusal, or absent for what is valid. */
export type Draft = readonly [comment: string, flags: readonly string[], der: Uint8Array, code?: string];

export function numbered(drafts: readonly Draft[]): Vector[] {
  return drafts.map(([comment, flags, der, code], i) => {
    const vector = { tcId: i + 1, comment, flags, der: toHex(der) };
    return code === undefined ? { ...vector, result: 'valid' } : { ...vector, result: 'invalid', code };
  });
}

export function vectorFileUrl(name: string): URL {
  return new URL(`../../../../test-vectors/${name}`, import.meta.url);
}

export function readJson(name: string): unknown {
  const parsed: unknown = JSON.parse(readFileSync(vectorFileUrl(name), 'utf8'));
  return parsed;
}

/** The documents of a file, right and wrong. */
export function readVectors(name: string): Uint8Array[] {
  const found = readJson(name);
  if (typeof found !== 'object' || found === null || !('tests' in found) || !Array.isArray(found.tests)) {
    throw new TypeError(`${name} holds no tests`);
  }
  return found.tests.map((vector: unknown) => {
    const der: unknown =
      typeof vector === 'object' && vector !== null && 'der' in vector ? vector.der : undefined;
    if (typeof der !== 'string') throw new TypeError(`a vector of ${name} has no der`);
    return hex(der);
  });
}

export function writeVectors(name: string, file: VectorFile): void {
  writeFileSync(vectorFileUrl(name), `${JSON.stringify(file, null, 2)}\n`);
}
