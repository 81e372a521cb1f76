import type { TpmValidationProgress } from '@countersign/conformance';

/** One line on a terminal that says what is under way; nothing elsewhere. */
export function showProgress(wanted: boolean): {
  readonly tell: (progress: TpmValidationProgress) => void;
  readonly end: () => void;
} {
  if (!wanted || !process.stderr.isTTY) return { tell: () => undefined, end: () => undefined };
  let title = '';
  return {
    tell: (progress) => {
      if (progress.kind === 'done') return;
      if (progress.kind === 'started') title = progress.title;
      rewriteLine(progress.kind === 'step' ? `${title}: ${progress.done} of ${progress.total}` : title);
    },
    end: () => rewriteLine(''),
  };
}

function rewriteLine(text: string): void {
  const columns = process.stderr.columns || 80;
  process.stderr.write(`\r\u001b[2K${text.slice(0, columns - 1)}`);
}
