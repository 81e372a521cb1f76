import { der, descend, elements, oid, sequence, set } from '../enrollment/der.ts';

/** The elements of a SignedData, whole, as they stand in a ContentInfo. */
export interface SignedDataParts {
  readonly version: Uint8Array;
  readonly digestAlgorithms: Uint8Array;
  readonly encapContentInfo: Uint8Array;
  readonly certificates: readonly Uint8Array[];
  readonly signerInfos: readonly Uint8Array[];
}

/** The message with some parts written anew, and all lengths right. */
export function rebuilt(
  message: Uint8Array,
  change: (parts: SignedDataParts) => Partial<SignedDataParts>,
): Uint8Array {
  const [version, digestAlgorithms, encapContentInfo, certificates, signerInfos] = elements(
    descend(message, [0, 1, 0]).contents,
  );
  if (version === undefined || digestAlgorithms === undefined || encapContentInfo === undefined) {
    throw new Error('the message is no SignedData');
  }
  const right: SignedDataParts = {
    version: version.whole,
    digestAlgorithms: digestAlgorithms.whole,
    encapContentInfo: encapContentInfo.whole,
    certificates: wholes(certificates?.contents),
    signerInfos: wholes(signerInfos?.contents),
  };
  const parts = { ...right, ...change(right) };
  const signedData = sequence(
    parts.version,
    parts.digestAlgorithms,
    parts.encapContentInfo,
    der(0xa0, ...parts.certificates),
    set(...parts.signerInfos),
  );
  return sequence(oid('1.2.840.113549.1.7.2'), der(0xa0, signedData));
}

/** The SignerInfo with its last element, the signature, written anew. */
export function withSignature(
  signerInfo: Uint8Array,
  write: (signature: Uint8Array) => Uint8Array,
): Uint8Array {
  const parts = elements(descend(signerInfo, [0]).contents);
  const signature = parts.at(-1);
  if (signature === undefined) throw new Error('the SignerInfo is empty');
  return sequence(...parts.slice(0, -1).map(({ whole }) => whole), der(0x04, write(signature.contents)));
}

function wholes(contents: Uint8Array = new Uint8Array()): Uint8Array[] {
  return elements(contents).map(({ whole }) => whole);
}
