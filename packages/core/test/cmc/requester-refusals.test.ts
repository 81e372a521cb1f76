import { PublicKey } from '@countersign/core';
import { describe, expect, test } from 'vitest';
import { sequence } from '../path-validation/der.ts';
import { requestOf, setUpEnrollment } from './enrollment-fixture.ts';
import { addAttributes, attribute, foreignRequest, ids, pair, regInfo, requestKey } from './foreign-cmc.ts';
import { refusal } from './refusal.ts';
import { expectRefused, named, soundRequest } from './sound-request.ts';

test('the request that the refusals below spoil is granted as it is', async () => {
  const enrollment = await setUpEnrollment();
  const certificate = await enrollment.ca.issue(foreignRequest(soundRequest(enrollment)));
  expect(certificate.subject.toString()).toBe(enrollment.alice.distinguishedName);
});

describe('the requester', () => {
  test.each(['cms', 'cmc'] as const)(
    "other than the request's UPN is refused by the RA in %s",
    async (format) => {
      const { ra, alice, bob } = await setUpEnrollment({});
      const error = await refusal(async () => ra.countersign(await requestOf(alice), bob.upn, { format }));
      expect(error.code).toBe('REQUESTER_MISMATCH');
    },
  );

  test.each(['cms', 'cmc'] as const)('whose key it is not is refused by the RA in %s', async (format) => {
    const { ra, alice, bob } = await setUpEnrollment();
    const request = await requestOf({ ...alice, upn: bob.upn });
    const error = await refusal(async () => ra.countersign(request, bob.upn, { format }));
    expect(error.code).toBe('KEY_NOT_REGISTERED');
  });

  test('with an account that RegInfo cannot name is refused in cmc and served in cms', async () => {
    const { ca, ra, alice } = await setUpEnrollment({ aliceAccount: String.raw`CONTOSO\R&D` });
    const error = await refusal(async () =>
      ra.countersign(await requestOf(alice), alice.upn, { format: 'cmc' }),
    );
    expect(error.code).toBe('VALUE_OUT_OF_RANGE');
    expect(error.hint).toContain('cms');
    const { der } = await ra.countersign(await requestOf(alice), alice.upn, { format: 'cms' });
    expect((await ca.issue(der)).subject.toString()).toBe(alice.distinguishedName);
  });

  const requesters: [what: string, controls: Uint8Array[], signed: Uint8Array[]][] = [
    ['nobody names', [], []],
    ['RegInfo names twice', [regInfo(2, `${named}&${named}`)], []],
    [
      'RegInfo and a signed pair name differently',
      [regInfo(2, named)],
      [attribute(ids.nameValuePair, pair('requestername', String.raw`CONTOSO\bob`))],
    ],
    [
      'RegInfo and an added attribute name differently',
      [
        regInfo(2, named),
        addAttributes(3, 1, attribute(ids.nameValuePair, pair('requestername', String.raw`CONTOSO\bob`))),
      ],
      [],
    ],
    [
      'two signed pairs name',
      [],
      [
        attribute(
          ids.nameValuePair,
          sequence(pair('requestername', String.raw`CONTOSO\alice`), pair('requestername', 'x')),
        ),
      ],
    ],
  ];
  test.each(requesters)('whom %s is refused', async (_what, controls, attributes) => {
    const enrollment = await setUpEnrollment();
    const der = foreignRequest({ ...soundRequest(enrollment, { attributes }), controls });
    await expectRefused(enrollment, der, 'REQUESTER_MISMATCH');
  });

  test('whom only a signer without a certificate names is refused', async () => {
    const enrollment = await setUpEnrollment();
    const { keyIdentifier } = PublicKey.parse(enrollment.alice.key.publicKey);
    const attributes = [attribute(ids.nameValuePair, pair('requestername', String.raw`CONTOSO\alice`))];
    const request = soundRequest(enrollment);
    const signers = [...request.signers, requestKey(enrollment.alice.key, keyIdentifier, { attributes })];
    await expectRefused(
      enrollment,
      foreignRequest({ ...request, controls: [], signers }),
      'REQUESTER_MISMATCH',
      /no requester/,
    );
  });

  test('whom the key of the request names otherwise than the agent is refused', async () => {
    const enrollment = await setUpEnrollment();
    const { keyIdentifier } = PublicKey.parse(enrollment.alice.key.publicKey);
    const attributes = [attribute(ids.nameValuePair, pair('requestername', String.raw`CONTOSO\bob`))];
    const request = soundRequest(enrollment);
    const signers = [...request.signers, requestKey(enrollment.alice.key, keyIdentifier, { attributes })];
    await expectRefused(enrollment, foreignRequest({ ...request, signers }), 'REQUESTER_MISMATCH');
  });

  test('whom the directory does not know is refused', async () => {
    const enrollment = await setUpEnrollment();
    const controls = [regInfo(2, String.raw`requestername=CONTOSO\mallory`)];
    await expectRefused(
      enrollment,
      foreignRequest({ ...soundRequest(enrollment), controls }),
      'USER_NOT_FOUND',
    );
  });
});
