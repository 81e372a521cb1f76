import { registerHooks } from 'node:module';
import { CountersignError } from '@countersign/core';

// As on a machine where npm did not run the install script: the binary is not there.
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.endsWith('pkcs11.node')) {
      throw new Error(`Cannot find module '${specifier}'`);
    }
    return next(specifier, context);
  },
});

const { createPkcs11Provider } = await import('@countersign/provider-pkcs11');
try {
  await createPkcs11Provider({ uri: `pkcs11:?module-path=${process.argv[2]}` });
} catch (error) {
  if (!(error instanceof CountersignError)) throw error;
  process.stdout.write(`${error.code} ${error.hint}\n`);
}
