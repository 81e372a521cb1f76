import { CountersignError } from '../../errors.ts';
import { assertGoodKey, type KeyPolicy } from '../../key-quality/assert-good-key.ts';
import { oids } from '../../object-identifiers.ts';
import { findPath } from '../../path-validation/find-path.ts';
import type { Certificate } from '../../x509/certificate.ts';
import {
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
} from '../../x509/standard-extensions.ts';
import type { Endorsement } from '../activation/activation-store.ts';
import type { TrustedRoots } from '../attestation-key.ts';
import { endorsementRefused } from '../refusal.ts';
import { TpmPublicArea } from '../tpm/public-area.ts';
import {
  endorsementKeyTemplates,
  templateOf,
  type EndorsementKeyTemplate,
} from './endorsement-key-template.ts';
import { tpmIdentityOf, type TpmIdentity } from './tpm-identity.ts';

export interface EndorsementKeyInputs extends TrustedRoots {
  /** TPMT_PUBLIC of the endorsement key, marshalled, as the requester sent it. */
  readonly publicArea: Uint8Array;
  readonly certificate: Certificate;
  readonly at: Date;
  /** L-1, L-2 and H-3 if absent. */
  readonly templates?: readonly EndorsementKeyTemplate[];
  readonly keyPolicy?: KeyPolicy;
}

export interface VerifiedEndorsementKey {
  readonly publicArea: TpmPublicArea;
  readonly template: EndorsementKeyTemplate;
  /** Undefined if the certificate does not say it. */
  readonly identity: TpmIdentity | undefined;
  /** From below the manufacturer's root to the endorsement key's certificate. */
  readonly path: readonly Certificate[];
  /** For `AttestationChallenges.issue`. */
  readonly endorsement: Extract<Endorsement, { kind: 'certificate' }>;
}

/**
 * Verifies that a public area is that of an endorsement key which its TPM's manufacturer certified (TCG EK Credential
 * Profile 3.2): key and certificate go together, the key was made as endorsement keys are, the certificate is for that
 * and leads to a root that the caller trusts.
 * @throws CountersignError `EK_CERTIFICATE_MISMATCH`, `EK_TEMPLATE_MISMATCH`, `EK_CERTIFICATE_NOT_ACCEPTABLE`; what
 *   parsing the public area, `assertGoodKey` and `findPath` throw
 */
export async function verifyEndorsementKey(inputs: EndorsementKeyInputs): Promise<VerifiedEndorsementKey> {
  const { certificate, certificates = [], templates = endorsementKeyTemplates } = inputs;
  const publicArea = TpmPublicArea.parse(inputs.publicArea);
  assertSameKey(publicArea, certificate);
  const template = templateOf(publicArea, templates);
  await assertGoodKey(publicArea.publicKey, inputs.keyPolicy);
  const { identity, purpose } = acceptableUse(certificate);
  const { path } = findPath(certificate, {
    ...inputs,
    certificates,
    ...(purpose !== undefined && { purpose }),
    // Specification family and level of the TPM (TCG EK Credential Profile 3.2.10): of no consequence for trust.
    targetExtensionsProcessed: new Set([oids.subjectDirectoryAttributes]),
  });
  const endorsement = { kind: 'certificate', certificate: certificate.der, identity } as const;
  return { publicArea, template, identity, path, endorsement };
}

/** Field experience: certificates that belong to another key than the one in the TPM exist. */
function assertSameKey({ publicKey }: TpmPublicArea, certificate: Certificate): void {
  if (publicKey.equals(certificate.publicKey)) return;
  throw endorsementRefused(
    'EK_CERTIFICATE_MISMATCH',
    `the certificate ${certificate.serialNumber} is for the key ${certificate.publicKey.keyId}; the endorsement key is ${publicKey.keyId}`,
    "Send the certificate of this endorsement key, from the TPM's NV index or its manufacturer.",
  );
}

function acceptableUse(certificate: Certificate): {
  identity: TpmIdentity | undefined;
  purpose: string | undefined;
} {
  const { curve } = certificate.publicKey;
  const usage = curve === undefined ? 'keyEncipherment' : 'keyAgreement';
  try {
    const keyUsage = certificate.extension(oids.keyUsage);
    if (keyUsage === undefined || !parseKeyUsage(keyUsage).includes(usage)) {
      throw notAcceptable(certificate, `its key usage lacks ${usage}`);
    }
    const constraints = certificate.extension(oids.basicConstraints);
    if (constraints !== undefined && parseBasicConstraints(constraints).cA) {
      throw notAcceptable(certificate, 'it is the certificate of a CA');
    }
    const extKeyUsage = certificate.extension(oids.extKeyUsage);
    const purposes = extKeyUsage === undefined ? undefined : parseExtendedKeyUsage(extKeyUsage);
    if (purposes !== undefined && !purposes.includes(oids.tcgEkCertificate)) {
      throw notAcceptable(
        certificate,
        `its extended key usage is ${purposes.join(', ')}; expected ${oids.tcgEkCertificate} (endorsement key)`,
      );
    }
    const identity = tpmIdentityOf(certificate);
    if (purposes === undefined && identity === undefined) {
      throw notAcceptable(certificate, 'neither its purpose nor its names say that it is for a TPM');
    }
    return { identity, purpose: purposes === undefined ? undefined : oids.tcgEkCertificate };
  } catch (error) {
    // An extended key usage that is empty, and the like.
    if (!(error instanceof CountersignError) || error.code !== 'DER_MALFORMED') throw error;
    throw notAcceptable(certificate, error.message, error);
  }
}

function notAcceptable(certificate: Certificate, found: string, cause?: unknown): CountersignError {
  return endorsementRefused(
    'EK_CERTIFICATE_NOT_ACCEPTABLE',
    `the certificate ${certificate.serialNumber} is not that of an endorsement key: ${found}`,
    'Send the certificate that the manufacturer issued for the endorsement key.',
    cause,
  );
}
