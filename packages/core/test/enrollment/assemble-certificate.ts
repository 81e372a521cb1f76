import { Certificate, type Key } from '@countersign/core';
import { der, descend, elements, nullValue, octets, oid, sequence } from './der.ts';
import type { Enrollment } from './enrollment-fixture.ts';

/** A certificate for the agent's key with these extensions alone, signed by the CA's key and known to its ledger. */
export async function agentWith(
  { agentCertificate, caKey, ledger }: Enrollment,
  extensions: readonly Uint8Array[],
  state: 'reserved' | 'recorded' = 'recorded',
): Promise<Certificate> {
  const serial = Uint8Array.of(0x41, ledger.reservations.length);
  const certificate = await assembleCertificate(agentCertificate, caKey, serial, extensions);
  const [reservation] = ledger.reservations;
  if (reservation === undefined) throw new Error('the agent was not issued a certificate');
  const { serialNumber, tbsCertificate } = certificate;
  await ledger.reserve({ ...reservation, serialNumber, requestDigest: serialNumber, tbsCertificate });
  if (state === 'recorded') await ledger.record(serialNumber, certificate.der);
  return certificate;
}

/** The same certificate with another serial number and other extensions, signed with this P-256 key. */
export async function assembleCertificate(
  model: Certificate,
  key: Key,
  serial: Uint8Array,
  extensions: readonly Uint8Array[],
): Promise<Certificate> {
  const [version, , ...rest] = elements(descend(model.tbsCertificate, [0]).contents);
  const tbsCertificate = sequence(
    version?.whole ?? nullValue(),
    der(0x02, serial),
    ...rest.slice(0, -1).map(({ whole }) => whole),
    der(0xa3, sequence(...extensions)),
  );
  const signature = der(0x03, Uint8Array.of(0), await key.sign('ecdsa-sha256', tbsCertificate));
  return Certificate.parse(sequence(tbsCertificate, sequence(oid('1.2.840.10045.4.3.2')), signature));
}

/** Named bits: how many are unused, and the octet that holds the others. */
export function keyUsage(unused: number, bits: number): Uint8Array {
  return extension('2.5.29.15', der(0x03, Uint8Array.of(unused, bits)));
}

export function extension(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), octets(value));
}
