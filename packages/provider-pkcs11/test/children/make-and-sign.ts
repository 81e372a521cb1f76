import { once } from 'node:events';
import { PublicKey, verifySignature } from '@countersign/core';
import { createPkcs11Provider } from '@countersign/provider-pkcs11';

// Opens the token, says so, and at a sign on stdin makes keys, signs with them, destroys every other one.
const [uri = '', pin = '', keys = '0'] = process.argv.slice(2);
const provider = await createPkcs11Provider({ uri });
await provider.list();
process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdin.destroy();
let wrong = 0;
for (let made = 0; made < Number(keys); made += 1) {
  const key = await provider.generate({ algorithm: 'p256', label: `child ${made}`, pin: Buffer.from(pin) });
  const message = Buffer.from(`message ${made}`);
  const signature = await key.sign('ecdsa-sha256', message);
  if (!verifySignature(PublicKey.parse(key.publicKey), 'ecdsa-sha256', message, signature)) wrong += 1;
  if (made % 2 === 1) await provider.destroy(key.ref);
}
await provider.close();
process.exitCode = wrong;
