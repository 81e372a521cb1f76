import { DerReader } from '../asn1/der-reader.ts';
import { oid, sequence } from '../asn1/der-writer.ts';
import { contextPrimitive, tag } from '../asn1/tag.ts';
import { oids } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';

/** RFC 5280 4.2.1.4, without qualifiers. */
export function certificatePolicies(policies: readonly string[]): Extension {
  return {
    oid: oids.certificatePolicies,
    critical: false,
    value: sequence(...policies.map((policy) => sequence(oid(policy)))),
  };
}

/** Readers of the policy extensions of RFC 5280 4.2.1; each takes extnValue contents. */

/** RFC 5280 4.2.1.4: the policies, each once. Qualifiers are checked for form and left to people. */
export function parseCertificatePolicies(value: Uint8Array): string[] {
  const reader = DerReader.sequence(value, 'certificate policies extension');
  const policies: string[] = [];
  while (!reader.done) {
    const information = reader.sequence();
    const policy = information.oid();
    if (policies.includes(policy)) throw reader.malformed(`the policy ${policy} stands twice`);
    policies.push(policy);
    if (!information.done) readQualifiers(information.sequence());
    information.end();
  }
  if (policies.length === 0) throw reader.malformed('certificatePolicies holds no policy');
  return policies;
}

export interface PolicyMapping {
  readonly issuerDomainPolicy: string;
  readonly subjectDomainPolicy: string;
}

/** RFC 5280 4.2.1.5: policies are not mapped to or from anyPolicy. */
export function parsePolicyMappings(value: Uint8Array): PolicyMapping[] {
  const reader = DerReader.sequence(value, 'policy mappings extension');
  const mappings: PolicyMapping[] = [];
  while (!reader.done) {
    const pair = reader.sequence();
    const mapping = { issuerDomainPolicy: pair.oid(), subjectDomainPolicy: pair.oid() };
    pair.end();
    if (Object.values(mapping).includes(oids.anyPolicy)) {
      throw reader.malformed('a policy is mapped to or from anyPolicy');
    }
    mappings.push(mapping);
  }
  if (mappings.length === 0) throw reader.malformed('policyMappings holds no mapping');
  return mappings;
}

export interface PolicyConstraints {
  readonly requireExplicitPolicy: number | undefined;
  readonly inhibitPolicyMapping: number | undefined;
}

/** RFC 5280 4.2.1.11: at least one of the two fields is there. */
export function parsePolicyConstraints(value: Uint8Array): PolicyConstraints {
  const reader = DerReader.sequence(value, 'policy constraints extension');
  const constraints = {
    requireExplicitPolicy: reader.at(contextPrimitive(0))
      ? reader.smallInteger(contextPrimitive(0))
      : undefined,
    inhibitPolicyMapping: reader.at(contextPrimitive(1))
      ? reader.smallInteger(contextPrimitive(1))
      : undefined,
  };
  reader.end();
  if (constraints.requireExplicitPolicy === undefined && constraints.inhibitPolicyMapping === undefined) {
    throw reader.malformed('policyConstraints is empty');
  }
  return constraints;
}

/** RFC 5280 4.2.1.14. @returns the number of certificates after which anyPolicy no longer counts */
export function parseInhibitAnyPolicy(value: Uint8Array): number {
  const reader = DerReader.document(value, 'inhibit anyPolicy extension');
  const skipCerts = reader.smallInteger();
  reader.end();
  return skipCerts;
}

function readQualifiers(qualifiers: DerReader): void {
  if (qualifiers.done) throw qualifiers.malformed('policyQualifiers is empty');
  while (!qualifiers.done) {
    const qualifier = qualifiers.sequence();
    qualifier.oid();
    if (qualifier.at(tag.sequence)) qualifier.any();
    else qualifier.text();
    qualifier.end();
  }
}
