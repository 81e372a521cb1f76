import { KeyCustody } from '@countersign/core';
import { FileKeyRecords } from '@countersign/state';
import { certificateFor, pin, sealedMemoryProvider } from '../providers.ts';

/** Leads keys through their lives until it is killed: generate, install, rotate, install, destroy. */
const [folder = ''] = process.argv.slice(2);
const provider = await sealedMemoryProvider(folder);
const custody = new KeyCustody({ provider, records: new FileKeyRecords(folder) });
process.stdout.write('started\n');

let { ref } = await custody.generate({ algorithm: 'p256', pin });
await custody.installCertificate(ref, (await certificateFor(provider, ref)).der);
for (;;) {
  const successor = await custody.rotate(ref, { algorithm: 'p256', pin });
  await custody.installCertificate(successor.ref, (await certificateFor(provider, successor.ref)).der);
  await custody.destroy(ref, 'replaced');
  process.stdout.write(`${ref}\n`);
  ref = successor.ref;
}
