import { createHash } from 'node:crypto';
import { CountersignError } from '@countersign/core';
import { hashAlgorithms, type HashAlgorithm } from './algorithms.ts';
import { commands, type CommandLayout } from './command-table.ts';
import { TpmWriter } from './wire/tpm-writer.ts';

/** One assertion of a policy (TPM 2.0 part 3, 23). */
export type PolicyAssertion =
  | { readonly kind: 'authValue' }
  | { readonly kind: 'commandCode'; readonly command: CommandLayout }
  | { readonly kind: 'secret'; readonly name: Uint8Array; readonly policyRef?: Uint8Array }
  /** Two to eight policies, one of which must have been satisfied up to here. */
  | { readonly kind: 'or'; readonly digests: readonly Uint8Array[] };

/** The policyDigest that satisfying the assertions in this order leads to: the authPolicy of an object. */
export function computePolicyDigest(hash: HashAlgorithm, assertions: readonly PolicyAssertion[]): Uint8Array {
  let digest: Uint8Array = new Uint8Array(hashAlgorithms[hash].bytes);
  for (const assertion of assertions) digest = extend(hash, digest, assertion);
  return digest;
}

function extend(hash: HashAlgorithm, digest: Uint8Array, assertion: PolicyAssertion): Uint8Array {
  const writer = new TpmWriter();
  switch (assertion.kind) {
    case 'authValue':
      return hashOf(hash, writer.bytes(digest).u32(commands.policyAuthValue.code));
    case 'commandCode':
      return hashOf(
        hash,
        writer.bytes(digest).u32(commands.policyCommandCode.code).u32(assertion.command.code),
      );
    case 'secret': {
      writer.bytes(digest).u32(commands.policySecret.code).bytes(assertion.name);
      const first = hashOf(hash, writer);
      return hashOf(hash, new TpmWriter().bytes(first).bytes(assertion.policyRef ?? new Uint8Array()));
    }
    case 'or':
      assertBranches(hash, assertion.digests);
      writer.bytes(new Uint8Array(hashAlgorithms[hash].bytes)).u32(commands.policyOr.code);
      for (const branch of assertion.digests) writer.bytes(branch);
      return hashOf(hash, writer);
  }
}

function assertBranches(hash: HashAlgorithm, digests: readonly Uint8Array[]): void {
  if (digests.length < 2 || digests.length > 8) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `TPM2_PolicyOR takes from 2 to 8 policies, not ${digests.length}`,
      'Nest several of them for more.',
    );
  }
  if (digests.some(({ length }) => length !== hashAlgorithms[hash].bytes)) {
    throw new CountersignError(
      'VALUE_OUT_OF_RANGE',
      `a policy in TPM2_PolicyOR is not a ${hash} digest`,
      'Compute every branch with the hash of the session.',
    );
  }
}

function hashOf(hash: HashAlgorithm, writer: TpmWriter): Uint8Array {
  return Uint8Array.from(createHash(hash).update(writer.finish()).digest());
}
