import { Certificate, CountersignError } from '@countersign/core';

/**
 * Certificates that stand one after the other where a TPM's manufacturer wrote them. What is left of the place, or of
 * each of the places that it consists of, is filled up with 00 or FF.
 * @param place for error messages, such as `NV index 0x01c00002`
 * @returns none if there is nothing but filling
 * @throws CountersignError `EK_CERTIFICATE_NOT_ACCEPTABLE`
 */
export function certificatesIn(octets: Uint8Array, place: string): readonly Certificate[] {
  const certificates: Certificate[] = [];
  let rest = withoutFilling(octets);
  while (rest.length > 0) {
    const length = elementLength(rest);
    if (length === undefined || length > rest.length) {
      const where = `at offset ${octets.length - rest.length}`;
      throw notAcceptable(place, `${where} there is no whole DER certificate and no filling`);
    }
    certificates.push(parse(rest.slice(0, length), place));
    rest = withoutFilling(rest.subarray(length));
  }
  return certificates;
}

function parse(der: Uint8Array, place: string): Certificate {
  try {
    return Certificate.parse(der);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    throw notAcceptable(place, error.message, error);
  }
}

/** No certificate begins with what places are filled up with. */
function withoutFilling(octets: Uint8Array): Uint8Array {
  const start = octets.findIndex((octet) => octet !== 0x00 && octet !== 0xff);
  return start === -1 ? new Uint8Array() : octets.subarray(start);
}

/** Header and contents of a SEQUENCE of definite length (X.690 8.1.3); whether it is DER is for the parser to say. */
function elementLength(octets: Uint8Array): number | undefined {
  const [tag, first = 0] = octets;
  if (tag !== 0x30) return undefined;
  if (first < 0x80) return 2 + first;
  const lengthOctets = octets.subarray(2, 2 + (first & 0x7f));
  // A certificate of 2^24 octets fits no TPM.
  if (lengthOctets.length === 0 || lengthOctets.length > 3) return undefined;
  return 2 + lengthOctets.length + lengthOctets.reduce((length, octet) => length * 256 + octet, 0);
}

function notAcceptable(place: string, found: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'EK_CERTIFICATE_NOT_ACCEPTABLE',
    `the ${place} holds no certificate that can be read: ${found}`,
    'Get the certificate of the endorsement key from the manufacturer of the TPM.',
    { adcs: 'CERTSRV_E_INVALID_EK', cause },
  );
}
