import {
  Certificate,
  CertificateList,
  CertificationRequest,
  createCertificatesOnly,
  createCertificationRequest,
  createCmcRequest,
  createCmcResponse,
  createCountersignedRequest,
  createOcspRequest,
  decodePemOrDer,
  encodePem,
  KeyCredential,
  Name,
  OcspRequest,
  OcspResponse,
  parseCertificatesOnly,
  parseCmcRequest,
  parseCmcResponse,
  parseCountersignedRequest,
  parseDnWithBinary,
  parseSignedData,
  PublicKey,
  subjectAltName,
  userPrincipalName,
  verifySignerInfo,
} from '@countersign/core';
import { countersignForAlice, createEnrollment } from '../enrollment/enrollment-fixture.ts';
import { createOcspService } from '../ocsp/ocsp-fixture.ts';
import { realText } from '../key-credential/real-blobs.ts';
import { readVectors } from '../vectors/vector-file.ts';
import { attestationParsers } from './attestations.ts';
import { attributeSets, readAndRewriteAttributes } from './attribute-sets.ts';
import { keyCredentials, readAndRewriteKeyCredential, unhashed } from './key-credentials.ts';

/** A reader of outside data, and sound documents to begin with. */
export interface FuzzedParser {
  readonly name: string;
  readonly documents: readonly Uint8Array[];
  /** Reads all there is to read. @returns what the document is written back as, where the reader keeps it whole */
  readonly parse: (document: Uint8Array) => Uint8Array | undefined;
}

export async function fuzzedParsers(): Promise<FuzzedParser[]> {
  const enrollment = await createEnrollment();
  const { aliceKey, agentKey, agentCertificate, ca } = enrollment;
  const extensionRequests = [subjectAltName([userPrincipalName('alice@contoso.example')])];
  const subject = Name.fromString('CN=Alice+UID=a,OU=Zoë,DC=contoso');
  const request = await createCertificationRequest(aliceKey, { subject, extensionRequests });
  const parsedRequest = CertificationRequest.parse(request);
  const scheme = 'ecdsa-sha256';
  const account = 'CONTOSO\\alice';
  const issued = await ca.issue(await countersignForAlice(enrollment));
  const certificates = [issued, agentCertificate, ca.certificate].map(({ der }) => der);
  const countersigned = await createCountersignedRequest(
    agentKey,
    scheme,
    agentCertificate,
    parsedRequest,
    account,
  );
  const cmcRequest = await createCmcRequest(
    agentKey,
    scheme,
    agentCertificate,
    parsedRequest.publicKey,
    account,
  );
  const cmcResponse = await createCmcResponse(enrollment.caKey, scheme, ca.certificate, {
    status: 'success',
    certificate: issued,
  });
  await ca.revoke(issued.serialNumber, 'keyCompromise');
  const crl = await ca.createCrl();
  const ocsp = await createOcspService();
  const ocspRequest = createOcspRequest({ issuer: ocsp.ca.certificate, certificates: [await ocsp.issue()] });
  const ocspResponse = (await ocsp.responder().respond(ocspRequest)).der;
  const text = new TextEncoder();
  return [
    {
      name: 'public key',
      documents: [
        parsedRequest.publicKey.subjectPublicKeyInfo,
        ca.certificate.publicKey.subjectPublicKeyInfo,
      ],
      parse: (document) => PublicKey.parse(document).subjectPublicKeyInfo,
    },
    {
      name: 'name',
      documents: [subject.der, ca.certificate.subject.der],
      parse: (document) => {
        const name = Name.parse(document);
        name.toString();
        return name.der;
      },
    },
    {
      name: 'certification request',
      documents: [request, ...readVectors('certification-requests.json')],
      parse: (document) => {
        const parsed = CertificationRequest.parse(document);
        void parsed.userPrincipalNames;
        parsed.verifyProofOfPossession();
        return parsed.der;
      },
    },
    {
      name: 'certificate',
      documents: [...certificates, ...readVectors('certificates.json')],
      parse: (document) => Certificate.parse(document).der,
    },
    {
      name: 'CRL',
      documents: [crl, ...readVectors('certificate-lists.json')],
      parse: (document) => {
        const list = CertificateList.parse(document);
        void [...list.entries];
        return list.der;
      },
    },
    {
      name: 'certificates-only message',
      documents: [
        createCertificatesOnly([issued]),
        createCertificatesOnly([issued, agentCertificate, ca.certificate]),
      ],
      parse: (document) => createCertificatesOnly(parseCertificatesOnly(document)),
    },
    {
      name: 'CMS',
      documents: [countersigned, ...readVectors('countersigned-requests.json')],
      parse: (document) => {
        verifySignerInfo(parseSignedData(document));
        parseCountersignedRequest(document);
        return undefined;
      },
    },
    {
      name: 'CMC request',
      documents: [cmcRequest, countersigned],
      parse: (document) => {
        parseCmcRequest(document);
        return undefined;
      },
    },
    {
      name: 'CMC response',
      documents: [cmcResponse, cmcRequest],
      parse: (document) => {
        parseCmcResponse(document);
        return undefined;
      },
    },
    {
      name: 'OCSP request',
      documents: [ocspRequest],
      parse: (document) => OcspRequest.parse(document).der,
    },
    {
      name: 'OCSP response',
      documents: [ocspResponse],
      parse: (document) => OcspResponse.parse(document).der,
    },
    {
      name: 'PEM',
      documents: [
        text.encode(encodePem('CERTIFICATE', issued.der)),
        text.encode(encodePem('CMS', countersigned)),
      ],
      parse: (document) => {
        decodePemOrDer(document, ['CERTIFICATE', 'CMS']);
        return undefined;
      },
    },
    {
      name: 'request attributes',
      documents: attributeSets(issued),
      parse: readAndRewriteAttributes,
    },
    {
      name: 'key credential',
      documents: keyCredentials,
      parse: (document) => {
        KeyCredential.parse(document);
        return undefined;
      },
    },
    {
      name: 'key credential without its hashes',
      documents: keyCredentials.map(unhashed),
      parse: readAndRewriteKeyCredential,
    },
    {
      name: 'DN with binary',
      documents: [text.encode(realText('dnWithBinary')), text.encode('B:4:00ff:CN=a:b,DC=c')],
      parse: (document) => {
        parseDnWithBinary(new TextDecoder().decode(document));
        return undefined;
      },
    },
    {
      name: 'RFC 4514 string',
      documents: ['CN=Alice\\, Example+UID=a1,OU=\\23x,DC=contoso', 'CN=#0c0141,O=Zoë \\"x\\"'].map((name) =>
        text.encode(name),
      ),
      parse: (document) => {
        Name.fromString(new TextDecoder().decode(document));
        return undefined;
      },
    },
    ...attestationParsers(),
  ];
}
