import { startMitKdc } from '@countersign/hello/trial-domain';
import { createTestPki } from '../sign-in/test-pki.ts';

/** Starts a KDC, writes its port and its folder, and never ends. */
const pki = await createTestPki();
const pkinit = { identity: await pki.issueKdc(), anchors: [pki.caCertificate] };
const { kdc, folder } = await startMitKdc({ pkinit });
process.stdout.write(`${kdc.port}\n${folder}\n`);
setInterval(() => undefined, 60_000);
