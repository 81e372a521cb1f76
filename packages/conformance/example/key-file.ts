import { readFile, rename, writeFile } from 'node:fs/promises';
import { CountersignError, parseKeyReference, type ErrorCode } from '@countersign/core';

/** A file with a key in each line: id, label, SubjectPublicKeyInfo, encrypted PKCS#8. */
export class KeyFile {
  closed = false;
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<string[][]> {
    if (this.closed) refuse('PROVIDER_CLOSED', 'the provider is closed');
    const text = await readFile(this.#path, { encoding: 'utf8', flag: 'a+' });
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' ').map(decodeURIComponent));
  }

  /** One change at a time; whoever reads meanwhile finds the old file or the new one. */
  async change(work: (lines: string[][]) => string[][]): Promise<void> {
    const replace = async (): Promise<void> => {
      const lines = work(await this.read()).map((line) => `${line.map(encodeURIComponent).join(' ')}\n`);
      await writeFile(`${this.#path}.new`, lines.join(''), { mode: 0o600 });
      await rename(`${this.#path}.new`, this.#path);
    };
    const changed = this.#last.then(replace);
    this.#last = changed.catch(() => undefined);
    await changed;
  }

  async find(ref: string): Promise<string[]> {
    const wanted = parseKeyReference(ref, syntax);
    const [id, label] = [wanted.get('id'), wanted.get('object')];
    const matches = (await this.read()).filter(
      (line) => (id ?? line[0]) === line[0] && (label ?? line[1]) === line[1],
    );
    if (matches.length > 1) refuse('KEY_AMBIGUOUS', `${ref} matches ${matches.length} keys`);
    return matches[0] ?? refuse('KEY_NOT_FOUND', `no key matches ${ref}`);
  }
}

export const syntax = {
  scheme: 'pkcs8',
  path: ['id', 'object'],
  query: [],
  hint: 'Write pkcs8:id=… or pkcs8:object=….',
};

export function refuse(code: ErrorCode, found: string): never {
  throw new CountersignError(code, found, 'Read the README of this provider.');
}
