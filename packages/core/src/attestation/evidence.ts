import { DerReader } from '../asn1/der-reader.ts';
import { octetString, oid, sequence, sequenceOf } from '../asn1/der-writer.ts';
import { tag } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Attribute } from '../request/certification-request-info.ts';
import type { CertificationRequest } from '../request/certification-request.ts';
import { attestationRefused } from './refusal.ts';

/** That a TPM certified the key of a request, as the requester sent it: nothing of it is verified. */
export interface TpmKeyEvidence {
  /** TPMS_ATTEST, marshalled. */
  readonly attest: Uint8Array;
  /** TPMT_SIGNATURE, marshalled; or an RSASSA-PKCS1-v1_5 value alone, which is as long as the modulus. */
  readonly signature: Uint8Array;
  /** TPMT_PUBLIC of the certified key, marshalled. */
  readonly publicArea: Uint8Array | undefined;
  /** Certificates (DER) of the attestation key and above it. */
  readonly certificates: readonly Uint8Array[];
}

/** What a reader of the attribute finds beside the evidence. */
export interface ParsedTpmKeyEvidence extends TpmKeyEvidence {
  /** Which verifier to ask, in the shape of earlier drafts; nothing here acts on it. */
  readonly hint: string | undefined;
  /** Types of the other statements in the bundle, which are not read. */
  readonly otherStatements: readonly string[];
}

/**
 * The attribute with which a request carries its evidence (draft-ietf-lamps-csr-attestation 5; the statement is TCG's
 * Tcg-csr-tpm-certify). The draft leaves the form of `signature` open: TPMT_SIGNATURE names its scheme and hash, and is
 * the only form that TPMs give an ECDSA signature in, so that it is what writers should put there.
 */
export function tpmKeyEvidenceAttribute(evidence: TpmKeyEvidence): Attribute {
  const { attest, signature, publicArea, certificates } = evidence;
  const statement = sequence(
    oid(oids.tcgAttestTpmCertify),
    sequence(
      octetString(attest),
      octetString(signature),
      ...(publicArea === undefined ? [] : [octetString(publicArea)]),
    ),
  );
  const certs = certificates.length === 0 ? [] : [sequenceOf(certificates)];
  return { type: oids.attestationAttribute, values: [sequence(sequence(statement), ...certs)] };
}

/**
 * Finds a TPM's evidence in a request.
 * @returns undefined if the request has no attestation attribute, or one with statements of other types only
 * @throws CountersignError `ATTESTATION_MALFORMED`
 */
export function findTpmKeyEvidence(request: CertificationRequest): ParsedTpmKeyEvidence | undefined {
  const attributes = request.attributes.filter(({ type }) => type === oids.attestationAttribute);
  const [attribute, ...otherAttributes] = attributes;
  if (attribute === undefined) return undefined;
  const [value, ...otherValues] = attribute.values;
  // The draft, section 5: the attribute stands once at most, with exactly one value.
  if (value === undefined || otherAttributes.length > 0 || otherValues.length > 0) {
    throw malformed('the request has more than one attestation bundle; expected one at most');
  }
  return parseAttestationBundle(value);
}

/**
 * @param bundle AttestationBundle, DER
 * @returns undefined if no statement in it is a TPM's
 * @throws CountersignError `ATTESTATION_MALFORMED`
 */
export function parseAttestationBundle(bundle: Uint8Array): ParsedTpmKeyEvidence | undefined {
  try {
    const reader = DerReader.sequence(bundle, 'attestation bundle');
    const statements = readStatements(reader.sequence());
    const certificates = reader.done ? [] : readCertificates(reader.sequence());
    reader.end();
    const [ours, ...more] = statements.filter(({ type }) => type === oids.tcgAttestTpmCertify);
    if (ours === undefined) return undefined;
    if (more.length > 0) throw reader.malformed('two statements say that a TPM certified the key');
    const otherStatements = statements.filter((statement) => statement !== ours).map(({ type }) => type);
    return { ...readTpmCertify(ours.statement), certificates, hint: ours.hint, otherStatements };
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'DER_MALFORMED') throw error;
    throw malformed(error.message, error);
  }
}

interface Statement {
  readonly type: string;
  readonly statement: Uint8Array;
  readonly hint: string | undefined;
}

/** SEQUENCE SIZE (1..MAX) OF AttestationStatement. */
function readStatements(list: DerReader): Statement[] {
  const statements: Statement[] = [];
  while (!list.done) {
    const reader = list.sequence();
    const type = reader.oid();
    const statement = reader.any();
    // Drafts up to 14 ended here in `hint`, an IA5String or a UTF8String.
    const hasHint = reader.at(tag.ia5String) || reader.at(tag.utf8String);
    statements.push({ type, statement, hint: hasHint ? reader.text() : undefined });
    reader.end();
  }
  if (statements.length === 0) throw list.malformed('the bundle holds no statement');
  return statements;
}

/** SEQUENCE SIZE (1..MAX) OF LimitedCertChoices, of which certificates alone are taken. */
function readCertificates(list: DerReader): Uint8Array[] {
  const certificates: Uint8Array[] = [];
  while (!list.done) certificates.push(list.any(tag.sequence));
  if (certificates.length === 0) throw list.malformed('the list of certificates is empty');
  if (certificates.length > maxCertificates) {
    throw list.malformed(`the list has ${certificates.length} certificates; at most ${maxCertificates}`);
  }
  return certificates;
}

/** Chains of attestation keys have three certificates or four. */
const maxCertificates = 16;

/** Tcg-csr-tpm-certify. */
function readTpmCertify(statement: Uint8Array): Pick<TpmKeyEvidence, 'attest' | 'signature' | 'publicArea'> {
  const reader = DerReader.sequence(statement, 'TPM attestation statement');
  const attest = reader.octetString();
  const signature = reader.octetString();
  const publicArea = reader.done ? undefined : reader.octetString();
  reader.end();
  return { attest, signature, publicArea };
}

function malformed(found: string, cause?: unknown): CountersignError {
  return attestationRefused(
    'ATTESTATION_MALFORMED',
    found,
    'Write the attribute as draft-ietf-lamps-csr-attestation does: one AttestationBundle, DER.',
    cause,
  );
}
