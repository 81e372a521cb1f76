import { customVerifier } from '@countersign/hello';
import { readHelloConfig } from '../../../src/provisioning/hello-config.ts';
import { runProvisioning } from '../../../src/provisioning/run-provisioning.ts';

/** Provisions a user by the settings in a file, with a second factor that any answer passes. */
const [settings = '', pin = ''] = process.argv.slice(2);
const { outcome } = await runProvisioning(await readHelloConfig(settings), {
  caPin: {},
  raPin: {},
  input: { pin: Buffer.from(pin) },
  waits: false,
  verifier: customVerifier('test', async () => true),
  secondFactor: async () => Buffer.from('yes'),
  tell: () => undefined,
  say: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(`${outcome.kind}\n`);
