import { DerReader } from '../asn1/der-reader.ts';
import { contextConstructed, contextPrimitive } from '../asn1/tag.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import { readGeneralName, type GeneralName } from '../x509/general-name.ts';
import { emailAddressesIn, isWithinSubtree } from '../x509/name-matching.ts';
import { parseSubjectAltName } from '../x509/standard-extensions.ts';
import { isWithinSubtreeOf, type ConstrainedName } from './subtree-matching.ts';

interface NameConstraints {
  readonly permittedSubtrees: readonly GeneralName[];
  readonly excludedSubtrees: readonly GeneralName[];
}

/** What all name constraints down to one certificate allow (RFC 5280 6.1.2 (b), (c)). Never changes. */
export class PermittedNames {
  /** Each certificate's permitted subtrees: a name must lie in one of every group that has any of its form. */
  readonly #permitted: readonly (readonly GeneralName[])[];
  readonly #excluded: readonly GeneralName[];

  private constructor(permitted: readonly (readonly GeneralName[])[], excluded: readonly GeneralName[]) {
    this.#permitted = permitted;
    this.#excluded = excluded;
  }

  static readonly all = new PermittedNames([], []);

  /** RFC 5280 6.1.4 (g): the intersection with what this certificate allows further down. */
  constrainedBy(certificate: Certificate): PermittedNames {
    const value = certificate.extension(oids.nameConstraints);
    if (value === undefined) return this;
    const { permittedSubtrees, excludedSubtrees } = parseNameConstraints(value);
    return new PermittedNames(
      permittedSubtrees.length === 0 ? this.#permitted : [...this.#permitted, permittedSubtrees],
      [...this.#excluded, ...excludedSubtrees],
    );
  }

  /**
   * RFC 5280 6.1.3 (b), (c): the subject, its e-mail addresses and every alternative name.
   * @throws CountersignError `NAME_NOT_PERMITTED`
   */
  assertAllow(certificate: Certificate): void {
    if (this.#permitted.length === 0 && this.#excluded.length === 0) return;
    for (const name of namesOf(certificate)) {
      if (this.#allows(name)) continue;
      throw new CountersignError(
        'NAME_NOT_PERMITTED',
        `the ${name.kind} in the certificate ${certificate.serialNumber} of ${certificate.subject.toString()} lies outside the name constraints of the CAs above it`,
        'Have a CA issue it that may certify such names.',
        { adcs: 'CERT_E_INVALID_NAME' },
      );
    }
  }

  #allows(name: ConstrainedName): boolean {
    if (this.#excluded.some((subtree) => isSameForm(name, subtree) && isWithin(name, subtree, true)))
      return false;
    return this.#permitted.every((group) => {
      const ofSameForm = group.filter((subtree) => isSameForm(name, subtree));
      return ofSameForm.length === 0 || ofSameForm.some((subtree) => isWithin(name, subtree, false));
    });
  }
}

function isSameForm(name: ConstrainedName, subtree: GeneralName): boolean {
  if (name.kind === 'otherName' && subtree.kind === 'otherName') return name.typeId === subtree.typeId;
  return name.kind === subtree.kind;
}

function isWithin(name: ConstrainedName, subtree: GeneralName, isExcluded: boolean): boolean {
  if (name.kind === 'directoryName' && subtree.kind === 'directoryName') {
    return isWithinSubtree(name.name, subtree.name);
  }
  // RFC 5280 4.2.1.10: a constraint of a form that is not understood makes a name of that form inacceptable.
  return isWithinSubtreeOf(name, subtree) ?? isExcluded;
}

function namesOf(certificate: Certificate): ConstrainedName[] {
  const { subject } = certificate;
  const altName = certificate.extension(oids.subjectAltName);
  return [
    ...(subject.isEmpty ? [] : [{ kind: 'directoryName', name: subject } as const]),
    ...emailAddressesIn(subject).map((text) => ({ kind: 'rfc822Name', text }) as const),
    ...(altName === undefined ? [] : parseSubjectAltName(altName)),
  ];
}

/** RFC 5280 4.2.1.10: minimum is zero and maximum absent; not empty. */
function parseNameConstraints(value: Uint8Array): NameConstraints {
  const reader = DerReader.sequence(value, 'name constraints extension');
  const permittedSubtrees = reader.at(contextConstructed(0)) ? readSubtrees(reader.context(0)) : [];
  const excludedSubtrees = reader.at(contextConstructed(1)) ? readSubtrees(reader.context(1)) : [];
  reader.end();
  if (permittedSubtrees.length + excludedSubtrees.length === 0) {
    throw reader.malformed('nameConstraints holds no subtree');
  }
  return { permittedSubtrees, excludedSubtrees };
}

function readSubtrees(subtrees: DerReader): GeneralName[] {
  const bases: GeneralName[] = [];
  while (!subtrees.done) {
    const subtree = subtrees.sequence();
    bases.push(readBase(subtree));
    subtree.end();
  }
  return bases;
}

/** Two forms differ from those of names: a host may be empty, for all hosts, and an address comes with its mask. */
function readBase(subtree: DerReader): GeneralName {
  if (subtree.at(contextPrimitive(7))) {
    const octets = subtree.contextContents(7);
    if (octets.length !== 8 && octets.length !== 32)
      throw subtree.malformed('an address or its mask is cut off');
    return { kind: 'iPAddress', octets };
  }
  if (subtree.at(contextPrimitive(2)) && subtree.fork().contextContents(2).length === 0) {
    subtree.contextContents(2);
    return { kind: 'dNSName', text: '' };
  }
  return readGeneralName(subtree);
}
