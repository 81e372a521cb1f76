import { DerReader } from '../../asn1/der-reader.ts';
import { oids } from '../../object-identifiers.ts';
import type { Certificate } from '../../x509/certificate.ts';
import type { Name } from '../../x509/name.ts';
import { parseSubjectAltName } from '../../x509/standard-extensions.ts';

/** Who made a TPM, as its endorsement key's certificate has it (TCG EK Credential Profile 3.1.2). */
export interface TpmIdentity {
  /** `id:` and eight hex digits, such as `id:49465800` for Infineon. */
  readonly manufacturer: string;
  readonly model: string;
  /** `id:` and eight hex digits. */
  readonly version: string;
}

/**
 * Reads the TPM's attributes in the directoryName of the subject alternative name.
 * @returns undefined unless all three are there
 * @throws CountersignError `DER_MALFORMED`
 */
export function tpmIdentityOf(certificate: Certificate): TpmIdentity | undefined {
  const value = certificate.extension(oids.subjectAltName);
  const attributes = new Map(
    (value === undefined ? [] : parseSubjectAltName(value)).flatMap((name) =>
      name.kind === 'directoryName' ? attributesOf(name.name) : [],
    ),
  );
  const manufacturer = attributes.get(oids.tpmManufacturer);
  const model = attributes.get(oids.tpmModel);
  const version = attributes.get(oids.tpmVersion);
  return manufacturer === undefined || model === undefined || version === undefined
    ? undefined
    : { manufacturer, model, version };
}

/** TPM attributes of the name by type. They stand in one RDN or in one each. */
function attributesOf(name: Name): (readonly [type: string, text: string])[] {
  const rdns = DerReader.sequence(name.der, 'distinguished name of a TPM');
  const attributes: (readonly [string, string])[] = [];
  while (!rdns.done) {
    for (const der of rdns.setOf()) {
      const attribute = DerReader.sequence(der, 'attribute of the distinguished name of a TPM');
      const type = attribute.oid();
      if (tpmAttributeTypes.has(type)) attributes.push([type, attribute.text()]);
    }
  }
  return attributes;
}

const tpmAttributeTypes: ReadonlySet<string> = new Set([
  oids.tpmManufacturer,
  oids.tpmModel,
  oids.tpmVersion,
]);
