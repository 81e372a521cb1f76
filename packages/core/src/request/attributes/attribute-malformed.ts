import { CountersignError } from '../../errors.ts';

/** The error for an attribute that is sound DER and breaks a rule of its own. `found` holds no secret. */
export function attributeMalformed(found: string): CountersignError {
  return new CountersignError(
    'ATTRIBUTE_MALFORMED',
    `in the certification request, ${found}`,
    'Make the request anew, with each attribute once and within its bounds (RFC 2985 5.4, MS-WCCE 2.2.2.7).',
    { adcs: 'ERROR_INVALID_DATA' },
  );
}
