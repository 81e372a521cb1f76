import { isAbsolute } from 'node:path';
import {
  formatKeyReference,
  keyReferenceMalformed,
  parseKeyReference,
  type KeyReferenceSyntax,
} from '@countersign/core';

/** What a `tpm:` reference says. An attribute that is absent matches any key; all present ones must match. */
export interface TpmUri {
  /** 16 bytes, lower-case hex: the first ones of the SHA-256 of the key's Name. Names one key. */
  readonly id?: string | undefined;
  /** The key's label, whole and with regard to case. */
  readonly object?: string | undefined;
  /** Which TPM, as `openTransport` takes it; undefined stands for the machine's own. */
  readonly transport?: string | undefined;
  /** Absolute path of the directory with the key files. */
  readonly store?: string | undefined;
}

const transports = ['device', 'swtpm', 'swtpm-unix', 'mssim'] as const;

const syntax: KeyReferenceSyntax = {
  scheme: 'tpm',
  path: [...transports, 'id', 'object'],
  query: ['store'],
  hint: 'Write tpm:id=<32 hex digits> or tpm:object=<label>, with device=, swtpm=, swtpm-unix= or mssim= before it for another TPM than the machine’s own, and ?store=<absolute path> for key files in another directory.',
};

/**
 * Reads `tpm:[device=…|swtpm=…|swtpm-unix=…|mssim=…][;id=…][;object=…][?store=…]`, in the manner of RFC 7512.
 * @throws CountersignError `KEY_REFERENCE_MALFORMED`
 */
export function parseTpmUri(uri: string): TpmUri {
  const isTbs = /^tpm:tbs(?=$|[;?])/i.test(uri);
  const reference = withEncodedSlashes(isTbs ? uri.replace(/^tpm:tbs;?/i, 'tpm:') : uri);
  const attributes = parseKeyReference(reference, syntax);
  const [name, ...others] = transports.filter((each) => attributes.has(each));
  if (others.length > 0 || (isTbs && name !== undefined)) {
    throw keyReferenceMalformed(uri, syntax, 'it names several TPMs');
  }
  const parsed: TpmUri = {
    id: attributes.get('id')?.toLowerCase(),
    object: attributes.get('object'),
    transport: isTbs ? 'tpm:tbs' : name && `tpm:${name}=${encodeURIComponent(attributes.get(name) ?? '')}`,
    store: attributes.get('store'),
  };
  checkValues(parsed, uri);
  return parsed;
}

/** @throws CountersignError `KEY_REFERENCE_MALFORMED` */
export function formatTpmUri(parts: TpmUri): string {
  const { transport = 'tpm:', ...rest } = parts;
  checkValues(parts, 'the reference to be written');
  const [, name = '', value] = /^tpm:([a-z-]*)(?:=(.*))?$/.exec(transport) ?? [];
  const chosen = value === undefined ? {} : { [name]: decodeURIComponent(value) };
  const written = formatKeyReference(syntax, { ...rest, id: rest.id?.toLowerCase(), ...chosen });
  return name === 'tbs'
    ? written.replace(/^tpm:(?!$|\?)/, 'tpm:tbs;').replace(/^tpm:(?=$|\?)/, 'tpm:tbs')
    : written;
}

/** The paths of devices and sockets, which `openTransport` takes as they are. */
function withEncodedSlashes(uri: string): string {
  return uri.replaceAll(/(?<=^tpm:(?:[^?]*;)?(?:device|swtpm-unix)=)[^;?]*/gi, (path) =>
    path.replaceAll('/', '%2F'),
  );
}

function checkValues({ id, object, store }: TpmUri, uri: string): void {
  const refuse = (problem: string): never => {
    throw keyReferenceMalformed(uri, syntax, problem);
  };
  if (id !== undefined && !/^[0-9a-f]{32}$/i.test(id)) refuse('the id is not 32 hex digits');
  if (object?.isWellFormed() === false) refuse('the object is not well-formed Unicode');
  if (store !== undefined && (!isAbsolute(store) || store.includes('\0') || !store.isWellFormed())) {
    refuse('the store is not an absolute path');
  }
}
