import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsagesExtension,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from './peculiar-x509.ts';
import { keyIdentifier } from './certificate-cases.ts';
import type { IssuedCase } from './issued-cases.ts';
import { peculiarExtension, peculiarName, signingAlgorithm } from './peculiar-writer.ts';
import { hex, octets } from './values.ts';

/** Issues with @peculiar/x509 2.2.0. */
export async function issue(issued: IssuedCase): Promise<Uint8Array> {
  const { issuer, subjectKey, basicConstraints, keyUsage, altNames } = issued;
  const subjectPublicKey = hex(subjectKey.key.publicKey);
  const { privateKey } = await issuer.key.webCrypto(issuer.scheme);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: issued.serialNumber,
    issuer: peculiarName(issued.issuerName),
    subject: peculiarName(issued.subject),
    notBefore: issued.notBefore,
    notAfter: issued.notAfter,
    publicKey: new PublicKey(octets(subjectPublicKey)),
    signingKey: privateKey,
    signingAlgorithm: signingAlgorithm(issuer),
    extensions: [
      new BasicConstraintsExtension(basicConstraints.cA, basicConstraints.pathLenConstraint, true),
      new KeyUsagesExtension(
        keyUsage.reduce((flags, bit) => flags | (1 << bit), 0),
        true,
      ),
      new ExtendedKeyUsageExtension([...issued.extKeyUsage]),
      new SubjectAlternativeNameExtension(
        [
          ...altNames.upns.map((value) => ({ type: 'upn' as const, value })),
          ...altNames.dNSNames.map((value) => ({ type: 'dns' as const, value })),
        ],
        altNames.critical,
      ),
      new SubjectKeyIdentifierExtension(keyIdentifier(subjectPublicKey)),
      new AuthorityKeyIdentifierExtension(keyIdentifier(hex(issuer.key.publicKey))),
      ...issued.extensions.map(peculiarExtension),
    ],
  });
  return new Uint8Array(certificate.rawData);
}
