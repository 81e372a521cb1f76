import { CountersignError } from '../errors.ts';

/** RFC 7468 labels of what Countersign reads and writes. */
export type PemLabel =
  'CERTIFICATE' | 'CERTIFICATE REQUEST' | 'PUBLIC KEY' | 'X509 CRL' | 'CMS' | 'TSS2 PRIVATE KEY';

/** RFC 7468 strict form: 64 characters a line, a newline at the end. */
export function encodePem(label: PemLabel, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/**
 * Takes a file that holds DER, or one PEM block with one of the accepted labels, and returns the DER. Text before the
 * block is allowed, as OpenSSL writes it; anything but white space after it is not, nor is a second block.
 * @throws CountersignError `PEM_MALFORMED`
 */
export function decodePemOrDer(file: Uint8Array, accepted: readonly string[]): Uint8Array {
  if (file[0] === derSequence) return file;
  const text = Buffer.from(file.buffer, file.byteOffset, file.length).toString('latin1');
  const blocks = [...text.matchAll(pemBlock)];
  const [block] = blocks;
  const begins = text.match(/^-----BEGIN /gm)?.length ?? 0;
  if (block === undefined || blocks.length !== 1 || begins !== 1) {
    throw malformed(`${begins} PEM blocks, ${blocks.length} of them whole`, accepted);
  }
  const [, label = '', body = ''] = block;
  if (!accepted.includes(label)) throw malformed(`a PEM block labelled ${label}`, accepted);
  if (text.slice(block.index + block[0].length).trim() !== '') {
    throw malformed('something after the end of its PEM block', accepted);
  }
  const base64 = body.replaceAll(/[ \t\r\n]/g, '');
  const der = Buffer.from(base64, 'base64');
  // Buffer skips what is not base64; only text that encodes back to itself was base64 throughout.
  if (der.toString('base64') !== base64) throw malformed('a PEM block whose body is not base64', accepted);
  return der;
}

const derSequence = 0x30;
const pemBlock = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)^-----END \1-----[ \t]*\r?$/gm;

function malformed(found: string, accepted: readonly string[]): CountersignError {
  return new CountersignError(
    'PEM_MALFORMED',
    `the file holds ${found}; expected DER or one PEM block labelled ${accepted.join(' or ')}`,
    'Check that the file is whole and is what the command takes.',
  );
}
