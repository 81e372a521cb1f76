import { Certificate } from '@countersign/core';
import { der, integer, oid, sequence, set, utf8String } from '../enrollment/der.ts';
import type { Enrollment } from '../enrollment/enrollment-fixture.ts';
import { extension, keyUsage } from '../enrollment/assemble-certificate.ts';

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));
const time = (text: string): Uint8Array => der(0x17, Buffer.from(text));

export const agentExtensions: readonly Uint8Array[] = [
  keyUsage(7, 0x80),
  extension('2.5.29.37', sequence(oid('1.3.6.1.4.1.311.20.2.1'))),
];

/** What to write instead of the right thing. Whatever is absent is right. */
export interface AgentParts {
  readonly version?: Uint8Array;
  readonly serialNumber?: Uint8Array;
  readonly innerAlgorithm?: Uint8Array;
  readonly notBefore?: Uint8Array;
  readonly notAfter?: Uint8Array;
  readonly subject?: Uint8Array;
  readonly publicKey?: Uint8Array;
  readonly extensions?: readonly Uint8Array[];
  /** What stands in place of TBSCertificate, and is signed. */
  readonly tbsCertificate?: (tbsCertificate: Uint8Array) => Uint8Array;
  readonly afterSignature?: Uint8Array;
}

export interface AgentDocument {
  readonly der: Uint8Array;
  /** IssuerAndSerialNumber, DER. */
  readonly sid: Uint8Array;
}

/** An enrollment agent's certificate written part by part, signed by the CA's key. */
export async function agentDocument(
  {
    caKey,
    ca,
    agentKey,
  }: Pick<Enrollment, 'caKey' | 'agentKey'> & { readonly ca: Pick<Enrollment['ca'], 'certificate'> },
  parts: AgentParts = {},
): Promise<AgentDocument> {
  const issuer = ca.certificate.subject.der;
  const serialNumber = parts.serialNumber ?? der(0x02, Uint8Array.of(0x41, 0x42));
  const right = sequence(
    parts.version ?? der(0xa0, integer(2)),
    serialNumber,
    parts.innerAlgorithm ?? ecdsaWithSha256,
    issuer,
    sequence(parts.notBefore ?? time('260304000000Z'), parts.notAfter ?? time('270304000000Z')),
    parts.subject ?? sequence(set(sequence(oid('2.5.4.3'), utf8String('Handmade agent')))),
    parts.publicKey ?? agentKey.publicKey,
    der(0xa3, sequence(...(parts.extensions ?? agentExtensions))),
  );
  const tbsCertificate = parts.tbsCertificate?.(right) ?? right;
  const signature = await caKey.sign('ecdsa-sha256', tbsCertificate);
  const { afterSignature = new Uint8Array() } = parts;
  const whole = sequence(
    tbsCertificate,
    ecdsaWithSha256,
    der(0x03, Uint8Array.of(0), signature),
    afterSignature,
  );
  return { der: whole, sid: sequence(issuer, serialNumber) };
}

/** Has the ledger know the certificate, so that nothing but its form can stand against it. */
export async function recordAgent({ ledger }: Enrollment, certificate: Uint8Array): Promise<Certificate> {
  const parsed = Certificate.parse(certificate);
  const { serialNumber, tbsCertificate, publicKey, notAfter } = parsed;
  await ledger.reserve({
    serialNumber,
    profile: 'enrollment-agent',
    subject: parsed.subject.toString(),
    agentSerialNumber: undefined,
    requestDigest: serialNumber,
    keyId: publicKey.keyId,
    keyOwner: ledger.reservations[0]?.keyOwner ?? parsed.subject.toString(),
    tbsCertificate,
    notAfter,
    reservedAt: new Date(0),
  });
  await ledger.record(serialNumber, certificate);
  return parsed;
}
