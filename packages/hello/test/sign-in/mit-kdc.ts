import { connect } from 'node:net';
import type { Certificate } from '@countersign/core';
import {
  runKerberosProgram,
  startMitKdc as startTrialKdc,
  type ExportableKey,
  type KerberosClient,
} from '@countersign/hello/trial-domain';
import { onTestFinished } from 'vitest';
import { withLength } from './scripted-kdc.ts';
import { realm } from './test-pki.ts';

export interface MitKdcOptions {
  readonly certificate: Certificate;
  readonly key: ExportableKey;
  /** CAs of the users. */
  readonly anchors: readonly Certificate[];
  /** CertificateList, DER: with it the KDC insists on CRLs. */
  readonly crl?: Uint8Array;
  /** Lines of the realm's section in kdc.conf, in place of ours or beside them. */
  readonly settings?: readonly string[];
  /** How alice is added: with a certificate as the only way in, if absent. */
  readonly aliceFlags?: readonly string[];
  /** Queries of kadmin once the users are there, as one types them. */
  readonly queries?: readonly string[];
}

/** A KDC of MIT Kerberos with the users alice and bob and the service HTTP/web, on loopback. */
export interface MitKdc extends KerberosClient {
  readonly address: { readonly host: string; readonly port: number };
  readonly folder: string;
  readonly log: () => Promise<string>;
}

/** Starts a KDC with a database of its own, all of which goes when the test ends. */
export async function startMitKdc(options: MitKdcOptions): Promise<MitKdc> {
  const { certificate, key, anchors, crl, settings = [], queries = [] } = options;
  const { aliceFlags = ['-nokey', '+requires_preauth'] } = options;
  const kdc = await startTrialKdc({
    realm,
    pkinit: { identity: { certificate, key }, anchors, ...(crl === undefined ? {} : { crl }) },
    users: ['bob'],
    services: ['HTTP/web'],
    settings,
    queries: [['addprinc', ...aliceFlags, 'alice'], ...queries.map((query) => query.split(' '))],
  });
  onTestFinished(async () => kdc.stop());
  return { ...kdc, address: kdc.kdc };
}

/** Runs a Kerberos program on a credential cache. @returns its standard output */
export async function runWithCache(
  kdc: MitKdc,
  cache: string,
  program: string,
  ...args: readonly string[]
): Promise<string> {
  return (await runKerberosProgram(kdc, cache, program, ...args)).stdout;
}

/** Hands a message to the KDC as it is. @returns its reply */
export async function askKdc({ address }: MitKdc, message: Uint8Array): Promise<Uint8Array> {
  const socket = connect(address.port, address.host);
  try {
    socket.write(withLength(message));
    let received = Buffer.alloc(0);
    const chunks: AsyncIterable<unknown> = socket;
    for await (const chunk of chunks) {
      if (chunk instanceof Uint8Array) received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readUInt32BE()) break;
    }
    return received.subarray(4);
  } finally {
    socket.destroy();
  }
}
