import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/**
 * Runs a program to its end.
 * @param input what it reads from its standard input
 * @returns what it wrote to its standard output
 * @throws with all that it wrote, if it does not succeed
 */
export async function runTool(
  program: string,
  args: readonly string[],
  { input = '', env = {} }: { readonly input?: string; readonly env?: Record<string, string> } = {},
): Promise<string> {
  const child = spawn(program, args, { env: { ...process.env, ...env } });
  child.stdin.on('error', () => undefined); // it may end without reading
  child.stdin.end(input);
  const status = new Promise<string | number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const [output, errors, ending] = await Promise.all([text(child.stdout), text(child.stderr), status]);
  if (ending !== 0) throw new Error(`${program} ended with ${ending}: ${errors}${output}`);
  return output + (program === 'samba-tool' ? errors : '');
}
