import { createHash } from 'node:crypto';
import { isCmcRequest, parseCmcRequest } from '../../cmc/parse-request.ts';
import { parseSignedRequest } from '../../cms/countersigned-request.ts';
import { verifySignerInfo } from '../../cms/parse-signed-data.ts';
import { isRenewal } from '../../cms/renewal-request.ts';
import { onlyRequesterName, signedRequesterNames } from '../../cms/requester-name.ts';
import type { CertificationRequest } from '../../request/certification-request.ts';
import type { Certificate } from '../../x509/certificate.ts';
import { countersignatureDigest } from './countersignature-digest.ts';

/** What the steps of issuance need of a signed request, in whichever form it came. */
export type SignedRequest = AgentRequest | RenewalRequest;

/** A request on behalf of someone. */
export interface AgentRequest extends RequestInside {
  readonly kind: 'on-behalf';
  /** `DOMAIN\\account`. */
  readonly requesterName: string;
  /** The certificates behind the countersignatures, at least one; each must prove to be an enrollment agent's. */
  readonly agents: readonly Certificate[];
}

/** A request that the holder of a certificate signed to have it renewed. */
export interface RenewalRequest extends RequestInside {
  readonly kind: 'renewal';
  /** The certificate behind the signature; it must prove to be one of this CA's. */
  readonly holder: Certificate;
}

interface RequestInside {
  /** Only its public key counts. Whoever holds that key made the request, or an agent says so. */
  readonly request: CertificationRequest;
  /** SHA-256, lower-case hex: two requests with the same one are the same request. */
  readonly digest: string;
}

/**
 * Reads a signed request by its content type, and verifies all that can be without knowing anybody: every
 * signature, and the proof of possession. A null signature passes for one in CMC alone (MS-WCCE 2.2.2.6.5), and only
 * because the agents vouch; that they may is the next step's to find out.
 * @throws CountersignError
 */
export function readSignedRequest(der: Uint8Array): SignedRequest {
  return isCmcRequest(der) ? readCmc(der) : readCms(der);
}

function readCms(der: Uint8Array): SignedRequest {
  const { signedData, request } = parseSignedRequest(der);
  const { signerCertificate, signerInfo } = signedData;
  const requesterNames = signedRequesterNames(signerInfo);
  verifySignerInfo(signedData);
  request.verifyProofOfPossession();
  const digest = countersignatureDigest(signedData);
  // Who names a requester acts on behalf of one, whatever the request inside says of a renewal.
  if (requesterNames.length === 0 && isRenewal(request)) {
    return { kind: 'renewal', request, holder: signerCertificate, digest };
  }
  const requesterName = onlyRequesterName(requesterNames);
  return { kind: 'on-behalf', request, requesterName, agents: [signerCertificate], digest };
}

function readCmc(der: Uint8Array): AgentRequest {
  const { request, requesterName, signers, content } = parseCmcRequest(der);
  const agents = signers.flatMap((signer) => (signer.kind === 'certificate' ? [signer.certificate] : []));
  // Around the content there are octets that nobody signed (a No-Signature signer can come and go), so the whole message
  // could be handed in again in another guise. The content is signed, and differs each time by its nonce.
  return { kind: 'on-behalf', request, requesterName, agents, digest: sha256Hex(content) };
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
