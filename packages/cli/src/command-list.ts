import type { CommandUnknownOpts } from '@commander-js/extra-typings';

export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  /** Loads what the command needs, which takes longer than all the rest. */
  readonly load: () => Promise<CommandUnknownOpts>;
}

/** All commands, in the order of the help text: first what a newcomer looks for. */
export const commandList: readonly CommandEntry[] = [
  {
    name: 'demo',
    description: 'run the whole flow on this machine: from a new key to a signed-in user',
    load: async () => (await import('./commands/demo.ts')).demoCommand(),
  },
  {
    name: 'key',
    description: 'keys and their states, wherever they live',
    load: async () => (await import('./commands/key.ts')).keyCommand(),
  },
  {
    name: 'request',
    description: 'PKCS#10 certification requests',
    load: async () => (await import('./commands/request.ts')).requestCommand(),
  },
  {
    name: 'ca',
    description: 'a certification authority with its ledger',
    load: async () => (await import('./commands/ca.ts')).caCommand(),
  },
  {
    name: 'ra',
    description: 'a registration authority with its enrollment agent certificate',
    load: async () => (await import('./commands/ra.ts')).raCommand(),
  },
  {
    name: 'directory',
    description: 'the embedded directory: users, SIDs and their registered keys',
    load: async () => (await import('./commands/directory.ts')).directoryCommand(),
  },
  {
    name: 'site',
    description: 'the services that provisioning needs, together on this machine',
    load: async () => (await import('./commands/site.ts')).siteCommand(),
  },
  {
    name: 'prereq',
    description: 'check what provisioning needs, as dsregcmd /status does',
    load: async () => (await import('./commands/prereq.ts')).prereqCommand(),
  },
  {
    name: 'provision',
    description: 'lead a user through Windows Hello provisioning, to the certificate',
    load: async () => (await import('./commands/provision.ts')).provisionCommand(),
  },
  {
    name: 'hello',
    description: 'what comes after provisioning: change the PIN, renew, reset',
    load: async () => (await import('./commands/hello.ts')).helloCommand(),
  },
  {
    name: 'signin',
    description: 'sign in to a Kerberos realm with the provisioned key and certificate',
    load: async () => (await import('./commands/signin.ts')).signinCommand(),
  },
  {
    name: 'tpm',
    description: 'is this TPM fit for keys of Windows Hello',
    load: async () => (await import('./commands/tpm.ts')).tpmCommand(),
  },
];
