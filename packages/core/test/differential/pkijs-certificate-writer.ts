import { BitString, Integer, OctetString, type BaseBlock } from 'asn1js';
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
  PublicKeyInfo,
  Time,
} from 'pkijs';
import { keyIdentifier } from './certificate-cases.ts';
import { extensionOids as oids } from './extension-oids.ts';
import { keyUsageContents, type IssuedCase } from './issued-cases.ts';
import { pkijsExtension, pkijsName, subjectAltName } from './pkijs-writer.ts';
import { webCryptoHash } from './software-key.ts';
import { hex, octets } from './values.ts';

/** Issues with pkijs 4.0.0. */
export async function issue(issued: IssuedCase): Promise<Uint8Array> {
  const { issuer, subjectKey } = issued;
  const certificate = new Certificate({
    version: 2,
    serialNumber: new Integer({ valueHex: octets(issued.serialNumber) }),
    issuer: pkijsName(issued.issuerName),
    notBefore: time(issued.notBefore),
    notAfter: time(issued.notAfter),
    subject: pkijsName(issued.subject),
    subjectPublicKeyInfo: PublicKeyInfo.fromBER(Uint8Array.from(subjectKey.key.publicKey)),
    extensions: [...standardExtensions(issued), ...issued.extensions.map(pkijsExtension)],
  });
  const { privateKey } = await issuer.key.webCrypto(issuer.scheme);
  await certificate.sign(privateKey, webCryptoHash(issuer.scheme));
  return new Uint8Array(certificate.toSchema(true).toBER());
}

/** pkijs leaves the choice of RFC 5280 4.1.2.5 to its caller. */
function time(value: Date): Time {
  return new Time({ type: value.getUTCFullYear() < 2050 ? 0 : 1, value });
}

function standardExtensions({
  basicConstraints,
  keyUsage,
  extKeyUsage,
  altNames,
  ...keys
}: IssuedCase): Extension[] {
  const [unusedBits = 0, ...bits] = keyUsageContents(keyUsage);
  const subjectKeyIdentifier = octets(keyIdentifier(hex(keys.subjectKey.key.publicKey)));
  const authorityKeyIdentifier = octets(keyIdentifier(hex(keys.issuer.key.publicKey)));
  const dNSNames = altNames.dNSNames.map((value) => new GeneralName({ type: 2, value }));
  return [
    extension(oids.basicConstraints, true, new BasicConstraints(basicConstraints).toSchema()),
    extension(oids.keyUsage, true, new BitString({ valueHex: Uint8Array.from(bits), unusedBits })),
    extension(oids.extKeyUsage, false, new ExtKeyUsage({ keyPurposes: [...extKeyUsage] }).toSchema()),
    subjectAltName(altNames.upns, dNSNames, altNames.critical),
    extension(oids.subjectKeyIdentifier, false, new OctetString({ valueHex: subjectKeyIdentifier })),
    extension(
      oids.authorityKeyIdentifier,
      false,
      new AuthorityKeyIdentifier({
        keyIdentifier: new OctetString({ valueHex: authorityKeyIdentifier }),
      }).toSchema(),
    ),
  ];
}

function extension(extnID: string, critical: boolean, value: BaseBlock): Extension {
  return new Extension({ extnID, critical, extnValue: value.toBER() });
}
