import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createPkcs11Provider } from '@countersign/provider-pkcs11';
import { expect, test } from 'vitest';
import { faultyToken, keyOnPath, schemeOf, signingPaths, uriOf } from '../shim/faulty-token.ts';
import { verifies } from '../verifies.ts';

setFlagsFromString('--expose-gc');
/** In a context of its own, as this one was made without the flag. */
function collect(): void {
  runInNewContext('gc()');
}

test.each(signingPaths)(
  '%s: a message that changes, and memory that is collected, while the token signs change nothing',
  async (path) => {
    const module = await faultyToken();
    const provider = await createPkcs11Provider({ uri: uriOf(module), maxSessions: 2 });
    const key = await keyOnPath(module, provider, path);
    // Long enough for much to happen between the start of a signature and its end.
    module.shim.delaySignatures(10);
    const originals: Uint8Array[] = [];
    const signing = Array.from({ length: 12 }, async () => {
      const message = randomBytes(500);
      originals.push(Uint8Array.from(message));
      const signature = key.sign(schemeOf(path), message);
      message.fill(0xff);
      return signature;
    });
    const collecting = setInterval(() => {
      collect();
      // Whatever was freed is taken and written to.
      Array.from({ length: 200 }, () => Buffer.from(new ArrayBuffer(320)).fill(0xee));
    }, 1);
    const signatures = await Promise.all(signing);
    clearInterval(collecting);
    for (const [index, original] of originals.entries()) {
      const signature = signatures[index] ?? new Uint8Array();
      expect(verifies(schemeOf(path), key.publicKey, original, signature)).toBe(true);
    }
    await provider.close();
  },
);
