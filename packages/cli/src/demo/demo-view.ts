import type { DemoStep, DemoSummary } from './run-demo.ts';
import { quoted } from './user-keys.ts';

/** One step, told as it ends. */
export function tellStep({ title, did, durationMs }: DemoStep): string {
  return `✓ ${title} (${durationMs} ms)\n${did.map((line) => `    ${line}`).join('\n')}`;
}

/** What the demonstration leaves behind, and what to try on it. */
export function demoText({ out, artifacts, state, seenBy }: DemoSummary): string {
  const width = Math.max(...artifacts.map(({ file }) => file.length));
  const files = artifacts.map(({ file, holds }) => `  ${file.padEnd(width)}  ${holds}`);
  return `
Artifacts in ${out}:
${files.join('\n')}

Look at them with other eyes:
  cd ${quoted(out)}
  openssl req -in request.pem -verify -noout
  openssl cms -verify -inform DER -in countersigned.cms -CAfile ca.pem -purpose any -out inner.der
  openssl verify -CAfile ca.pem certificate.pem
  openssl x509 -in certificate.pem -noout -text
${seenBy.map((command) => `  ${command}\n`).join('')}
The CA, the RA and the directory go on living in ${state}:
  npx countersign directory show --dir ${quoted(`${state}/directory`)}
  npx countersign ca audit verify --dir ${quoted(`${state}/ca`)}
`;
}
