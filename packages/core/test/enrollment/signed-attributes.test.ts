import { beforeAll, expect, test } from 'vitest';
import {
  attribute,
  attributes,
  contentType,
  contentTypeAttribute,
  data,
  digestAttribute,
  forgeForAlice,
  messageDigest,
  pair,
  requesterAttribute,
  rightAttributes,
  withRequester,
} from './countersignature-forger.ts';
import {
  malformed,
  noProofOfPossession,
  requesterMismatch,
  signatureInvalid,
  type Refused,
} from './countersignature-refusal.ts';
import { bmpString, descend, integer, nullValue, octets, oid, sequence, utf8String } from './der.ts';
import { createEnrollment, type Enrollment } from './enrollment-fixture.ts';
import { refusedByCa } from './refused-by-ca.ts';

let enrollment: Enrollment;

beforeAll(async () => {
  enrollment = await createEnrollment();
});

const refused: readonly Refused[] = [
  // Whom it is for
  {
    because: 'no requestername attribute',
    change: ([type, digest]) => attributes(type, digest),
    ...requesterMismatch,
  },
  {
    because: 'a name-value pair of another name',
    change: (right) => withRequester(right, pair('requester', 'CONTOSO\\alice')),
    ...requesterMismatch,
  },
  {
    because: 'two requestername values in one attribute',
    change: ([type, digest]) =>
      attributes(type, digest, requesterAttribute('CONTOSO\\alice', 'CONTOSO\\bob')),
    ...requesterMismatch,
  },
  {
    because: 'two requesternames in one value',
    change: (right) =>
      withRequester(
        right,
        sequence(pair('requestername', 'CONTOSO\\alice'), pair('REQUESTERNAME', 'CONTOSO\\alice')),
      ),
    ...requesterMismatch,
  },
  {
    because: 'two requestername attributes',
    change: (right) => ({ attributes: [...right, requesterAttribute('CONTOSO\\bob')] }),
    ...malformed,
  },
  {
    because: 'a NUL inside the account',
    change: (right) => withRequester(right, pair('requestername', 'CONTOSO\\alice\0CONTOSO\\bob')),
    ...malformed,
  },
  {
    because: 'a requestername in UTF-8',
    change: (right) =>
      withRequester(right, sequence(bmpString('requestername'), utf8String('CONTOSO\\alice'))),
    ...malformed,
  },
  {
    because: 'a third string in the pair',
    change: (right) =>
      withRequester(right, sequence(bmpString('requestername'), bmpString('CONTOSO\\alice'), bmpString(''))),
    ...malformed,
  },
  // What was signed
  {
    because: 'a signed digest of other content',
    change: ([type, , requester]) => attributes(type, digestAttribute(Uint8Array.of(1)), requester),
    ...signatureInvalid,
  },
  {
    because: 'a signed digest that is a prefix of the right one',
    change: ([type, digest = new Uint8Array(), requester]) =>
      attributes(type, attribute(messageDigest, octets(digest.subarray(-32, -1))), requester),
    ...signatureInvalid,
  },
  {
    because: 'an empty signed digest',
    change: ([type, , requester]) =>
      attributes(type, attribute(messageDigest, octets(new Uint8Array())), requester),
    ...signatureInvalid,
  },
  {
    because: 'no signed digest',
    change: ([type, , requester]) => attributes(type, requester),
    ...signatureInvalid,
  },
  {
    because: 'the right signed digest and a second value after it',
    change: ([type, , requester], content) =>
      attributes(
        type,
        attribute(
          messageDigest,
          descend(digestAttribute(content), [0, 1, 0]).whole,
          octets(new Uint8Array(40)),
        ),
        requester,
      ),
    ...signatureInvalid,
  },
  {
    because: 'the right signed content type and a second value after it',
    change: ([, digest, requester]) =>
      attributes(attribute(contentType, oid(data), octets(new Uint8Array())), digest, requester),
    // An OCTET STRING sorts before an OBJECT IDENTIFIER, so the values do not ascend.
    ...malformed,
  },
  {
    because: 'the right signed content type and another after it',
    change: ([, digest, requester]) =>
      attributes(attribute(contentType, oid(data), oid('1.2.840.113549.1.9.16.1.4')), digest, requester),
    ...signatureInvalid,
  },
  {
    because: 'the signed digest twice',
    change: (right) => ({ attributes: [...right, digestAttribute(Uint8Array.of(1))] }),
    ...malformed,
  },
  {
    because: 'a signed content type that is not that of the content',
    change: ([, digest, requester]) =>
      attributes(contentTypeAttribute('1.2.840.113549.1.7.3'), digest, requester),
    ...signatureInvalid,
  },
  {
    because: 'no signed content type (RFC 5652 5.3 demands it)',
    change: ([, digest, requester]) => attributes(digest, requester),
    ...signatureInvalid,
  },
  {
    because: 'the signed content type twice',
    change: (right) => ({ attributes: [...right, contentTypeAttribute('1.2.840.113549.1.7.3')] }),
    ...malformed,
  },
  {
    because: 'a signed content type without a value',
    change: ([, digest, requester]) => attributes(attribute(contentType), digest, requester),
    ...signatureInvalid,
  },
  {
    because: 'a signed content type inside a SEQUENCE',
    change: ([, digest, requester]) =>
      attributes(attribute(contentType, sequence(oid(data), nullValue())), digest, requester),
    ...malformed,
  },
  {
    because: 'content that is no request',
    change: () => {
      const other = sequence(integer(0));
      return { content: other, attributes: rightAttributes(other) };
    },
    ...malformed,
  },
  {
    because: 'a request with something after it',
    change: (_, content) => {
      const longer = Uint8Array.from([...content, 0]);
      return { content: longer, attributes: rightAttributes(longer) };
    },
    ...malformed,
  },
  {
    because: "a request that its key did not sign, in the agent's own signature",
    change: (_, content) => {
      const altered = Uint8Array.from(content);
      altered.set([(altered.at(-1) ?? 0) ^ 1], altered.length - 1);
      return { content: altered, attributes: rightAttributes(altered) };
    },
    ...noProofOfPossession,
  },
];

test.each(refused)('refused: $because', async ({ change, code, adcs }) => {
  const error = await refusedByCa(enrollment, await forgeForAlice(enrollment, change));
  expect({ code: error.code, adcs: error.adcs }).toEqual({ code, adcs });
});
