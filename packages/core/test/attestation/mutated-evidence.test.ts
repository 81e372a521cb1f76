import { expect, test } from 'vitest';
import {
  CountersignError,
  parseAttestationBundle,
  parseTpmAttest,
  parseTpmSignature,
  tpmKeyEvidenceAttribute,
  TpmPublicArea,
  verifyTpmKeyAttestation,
} from '@countersign/core';
import { fuzz } from '../fuzz/fuzz.ts';
import { Mutator } from '../fuzz/mutation.ts';
import { createEndorsedTpm } from './endorsed-tpm.ts';
import { createAttestedKey } from './attested-key.ts';
import { createTpmKey, tpmSignature } from './software-tpm.ts';

const mutants = Number(process.env['COUNTERSIGN_MUTANTS'] ?? 5000);

const { evidence, inputs, userKey, attestationKey } = createAttestedKey();
const [bundle = new Uint8Array()] = tpmKeyEvidenceAttribute(evidence).values;
const rsaKey = createTpmKey({ algorithm: 'rsa2048' });

test.each([
  {
    name: 'TPMT_PUBLIC',
    documents: [userKey.area, rsaKey.area, createEndorsedTpm('H-3').inputs.publicArea],
    parse: (document: Uint8Array) => TpmPublicArea.parse(document).bytes,
  },
  {
    name: 'TPMS_ATTEST',
    documents: [evidence.attest],
    parse: (document: Uint8Array) => parseTpmAttest(document).bytes,
  },
  {
    name: 'TPMT_SIGNATURE',
    documents: [evidence.signature, tpmSignature(rsaKey, 'rsapss', evidence.attest)],
    parse: (document: Uint8Array) => {
      parseTpmSignature(document);
      return undefined;
    },
  },
  {
    name: 'attestation bundle',
    documents: [bundle],
    parse: (document: Uint8Array) => {
      parseAttestationBundle(document);
      return undefined;
    },
  },
])(`${mutants} mutants of a $name end in a verdict or a typed refusal`, (parser) => {
  const { refusals } = fuzz(parser, mutants, Math.floor(Math.random() * 0xffff_ffff));
  expect(refusals.size).toBeGreaterThan(0);
});

test('no mutant of what was signed and certified is accepted, and each is refused with a code', async () => {
  const seed = Math.floor(Math.random() * 0xffff_ffff);
  const mutator = new Mutator(seed);
  const codes = new Set<string>();
  for (let i = 0; i < mutants / 5; i++) {
    const documents = [
      evidence.attest,
      evidence.publicArea ?? new Uint8Array(),
      userKey.area,
      attestationKey.area,
    ];
    const [attest, publicArea] = [mutator.mutate([evidence.attest]), mutator.mutate(documents.slice(1))];
    for (const mutant of [
      { ...evidence, attest },
      { ...evidence, publicArea },
    ]) {
      if (isUnchanged(mutant.attest, evidence.attest) && isUnchanged(mutant.publicArea, userKey.area))
        continue;
      codes.add(await outcome(mutant, seed));
    }
  }
  expect(codes).not.toContain('accepted');
  expect(codes.size).toBeGreaterThan(3);
});

test('mutants of a whole bundle are accepted only if what they claim is as it was', async () => {
  const mutator = new Mutator(Math.floor(Math.random() * 0xffff_ffff));
  for (let i = 0; i < mutants / 5; i++) {
    const mutant = mutator.mutate([bundle]);
    try {
      const parsed = parseAttestationBundle(mutant);
      if (parsed === undefined) continue;
      await verifyTpmKeyAttestation(parsed, inputs);
      expect(parsed.attest).toEqual(evidence.attest);
      expect(parsed.publicArea).toEqual(evidence.publicArea);
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
    }
  }
});

async function outcome(mutant: typeof evidence, seed: number): Promise<string> {
  try {
    await verifyTpmKeyAttestation(mutant, inputs);
    return 'accepted';
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw new Error(`seed ${seed}: not a refusal`, { cause: error });
  }
}

function isUnchanged(mutant: Uint8Array | undefined, original: Uint8Array): boolean {
  return mutant !== undefined && Buffer.compare(mutant, original) === 0;
}
