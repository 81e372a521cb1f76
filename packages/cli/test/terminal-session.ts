import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { childEnvironment, onSources } from './run-countersign.ts';

/** A program at a pseudo-terminal, which `script` (util-linux) gives it. */
export interface TerminalSession {
  /** All that the terminal has shown so far: echoes, prompts and outputs. */
  readonly transcript: () => string;
  /** Waits until the terminal shows this. */
  readonly shows: (text: string) => Promise<void>;
  readonly type: (keys: string) => void;
  /** Resolves to the command's exit status. */
  readonly ended: Promise<number>;
}

/**
 * Runs the command.
 * @param after a shell command that runs at the same terminal when the command is done, such as `stty -a`
 */
export function atTerminal(cwd: string, args: readonly string[], after = 'true'): TerminalSession {
  const command = [process.execPath, ...onSources, ...args];
  return programAtTerminal(cwd, command, { XDG_STATE_HOME: join(cwd, 'state') }, after);
}

/** @param env added to an environment that has PATH and HOME and nothing of the developer's */
export function programAtTerminal(
  cwd: string,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  after = 'true',
): TerminalSession {
  const line = command.map(quoted).join(' ');
  const child = spawn('script', ['-qec', `${line}; status=$?; ${after}; exit $status`, '/dev/null'], {
    cwd,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: childEnvironment({ TERM: 'dumb', SHELL: '/bin/sh', ...env }),
  });
  // A command that still waits for keys ends when its terminal goes away.
  onTestFinished(() => void child.kill());
  let transcript = '';
  const onOutput: (() => void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    transcript += text;
    for (const look of onOutput) look();
  });
  const ended = exitOf(child);
  return {
    transcript: () => transcript,
    ended,
    type: (keys) => child.stdin.write(keys),
    shows: async (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (transcript.includes(text)) resolve();
        };
        onOutput.push(look);
        look();
        ended.then(
          () => reject(new Error(`the session ended without showing ${text}:\n${transcript}`)),
          reject,
        );
      }),
  };
}

async function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
