/**
 * One of the places in which programs look for the user's certificate. Both methods may be asked again with the same,
 * after a crash or not, and then change nothing more.
 */
export interface CertificatePlace {
  /** For people: which place this is. */
  readonly name: string;
  /**
   * Puts a certificate there. One that it replaces is taken away when the new one is in place, and not before.
   * @param certificate DER
   * @param replaces DER
   */
  put(certificate: Uint8Array, replaces?: Uint8Array): Promise<void>;
  /**
   * Takes a certificate away, and nothing else; one that is not there is fine.
   * @param certificate DER
   */
  remove(certificate: Uint8Array): Promise<void>;
}

/** Puts a certificate in every place, in their order: beside the key first, as that is where it is bound to be. */
export async function putInPlaces(
  places: readonly CertificatePlace[],
  certificate: Uint8Array,
  replaces?: Uint8Array,
): Promise<void> {
  for (const place of places) await place.put(certificate, replaces);
}

/** Takes a certificate from every place, last one first: none is left that names a key which is not there any more. */
export async function removeFromPlaces(
  places: readonly CertificatePlace[],
  certificate: Uint8Array,
): Promise<void> {
  for (const place of places.toReversed()) await place.remove(certificate);
}
