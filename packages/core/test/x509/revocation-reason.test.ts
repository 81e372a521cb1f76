import { isRevocationReason, revocationReasonCodes } from '@countersign/core';
import { expect, test } from 'vitest';

test('reasons have the codes of RFC 5280 5.3.1; 7 is not used, and removeFromCRL is no reason to revoke', () => {
  expect(revocationReasonCodes).toEqual({
    unspecified: 0,
    keyCompromise: 1,
    cACompromise: 2,
    affiliationChanged: 3,
    superseded: 4,
    cessationOfOperation: 5,
    certificateHold: 6,
    privilegeWithdrawn: 9,
    aACompromise: 10,
  });
});

test('the names of reasons are exact', () => {
  for (const reason of Object.keys(revocationReasonCodes)) expect(isRevocationReason(reason)).toBe(true);
  for (const text of [
    '',
    '1',
    'keycompromise',
    'KeyCompromise',
    'removeFromCRL',
    'toString',
    '__proto__',
    'constructor',
  ]) {
    expect(isRevocationReason(text)).toBe(false);
  }
});
