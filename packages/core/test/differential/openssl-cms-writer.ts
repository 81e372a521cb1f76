import { encodePem } from '@countersign/core';
import { openssl, type OpensslFiles } from './openssl.ts';
import type { Signer } from './software-key.ts';
import { hashOf } from './countersigned-cases.ts';

/** Signs a request with `openssl cms -sign`, which has no way to add an attribute and so none to name a requester. */
export function signRequest(
  files: OpensslFiles,
  { key, scheme }: Signer,
  agentCertificate: Uint8Array,
  request: Uint8Array,
): Uint8Array {
  const certificate = files.write('agent.pem', encodePem('CERTIFICATE', agentCertificate));
  const privateKey = files.write(`${key.algorithm}.pem`, key.pem);
  const padding = scheme.startsWith('rsa-pss')
    ? ['-keyopt', 'rsa_padding_mode:pss', '-keyopt', 'rsa_pss_saltlen:digest']
    : [];
  const form = ['-binary', '-nodetach', '-nosmimecap', '-outform', 'DER', '-md', hashOf(scheme)];
  return openssl(
    ['cms', '-sign', ...form, '-signer', certificate, '-inkey', privateKey, ...padding],
    request,
  );
}
