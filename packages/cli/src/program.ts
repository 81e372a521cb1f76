import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { commandList } from './command-list.ts';
import { version } from './version.ts';

/** @param args without node and script: the commands that they name are loaded, of the others name and description */
export async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('countersign')
    .description("Carry a user's key pair from birth to a certificate that signs the user in.")
    .version(version)
    .addHelpText('after', afterword);
  for (const { name, description, load } of commandList) {
    const command: CommandUnknownOpts = args.includes(name) ? await load() : new Command(name);
    program.addCommand(command.description(description));
  }
  configure(program);
  return program;
}

/** Commands that are added, unlike those made in place, do not inherit these settings. */
function configure(command: CommandUnknownOpts): void {
  command.exitOverride().showHelpAfterError('(add --help for usage)');
  command.commands.forEach(configure);
}

const afterword = `
Examples:
  $ countersign demo                      the whole flow on this machine, in seconds
  $ countersign directory add --dir dir --upn alice@contoso.test --sid S-1-5-21-1-2-3-1104 \\
      --dn CN=Alice,OU=Users,DC=contoso,DC=test --account 'CONTOSO\\alice' --key request.pem
  $ countersign ca init --dir ca --directory dir
  $ countersign ra init --dir ra --ca ca
  $ countersign ra countersign --dir ra --request request.pem --requester alice@contoso.test --out request.cms
  $ countersign ca issue --dir ca --request request.cms --out certificate.pem

PINs come from the terminal, from --pin-file or from COUNTERSIGN_PIN, never from an argument.
State lies under $XDG_STATE_HOME/countersign (or ~/.local/state/countersign) unless a --dir says otherwise.
Exit status: 0 done, 1 refused or failed (the error's code is printed), 2 wrong usage.`;
