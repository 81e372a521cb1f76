import type { Buffer as Bytes } from 'node:buffer';

/** A secret and the forms in which it would give itself away. */
export interface SearchedSecret {
  readonly name: string;
  readonly forms: readonly Bytes[];
}

/** A PIN as text, as UTF-16LE, and in base64 and hex, wherever in a base64 stream it may begin. */
export function pinToSearch(name: string, pin: string): SearchedSecret {
  const utf8 = Buffer.from(pin, 'utf8');
  const utf16 = Buffer.from(pin, 'utf16le');
  const hex = [utf8, utf16].map((bytes) => bytes.toString('hex'));
  const texts = [
    hex,
    hex.map((digits) => digits.toUpperCase()),
    base64Forms(utf8),
    base64Forms(utf16),
  ].flat();
  return { name, forms: [utf8, utf16, ...texts.map((text) => Buffer.from(text))] };
}

/** The characters of base64 that stand for these bytes whichever of the three alignments they fall into. */
function base64Forms(bytes: Bytes): string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((before + bytes.length) * 8) / 6);
    return whole.slice(first, last);
  });
}

const oids = {
  ecPublicKey: '06072a8648ce3d0201',
  rsaEncryption: '06092a864886f70d010101',
};

/** What in these bytes is one of the secrets, or a private key in PEM, DER, base64, hex or JWK. Empty if nothing is. */
export function findSecrets(bytes: Bytes, secrets: readonly SearchedSecret[]): string[] {
  const found = secrets
    .filter(({ forms }) => forms.some((form) => bytes.includes(form)))
    .map(({ name }) => name);
  return [...found, ...findPrivateKeys(bytes)];
}

function findPrivateKeys(bytes: Bytes): string[] {
  const text = bytes.toString('latin1');
  const encoded = [...text.matchAll(/[A-Za-z0-9+/\s]{60,}={0,2}/g)].flatMap(([run]) => {
    const joined = run.replaceAll(/\s/g, '');
    // A longer run may hold the key after something else, so every alignment is tried.
    return [0, 1, 2, 3].map((skipped) => Buffer.from(joined.slice(skipped), 'base64'));
  });
  const hexadecimal = [...text.matchAll(/(?:[0-9a-f]{2}){40,}/gi)].map(([run]) => Buffer.from(run, 'hex'));
  const found: string[] = [];
  if (/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(text)) found.push('private key in PEM');
  if (/"d"\s*:\s*"[\w-]{30,}"/.test(text)) found.push('private key in JWK');
  if ([bytes, ...encoded, ...hexadecimal].some(holdsPrivateKeyDer)) found.push('private key in DER');
  return found;
}

/**
 * PKCS#8 (RFC 5958): version 0, an AlgorithmIdentifier, then an OCTET STRING; in SubjectPublicKeyInfo a BIT STRING stands
 * there. SEC 1 (RFC 5915): version 1, then an OCTET STRING of the curve's size. PKCS#1 (RFC 8017 A.1.2): version 0, then
 * the modulus and the exponent 65537 of a private key, which a public one has without the version.
 */
function holdsPrivateKeyDer(bytes: Bytes): boolean {
  const hex = bytes.toString('hex');
  const pkcs8 = new RegExp(
    `020100 30(?:..) (?:${oids.ecPublicKey}(?:06..(?:..){5,8}?)|${oids.rsaEncryption}0500) 04`.replaceAll(
      ' ',
      '',
    ),
  );
  const sec1 = /0201010420|0201010430|0201010442/;
  const pkcs1 = /020100028201[0-9a-f]{2}00/;
  return pkcs8.test(hex) || sec1.test(hex) || pkcs1.test(hex);
}
