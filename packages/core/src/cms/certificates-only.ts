import { DerReader } from '../asn1/der-reader.ts';
import { contextConstructed } from '../asn1/tag.ts';
import { context, integer, oid, sequence, setOf } from '../asn1/der-writer.ts';
import { oids } from '../object-identifiers.ts';
import { Certificate } from '../x509/certificate.ts';

/**
 * Makes a CMS SignedData that nobody signed and that holds certificates alone (RFC 5652 5.1, "degenerate case"): the form
 * in which AD CS hands out a chain (MS-WCCE 2.2.2.8).
 * @param certificates each once, in any order: a SET has none
 * @returns ContentInfo, DER
 */
export function createCertificatesOnly(certificates: readonly Certificate[]): Uint8Array {
  const signedData = sequence(
    integer(1),
    setOf([]),
    sequence(oid(oids.data)),
    setOf(
      certificates.map(({ der }) => der),
      contextConstructed(0),
    ),
    setOf([]),
  );
  return sequence(oid(oids.signedData), context(0, signedData));
}

/**
 * @returns the certificates, in no order that means anything; none is to be trusted for being here
 * @throws CountersignError `DER_MALFORMED` if it is not such a message, or a certificate stands there twice
 */
export function parseCertificatesOnly(der: Uint8Array): readonly Certificate[] {
  const contentInfo = DerReader.sequence(der, 'certificates-only message');
  if (contentInfo.oid() !== oids.signedData) throw contentInfo.malformed('the content is not SignedData');
  const explicit = contentInfo.context(0);
  const signedData = explicit.sequence();
  explicit.end();
  contentInfo.end();
  if (signedData.smallInteger() !== 1) throw signedData.malformed('the version is not 1');
  if (signedData.setOf().length > 0) throw signedData.malformed('it has digest algorithms and no content');
  const encapsulated = signedData.sequence();
  if (encapsulated.oid() !== oids.data) throw signedData.malformed('the content type is not id-data');
  encapsulated.end();
  const certificates = signedData.setOf(contextConstructed(0)).map((octets) => Certificate.parse(octets));
  if (signedData.setOf().length > 0) throw signedData.malformed('it is signed');
  signedData.end();
  return certificates;
}
