import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { DerReader } from '../../asn1/der-reader.ts';
import { printableString, utf8String } from '../../asn1/der-writer.ts';
import { isPrintableString } from '../../asn1/strings.ts';
import { tag } from '../../asn1/tag.ts';
import { attributeMalformed } from './attribute-malformed.ts';

/** pkcs-9-ub-challengePassword (RFC 2985 A), in characters. */
const maxCharacters = 255;

/** A challenge password, which no view of it shows: not as text, not as JSON, not to the console. */
export class ChallengePassword {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** @throws CountersignError `ATTRIBUTE_MALFORMED` unless it has 1 to 255 characters, all of them Unicode */
  static of(text: string): ChallengePassword {
    // A code unit is no character: the bound counts what X.680 41.3 counts.
    const characters = Array.from(text).length;
    if (!text.isWellFormed() || characters < 1 || characters > maxCharacters) {
      throw attributeMalformed(
        `the challenge password has ${characters} characters or some that are none; expected 1 to ${maxCharacters}`,
      );
    }
    return new ChallengePassword(text);
  }

  /** Whether this is the password, in a time that does not tell how much of it is right, nor how long it is. */
  matches(candidate: string): boolean {
    const key = randomBytes(32);
    const [own, other] = [this.#text, candidate].map((text) =>
      createHmac('sha256', key).update(text).digest(),
    );
    return (
      candidate.isWellFormed() && own !== undefined && other !== undefined && timingSafeEqual(own, other)
    );
  }

  /** DirectoryString, DER; RFC 2985 5.4.1: PrintableString where it suffices, UTF8String otherwise. It is the secret. */
  encode(): Uint8Array {
    return isPrintableString(this.#text) ? printableString(this.#text) : utf8String(this.#text);
  }
}

/**
 * @param value the attribute's value, DER
 * @throws CountersignError `DER_MALFORMED`, `ATTRIBUTE_MALFORMED`; neither says anything of the password
 */
export function parseChallengePassword(value: Uint8Array): ChallengePassword {
  const reader = DerReader.document(value, 'challenge password attribute');
  const isText = reader.at(tag.printableString) || reader.at(tag.utf8String);
  // Of DirectoryString's other choices RFC 2985 5.4.1 says that they are not for new requests.
  if (!isText) throw reader.malformed('neither a PrintableString nor a UTF8String stands there');
  const text = reader.text();
  reader.end();
  return ChallengePassword.of(text);
}
