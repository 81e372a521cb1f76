import { access, constants, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { installHint, notAvailable } from './trial-failure.ts';

/** Programs and files that a server is made of, each with the Debian package that has it. */
export interface Requirements {
  /** What cannot be started without them. */
  readonly server: string;
  /** Names of programs, or absolute paths, in which one folder may be `*`. */
  readonly parts: Readonly<Record<string, string>>;
}

/** @throws CountersignError `TRIAL_DOMAIN_NOT_AVAILABLE`, naming all that is missing */
export async function assertInstalled({ server, parts }: Requirements): Promise<void> {
  const missing: [string, string][] = [];
  for (const [part, debianPackage] of Object.entries(parts)) {
    if (!(await isInstalled(part))) missing.push([part, debianPackage]);
  }
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))];
  throw notAvailable(
    `${server} cannot be started on this machine without ${missing.map(([part]) => part).join(', ')}`,
    `${installHint} (Debian: apt-get install ${packages.join(' ')}).`,
  );
}

/** Debian has servers where users do not look for programs. */
export function serverPath(): string {
  return [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
}

async function isInstalled(part: string): Promise<boolean> {
  const isFile = part.startsWith('/');
  const paths = isFile ? await matches(part) : programPaths(part);
  for (const path of paths) {
    if (await isAccessible(path, isFile ? constants.R_OK : constants.X_OK)) return true;
  }
  return false;
}

function programPaths(program: string): string[] {
  const directories = serverPath().split(delimiter);
  return directories.filter((directory) => directory !== '').map((directory) => join(directory, program));
}

async function matches(pattern: string): Promise<string[]> {
  const [before = '', after] = pattern.split('/*/');
  if (after === undefined) return [pattern];
  const names = await readdir(before).catch(() => []);
  return names.map((name) => join(before, name, after));
}

async function isAccessible(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
