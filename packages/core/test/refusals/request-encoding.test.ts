import { test } from 'vitest';
import {
  ascending,
  der,
  descend,
  integer,
  nullValue,
  octets,
  oid,
  sequence,
  set,
} from '../enrollment/der.ts';
import { ecdsaWithSha256, requestWith, type RequestParts } from '../enrollment/handmade-request.ts';
import {
  commonName,
  extensionOf,
  extensionRequest,
  nested,
  nestedIndefinitely,
  purpose,
  withIndefiniteLength,
  withLongLength,
} from './handmade-der.ts';
import { casesAt, createBench, expectRefused, type Attempt, type Attempts } from './refusal-bench.ts';

const other = extensionOf('1.2.3.4', purpose);

const attempts: Attempts<'request-encoding'> = {
  'octets after the request': rewritten((whole) => Uint8Array.from([...whole, 0])),
  'a field after the signature': madeWith({ afterSignature: nullValue() }),
  'a field after the attributes': madeWith({ trailer: nullValue() }),
  'a length in more octets than it needs': rewritten(withLongLength),
  'a length in more octets than it needs, signed': madeWith({ info: withLongLength }),
  'an indefinite length': rewritten(withIndefiniteLength),
  'an indefinite length, signed': madeWith({ info: withIndefiniteLength }),
  'a length of 2^32 octets more': rewritten((whole) => {
    const { contents } = descend(whole, [0]);
    const { length } = contents;
    return Uint8Array.from([0x30, 0x85, 1, 0, 0, length >> 8, length & 0xff, ...contents]);
  }),
  'a version 00 00': madeWith({ version: der(0x02, Uint8Array.of(0, 0)) }),
  'an empty version': madeWith({ version: der(0x02) }),
  'a negative version': madeWith({ version: integer(0xff) }),
  'version 1': madeWith({ version: integer(1) }),
  'no attributes': madeWith({ attributes: new Uint8Array() }),
  'attributes out of order': madeWith({
    attributes: der(
      0xa0,
      ...ascending([attribute('1.2.3', integer(1)), attribute('1.2.3', integer(2))]).toReversed(),
    ),
  }),
  'an attribute without a value': madeWith({ attributes: der(0xa0, attribute('1.2.3')) }),
  'unused bits in the signature': signatureElement((signature) => der(0x03, Uint8Array.of(1), signature)),
  'a constructed BIT STRING as signature': signatureElement((signature) =>
    der(0x23, der(0x03, Uint8Array.of(0), signature)),
  ),
  'an extension that is critical by 01': asking(criticalBy(1)),
  'an extension that is critical by FALSE': asking(criticalBy(0)),
  'octets at the end of a requested extension': asking(
    sequence(oid('2.5.29.37'), octets(sequence(oid('1.3.6.1.5.5.7.3.2'))), nullValue()),
  ),
  'an attribute type with a superfluous 80': madeWith({
    attributes: der(0xa0, sequence(der(0x06, Uint8Array.of(0x2a, 0x80, 0x03)), set(nullValue()))),
  }),
  'a common name that is not UTF-8': madeWith({
    subject: sequence(commonName(Uint8Array.of(0x41, 0xc3, 0x28))),
  }),
  'a subject that is no name': madeWith({ subject: sequence(nullValue()) }),
  '10,000 levels of nesting': madeWith({ attributes: der(0xa0, attribute('1.2.3', nested(10_000))) }),
  '10,000 levels of indefinite length': madeWith({
    attributes: der(0xa0, attribute('1.2.3', nestedIndefinitely(10_000))),
  }),
  // Hardly more than the limit: the countersignature around it has a few hundred octets of its own.
  'more than 256 KiB': madeWith({
    attributes: der(0xa0, attribute('1.2.3', octets(new Uint8Array(256 * 1024)))),
  }),
};

test.each(casesAt('request-encoding', attempts))('refused: $name ($rule: $code)', async (refused) => {
  await expectRefused(await createBench(), refused);
});

function madeWith(parts: RequestParts): Attempt {
  return async ({ aliceKey: key }) => ({ request: await requestWith({ key, ...parts }) });
}

function asking(extension: Uint8Array): Attempt {
  return madeWith({ attributes: der(0xa0, attribute(extensionRequest, sequence(extension, other))) });
}

/** A sound request written in another way. */
function rewritten(rewrite: (whole: Uint8Array) => Uint8Array): Attempt {
  return async ({ aliceKey: key }) => ({ request: rewrite(await requestWith({ key })) });
}

function signatureElement(write: (signature: Uint8Array) => Uint8Array): Attempt {
  return rewritten((whole) =>
    sequence(
      descend(whole, [0, 0]).whole,
      ecdsaWithSha256,
      write(descend(whole, [0, 2]).contents.subarray(1)),
    ),
  );
}

function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return sequence(oid(type), set(...values));
}

function criticalBy(octet: number): Uint8Array {
  return sequence(
    oid('2.5.29.37'),
    der(0x01, Uint8Array.of(octet)),
    octets(sequence(oid('1.3.6.1.5.5.7.3.2'))),
  );
}
