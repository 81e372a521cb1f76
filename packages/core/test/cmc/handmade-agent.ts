import { randomBytes } from 'node:crypto';
import { Certificate, Name, type Key } from '@countersign/core';
import {
  bitString,
  boolean,
  concat,
  context,
  element,
  integer,
  octetString,
  oid,
  sequence,
  time,
} from '../path-validation/der.ts';
import { now, type Enrollment } from './enrollment-fixture.ts';

/**
 * An enrollment agent's certificate that the CA's key signed and its ledger knows, with one extension of the test's
 * choice beside those that make it one.
 */
export async function handmadeAgent(
  { ca, caKey, ledger }: Pick<Enrollment, 'ca' | 'ledger'> & { readonly caKey: Key },
  key: Key,
  extension: Uint8Array,
): Promise<Certificate> {
  const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
  const serial = concat(Uint8Array.of(0x40), randomBytes(12));
  const notAfter = new Date('2031-01-01T00:00:00Z');
  const tbsCertificate = sequence(
    context(0, integer(2)),
    element(0x02, serial),
    ecdsaWithSha256,
    ca.certificate.subject.der,
    sequence(time(new Date('2029-01-01T00:00:00Z')), time(notAfter)),
    Name.fromString('CN=Handmade RA').der,
    key.publicKey,
    context(
      3,
      sequence(
        sequence(oid('2.5.29.15'), boolean(true), octetString(Uint8Array.of(0x03, 0x02, 0x07, 0x80))),
        sequence(oid('2.5.29.37'), octetString(sequence(oid('1.3.6.1.4.1.311.20.2.1')))),
        extension,
      ),
    ),
  );
  const signature = await caKey.sign('ecdsa-sha256', tbsCertificate);
  const certificate = Certificate.parse(sequence(tbsCertificate, ecdsaWithSha256, bitString(signature)));
  const serialNumber = Buffer.from(serial).toString('hex');
  await ledger.reserve({
    serialNumber,
    profile: 'enrollment-agent',
    subject: 'CN=Handmade RA',
    agentSerialNumber: undefined,
    keyId: certificate.publicKey.keyId,
    keyOwner: 'handmade agent',
    requestDigest: serialNumber,
    tbsCertificate,
    notAfter,
    reservedAt: now,
  });
  await ledger.record(serialNumber, certificate.der);
  return certificate;
}
