import { createInterface } from 'node:readline';
import { PublicKey, verifySignature } from '@countersign/core';
import { createPkcs11Provider } from '@countersign/provider-pkcs11';

// Makes a key and says so. Then does what each line on stdin says: `in` logs in; `work` makes a key, signs with it and destroys
// it; `out` logs out. Answers every line with `right`, or with `wrong` after a wrong signature. Destroys its key in the end.
const [uri = '', pinText = ''] = process.argv.slice(2);
const pin = Buffer.from(pinText);
const provider = await createPkcs11Provider({ uri });
const own = await provider.generate({ algorithm: 'p256', label: 'of the other process', pin });
own.lock();
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  let isRight = true;
  if (line === 'in') await own.unlock(pin);
  else if (line === 'out') own.lock();
  else isRight = await makeUseAndDestroy();
  process.stdout.write(isRight ? 'right\n' : 'wrong\n');
}
await own.unlock(pin);
await provider.destroy(own.ref);
await provider.close();

async function makeUseAndDestroy(): Promise<boolean> {
  const key = await provider.generate({ algorithm: 'p256', label: 'passing' });
  const message = Buffer.from('message');
  const signature = await key.sign('ecdsa-sha256', message);
  await provider.destroy(key.ref);
  return verifySignature(PublicKey.parse(key.publicKey), 'ecdsa-sha256', message, signature);
}
