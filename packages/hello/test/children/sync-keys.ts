import { writeSync } from 'node:fs';
import { openFileDirectory } from '@countersign/hello';
import { fileDirectoryTarget, KeySync } from '../../src/sync/index.ts';

/** Runs one sync between two directories, and says each change before and after it is made. */
const [cloudPath = '', premisesPath = '', stateDirectory = ''] = process.argv.slice(2);
const target = fileDirectoryTarget(await openFileDirectory(premisesPath));
const sync = new KeySync({
  cloud: await openFileDirectory(cloudPath),
  premises: {
    ...target,
    addKeyCredential: async (upn, credential) => {
      await target.addKeyCredential(upn, credential);
      writeSync(1, `added ${credential.keyId}\n`);
    },
    removeKeyCredential: async (upn, keyId) => {
      await target.removeKeyCredential(upn, keyId);
      writeSync(1, `removed ${keyId}\n`);
    },
  },
  stateDirectory,
});
const { added, removed } = await sync.run();
writeSync(1, `done ${added} ${removed}\n`);
