import { readFileSync } from 'node:fs';
import { hex } from '../encodings/der.ts';

/** Values of msDS-KeyCredentialLink out of real directories; where they come from stands in the file. */
const file: unknown = JSON.parse(readFileSync(new URL('key-credentials.json', import.meta.url), 'utf8'));

export function realText(name: string): string {
  const value = new Map<string, unknown>(
    Object.entries(typeof file === 'object' && file !== null ? file : {}),
  );
  const text = value.get(name);
  if (typeof text !== 'string') throw new Error(`key-credentials.json has no ${name}`);
  return text;
}

export function realBlob(name: string): Uint8Array {
  return hex(realText(name));
}
