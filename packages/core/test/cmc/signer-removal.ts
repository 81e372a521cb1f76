import { parseCmcRequest, type CmcSigner } from '@countersign/core';
import { context, oid, sequence } from '../path-validation/der.ts';
import { elementsOf } from './der-elements.ts';
import { ids, set } from './foreign-cmc.ts';

/** The message with the signers of one kind taken out: a signature does not cover the others beside it. */
export function withoutSigner(der: Uint8Array, kind: CmcSigner['kind']): Uint8Array {
  const signatures = parseCmcRequest(der)
    .signers.filter((signer) => signer.kind === kind)
    .map(({ signerInfo }) => Buffer.from(signerInfo.signature));
  const [, explicit = new Uint8Array()] = elementsOf(der);
  const [signedData = new Uint8Array()] = elementsOf(explicit);
  const fields = elementsOf(signedData);
  const signers = elementsOf(fields.at(-1) ?? new Uint8Array()).filter(
    (signer) => !signatures.some((signature) => Buffer.from(signer).includes(signature)),
  );
  return sequence(oid(ids.signedData), context(0, sequence(...fields.slice(0, -1), set(signers))));
}
