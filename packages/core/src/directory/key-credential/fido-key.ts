import type { PublicKey } from '../../keys/public-key.ts';
import { BlobReader } from './blob-reader.ts';
import { parseCborMap, readCbor } from './cbor.ts';
import { publicKeyOfCose } from './cose-key.ts';
import { keyCredentialMalformed } from './key-credential-malformed.ts';

/** A security key that a user registered, as its key credential tells of it. */
export interface FidoKey {
  /** Out of the COSE_Key in the authenticator data. */
  readonly publicKey: PublicKey;
  readonly credentialId: Uint8Array;
  /** The model of the authenticator, in string form. */
  readonly aaguid: string;
  /** SHA-256 of the relying party's identifier. */
  readonly relyingPartyIdHash: Uint8Array;
  readonly signCount: number;
  readonly displayName: string;
  /** Certificates of the attestation, DER, unread; the authenticator's own first. */
  readonly attestationCertificates: readonly Uint8Array[];
}

/** The flags of authenticator data (WebAuthn 6.1) that say what follows. */
const attestedCredentialData = 0x40;
const extensionData = 0x80;

/** Key material of a FIDO key: JSON in UTF-8 with `version` 1, `authData`, `x5c` and `displayName`. */
export function parseFidoKey(octets: Uint8Array): FidoKey {
  const document = parseJson(octets);
  if (field(document, 'version') !== 1) throw keyCredentialMalformed('the FIDO key is not of version 1');
  const displayName = field(document, 'displayName');
  const certificates = field(document, 'x5c') ?? [];
  if (typeof displayName !== 'string' || !Array.isArray(certificates)) {
    throw keyCredentialMalformed('the FIDO key lacks its displayName, or its x5c is no list');
  }
  return {
    ...readAuthenticatorData(new BlobReader(base64(field(document, 'authData')), 'authenticator data')),
    displayName,
    attestationCertificates: certificates.map(base64),
  };
}

/** Authenticator data (WebAuthn 6.1) of a registration. */
function readAuthenticatorData(data: BlobReader): Omit<FidoKey, 'displayName' | 'attestationCertificates'> {
  const relyingPartyIdHash = data.take(32);
  const flags = data.u8();
  const signCount = data.u32be();
  if ((flags & attestedCredentialData) === 0) {
    throw keyCredentialMalformed('the authenticator data has no credential in it');
  }
  const aaguid = Buffer.from(data.take(16)).toString('hex');
  const credentialId = data.take(data.u16be());
  const publicKey = publicKeyOfCose(parseCborMap(readCbor(data)));
  if ((flags & extensionData) !== 0) parseCborMap(readCbor(data));
  data.end();
  return {
    publicKey,
    credentialId,
    aaguid: aaguid.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, '$1-$2-$3-$4-$5'),
    relyingPartyIdHash,
    signCount,
  };
}

function parseJson(octets: Uint8Array): object {
  const found = attemptJson(octets);
  if (typeof found !== 'object' || found === null) {
    throw keyCredentialMalformed('the key material of a FIDO key is no JSON object in UTF-8');
  }
  return found;
}

function attemptJson(octets: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets));
  } catch {
    return undefined;
  }
}

function field(document: object, name: string): unknown {
  return new Map<string, unknown>(Object.entries(document)).get(name);
}

function base64(text: unknown): Uint8Array {
  const octets = Buffer.from(typeof text === 'string' ? text : '', 'base64');
  // Buffer skips what is not base64; only text that encodes back to itself was base64 throughout.
  if (octets.length === 0 || octets.toString('base64') !== text) {
    throw keyCredentialMalformed('a member of the FIDO key that should be base64 is not');
  }
  return Uint8Array.from(octets);
}
