import { readFileSync } from 'node:fs';
import { JsonObject, parseJsonDocument } from '@countersign/state';

const packageJson = new URL('../package.json', import.meta.url);

/** The version in this package's package.json. */
export const version = readVersion();

function readVersion(): string {
  const document = parseJsonDocument(readFileSync(packageJson), packageJson.pathname);
  return JsonObject.from(document, packageJson.pathname).string('version');
}
