import { createHash } from 'node:crypto';
import type { PublicKey } from '../../keys/public-key.ts';
import type { HashAlgorithm } from '../../keys/signature-algorithm.ts';
import { algorithmIds, algorithmRefused, hashOf } from './algorithm-id.ts';
import {
  objectAttributesValue,
  readObjectAttributes,
  type ObjectAttribute,
  type ObjectAttributes,
} from './object-attributes.ts';
import { encodeAsymmetric, readAsymmetric, type AsymmetricParameters } from './asymmetric-parameters.ts';
import { TpmReader } from './tpm-reader.ts';
import { concat, sized, uint16, uint32 } from './tpm-writer.ts';

export interface TpmPublicAreaFields extends AsymmetricParameters {
  readonly publicKey: PublicKey;
  readonly nameAlgorithm: HashAlgorithm;
  readonly attributes: Iterable<ObjectAttribute>;
  /** Empty if absent: no policy. */
  readonly authPolicy?: Uint8Array;
}

/** What a TPM says of a key pair of its: TPMT_PUBLIC (TPM 2.0 part 2, 12.2.4) of an RSA or elliptic curve key. */
export class TpmPublicArea implements AsymmetricParameters {
  /** TPMT_PUBLIC, marshalled, without a size in front. */
  readonly bytes: Uint8Array;
  readonly nameAlgorithm: HashAlgorithm;
  readonly attributes: ObjectAttributes;
  readonly authPolicy: Uint8Array;
  readonly symmetric: AsymmetricParameters['symmetric'];
  readonly scheme: AsymmetricParameters['scheme'];
  readonly publicKey: PublicKey;

  private constructor(bytes: Uint8Array) {
    const reader = new TpmReader(bytes, 'TPMT_PUBLIC');
    const type = reader.uint16();
    if (type !== algorithmIds.rsa && type !== algorithmIds.ecc) {
      throw algorithmRefused(type, 'the type of the TPM object', 'an RSA or an elliptic curve key');
    }
    this.bytes = bytes;
    this.nameAlgorithm = hashOf(reader.uint16(), 'the name algorithm of the TPM object');
    this.attributes = readObjectAttributes(reader);
    this.authPolicy = reader.sized(64);
    const digestBytes = createHash(this.nameAlgorithm).digest().length;
    if (this.authPolicy.length !== 0 && this.authPolicy.length !== digestBytes) {
      throw reader.malformed(
        `the policy has ${this.authPolicy.length} octets; expected none or ${digestBytes}`,
      );
    }
    const { symmetric, scheme, publicKey } = readAsymmetric(reader, type);
    reader.end();
    this.symmetric = symmetric;
    this.scheme = scheme;
    this.publicKey = publicKey;
  }

  /**
   * @param bytes TPMT_PUBLIC and nothing around it
   * @throws CountersignError `ATTESTATION_MALFORMED`; `ATTESTATION_ALGORITHM_REFUSED` for an object that is no RSA or
   *   elliptic curve key, and for algorithms that are not known here; what `PublicKey.parse` refuses the key for
   */
  static parse(bytes: Uint8Array): TpmPublicArea {
    return new TpmPublicArea(Uint8Array.from(bytes));
  }

  /** The public area of a key, as a TPM that made it would write it. */
  static of(fields: TpmPublicAreaFields): TpmPublicArea {
    const { publicKey, nameAlgorithm, authPolicy = new Uint8Array() } = fields;
    return TpmPublicArea.parse(
      concat(
        uint16(publicKey.curve === undefined ? algorithmIds.rsa : algorithmIds.ecc),
        uint16(algorithmIds[nameAlgorithm]),
        uint32(objectAttributesValue(new Set(fields.attributes))),
        sized(authPolicy),
        encodeAsymmetric(publicKey, fields),
      ),
    );
  }

  /** The object's Name (TPM 2.0 part 1, 16): the name algorithm and the digest of the public area under it. */
  get name(): Uint8Array {
    return concat(
      uint16(algorithmIds[this.nameAlgorithm]),
      createHash(this.nameAlgorithm).update(this.bytes).digest(),
    );
  }
}
