import { readFileSync, writeFileSync } from 'node:fs';
import { toHex } from '../encodings/der.ts';

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

export function writeVectors(name: string, file: VectorFile): void {
  writeFileSync(vectorFileUrl(name), `${JSON.stringify(file, null, 2)}\n`);
}
