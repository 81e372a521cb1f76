import { readdirSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  Certificate,
  CertificateList,
  CertificationRequest,
  CountersignError,
  parseCountersignedRequest,
  verifySignerInfo,
} from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { hex } from '../encodings/der.ts';
import { certificateLists } from './certificate-lists.ts';
import { certificates } from './certificates.ts';
import { certificationRequests } from './certification-requests.ts';
import { countersignedRequests, countersignedRequestsFile } from './countersigned-requests.ts';
import { readJson, vectorFileUrl, writeVectors, type VectorFile } from './vector-file.ts';

const files = [
  ['certification-requests.json', certificationRequests, verifyRequest],
  ['certificates.json', () => Promise.resolve(certificates()), (der) => void Certificate.parse(der)],
  [countersignedRequestsFile, countersignedRequests, verifyCountersigned],
  ['certificate-lists.json', () => Promise.resolve(certificateLists()), readAllEntries],
] as const satisfies readonly (readonly [string, () => Promise<VectorFile>, (der: Uint8Array) => void])[];

test('every file of vectors is made and checked here', () => {
  const found = readdirSync(vectorFileUrl('.')).filter((name) => name.endsWith('.json'));
  expect(new Set(found)).toEqual(new Set(files.map(([name]) => name)));
});

describe.each(files)('%s', (name, make, check) => {
  test('is what its maker makes', async () => {
    const made = await make();
    // COUNTERSIGN_WRITE_VECTORS=1 takes over what changed on purpose.
    if (process.env['COUNTERSIGN_WRITE_VECTORS'] === '1') writeVectors(name, made);
    expect(readJson(name)).toEqual(made);
  });

  test('keeps to the schema, and explains every flag', async () => {
    const validate = new Ajv2020({ strict: false }).compile(schema());
    expect(validate(readJson(name)), JSON.stringify(validate.errors)).toBe(true);
    const { notes, tests } = await make();
    const used = new Set(tests.flatMap(({ flags }) => flags));
    expect(new Set(Object.keys(notes))).toEqual(used);
  });

  test('every verdict is the one that core comes to', async () => {
    const { tests } = await make();
    for (const { tcId, comment, der, result, code } of tests) {
      const verdict = verdictOf(() => {
        check(hex(der));
      });
      expect(verdict, `${tcId}: ${comment}`).toBe(result === 'valid' ? 'valid' : code);
    }
    expect(tests.some(({ result }) => result === 'valid')).toBe(true);
    expect(tests.some(({ result }) => result === 'invalid')).toBe(true);
  });
});

function verifyRequest(der: Uint8Array): void {
  CertificationRequest.parse(der).verifyProofOfPossession();
}

function verifyCountersigned(der: Uint8Array): void {
  const { signedData, request } = parseCountersignedRequest(der);
  verifySignerInfo(signedData);
  request.verifyProofOfPossession();
}

function readAllEntries(der: Uint8Array): void {
  for (const { serialNumber } of CertificateList.parse(der).entries) expect(serialNumber).not.toBe('');
}

function verdictOf(check: () => void): string {
  try {
    check();
    return 'valid';
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}

function schema(): object {
  const found = readJson('schemas/vectors.schema.json');
  if (typeof found !== 'object' || found === null) throw new Error('the schema is not an object');
  return found;
}
