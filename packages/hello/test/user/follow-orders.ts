import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resetProvisioning } from '@countersign/hello/reset';
import { renewCertificate } from '@countersign/hello/renewal';
import { openHousehold, upn, withPin } from './household.ts';

/** Resets a household, or renews its certificate at the CA of the process that started this one, as its orders are. */
const [order = '', folder = '', now = ''] = process.argv.slice(2);
const { custody, places, state, cloud, premises } = await openHousehold(folder);
process.send?.({ kind: 'ready' });
if (order === 'reset') {
  await resetProvisioning({
    upn,
    directory: state,
    stations: {
      custody,
      registries: [
        { name: 'cloud', removeKey: async (...key) => cloud.removeKey(...key) },
        { name: 'premises', removeKey: async (...key) => premises.removeKey(...key) },
      ],
      places,
      revoke: async ({ keyId }) => {
        writeFileSync(join(folder, `revoked-${keyId}`), '');
      },
    },
  });
} else {
  const isRegistered = async (name: string, keyId: string): Promise<boolean> => {
    const user = await premises.findByUpn(name);
    return user?.keyCredentials.some((credential) => credential.keyId === keyId) ?? false;
  };
  await renewCertificate({
    upn,
    directory: state,
    clock: () => new Date(now),
    stations: { custody, withPin, places, isRegistered, submit: askParent },
  });
}
process.disconnect();

async function askParent(request: Uint8Array, replaces: Uint8Array): Promise<Uint8Array> {
  process.send?.({ kind: 'submit', request, replaces });
  return new Promise((resolve, reject) => {
    process.once('message', (answer) => {
      if (answer instanceof Uint8Array) resolve(answer);
      else reject(new Error(`the CA: ${String(answer)}`));
    });
  });
}
