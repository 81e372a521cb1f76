import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatPkcs11Uri } from '@countersign/provider-pkcs11';
import { BackDoor } from '../shim/back-door.ts';
import { buildFaultShim, type FaultShim } from '../shim/fault-shim.ts';

const run = promisify(execFile);

/** A new SoftHSM token, through the shim, which counts the sessions; no fault is armed. */
export interface SoakToken {
  readonly uri: string;
  /** The same token without the shim, for other processes: their sessions are not counted. */
  readonly uriForOthers: string;
  readonly pin: string;
  readonly shim: FaultShim;
  /** Another application in this process. */
  readonly neighbour: BackDoor;
  remove(): Promise<void>;
}

/** Sets SOFTHSM2_CONF for this process and its children. */
export async function makeSoakToken(): Promise<SoakToken> {
  const realModule = '/usr/lib/softhsm/libsofthsm2.so';
  const [label, pin] = ['soak', '482913'];
  const folder = await mkdtemp(join(tmpdir(), 'countersign-soak-'));
  const configuration = join(folder, 'softhsm2.conf');
  await mkdir(join(folder, 'tokens'));
  await writeFile(configuration, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  const newToken = ['--init-token', '--free', '--label', label, '--so-pin', '12345678', '--pin', pin];
  await run('softhsm2-util', newToken);
  const shim = await buildFaultShim(realModule, folder);
  return {
    uri: formatPkcs11Uri({ token: label, modulePath: shim.modulePath }),
    uriForOthers: formatPkcs11Uri({ token: label, modulePath: realModule }),
    pin,
    shim,
    neighbour: new BackDoor(realModule, label, pin),
    async remove() {
      shim.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
