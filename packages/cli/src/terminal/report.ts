/** What a command came to. */
export interface Report {
  /** For people: the lines of standard output. Empty where a file holds the result. */
  readonly text: string;
  /** The same for programs; a plain JSON value. */
  readonly json: unknown;
}

/** Tells people how work goes on, on standard error. */
export type Say = (line: string) => void;

/**
 * Runs a command and prints its report: text, or with `--json` exactly one JSON document and nothing else.
 */
export async function report(
  options: { readonly json?: true | undefined },
  work: (say: Say) => Promise<Report>,
): Promise<void> {
  const isJson = options.json === true;
  const { text, json } = await work((line) => {
    if (!isJson) process.stderr.write(`${line}\n`);
  });
  if (isJson) process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  else if (text !== '') process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Aligns `name: value` lines. */
export function table(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}
