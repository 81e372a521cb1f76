import { CountersignError } from '@countersign/core';

/** How an error reads: for people one line and a hint, for programs one JSON document. */
export function presentFailure(error: unknown): { readonly text: string; readonly json: string } {
  if (error instanceof CountersignError) {
    const adcs =
      error.adcs === undefined ? '' : ` [${error.adcs.symbol} 0x${error.adcs.hresult.toString(16)}]`;
    return {
      text: `countersign: ${error.code}: ${error.message}${adcs}\nhint: ${error.hint}\n`,
      json: document({
        code: error.code,
        message: error.message,
        hint: error.hint,
        ...(error.adcs === undefined
          ? {}
          : { adcs: { symbol: error.adcs.symbol, hresult: `0x${error.adcs.hresult.toString(16)}` } }),
      }),
    };
  }
  // Not one of ours, so a defect: the stack is what its report needs.
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    text: `countersign: UNEXPECTED: ${stack}\nhint: This is a defect in Countersign; please report it with these lines.\n`,
    json: document({
      code: 'UNEXPECTED',
      message: error instanceof Error ? error.message : String(error),
      hint: 'This is a defect in Countersign; please report it.',
    }),
  };
}

function document(error: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ error }, null, 2)}\n`;
}
