/** SIDs between their binary form (MS-DTYP 2.4.2.2) and their string form (2.4.2.1). */

/** @returns the string form, or undefined for what is no SID */
export function formatSid(octets: Uint8Array): string | undefined {
  const [revision, count] = octets;
  if (
    revision !== 1 ||
    count === undefined ||
    count > maximumSubAuthorities ||
    octets.length !== 8 + 4 * count
  ) {
    return undefined;
  }
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const authority = view.getUint16(2) * 2 ** 32 + view.getUint32(4);
  const subAuthorities = Array.from({ length: count }, (_, index) => view.getUint32(8 + 4 * index, true));
  return ['S-1', authority, ...subAuthorities].join('-');
}

/** @returns the binary form, or undefined for what is no SID in string form */
export function parseSid(text: string): Uint8Array | undefined {
  const match = /^S-1-(?<authority>\d{1,15})(?<rest>(?:-\d{1,10}){0,15})$/u.exec(text);
  const authority = Number(match?.groups?.['authority']);
  const subAuthorities = (match?.groups?.['rest'] ?? '').split('-').slice(1).map(Number);
  if (match === null || authority >= 2 ** 48 || subAuthorities.some((number) => number >= 2 ** 32)) {
    return undefined;
  }
  const octets = new Uint8Array(8 + 4 * subAuthorities.length);
  const view = new DataView(octets.buffer);
  octets.set([1, subAuthorities.length]);
  view.setUint16(2, Math.floor(authority / 2 ** 32));
  view.setUint32(4, authority % 2 ** 32);
  for (const [index, number] of subAuthorities.entries()) view.setUint32(8 + 4 * index, number, true);
  return formatSid(octets) === text ? octets : undefined;
}

const maximumSubAuthorities = 15;
