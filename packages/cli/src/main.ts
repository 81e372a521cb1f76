import { CommanderError } from '@commander-js/extra-typings';
import { createProgram } from './program.ts';

/** Exit status: 0 done, 1 refused or failed, 2 wrong usage. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader went away (`countersign … | head`): there is nobody left to tell.
  if (error.code !== 'EPIPE') throw error;
});
try {
  const program = await createProgram(process.argv.slice(2));
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has written the help or the complaint already.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const { presentFailure } = await import('./terminal/failure.ts');
    const failure = presentFailure(error);
    process.stderr.write(failure.text);
    if (process.argv.includes('--json')) process.stdout.write(failure.json);
    process.exitCode = 1;
  }
}
