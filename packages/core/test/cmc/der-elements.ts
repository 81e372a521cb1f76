/** The elements, whole, within a DER element whose contents are elements. Only for what is known to be sound. */
export function elementsOf(der: Uint8Array): Uint8Array[] {
  const [start, end] = contentsAt(der, 0);
  const elements: Uint8Array[] = [];
  for (let at = start; at < end;) {
    const [, next] = contentsAt(der, at);
    elements.push(der.subarray(at, next));
    at = next;
  }
  return elements;
}

function contentsAt(der: Uint8Array, at: number): [start: number, end: number] {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return [at + 2, at + 2 + first];
  const start = at + 2 + (first & 0x7f);
  const length = der.subarray(at + 2, start).reduce((value, octet) => value * 256 + octet, 0);
  return [start, start + length];
}
