import { CountersignError } from '../errors.ts';
import { oids } from '../object-identifiers.ts';
import type { Certificate } from '../x509/certificate.ts';
import {
  parseCertificatePolicies,
  parseInhibitAnyPolicy,
  parsePolicyConstraints,
  parsePolicyMappings,
} from '../x509/policy-extensions.ts';
import { PolicyGraph } from './policy-graph.ts';

export interface PolicyInputs {
  readonly userInitialPolicySet?: ReadonlySet<string>;
  readonly initialPolicyMappingInhibit?: boolean;
  readonly initialExplicitPolicy?: boolean;
  readonly initialAnyPolicyInhibit?: boolean;
}

/** The policy part of path validation's state (RFC 5280 6.1.2): the graph and the three counters. */
export class PolicyState {
  readonly #userInitialPolicySet: ReadonlySet<string>;
  readonly #graph = new PolicyGraph();
  /** Non-self-issued certificates until each takes effect. */
  #explicitPolicy: number;
  #policyMapping: number;
  #inhibitAnyPolicy: number;

  constructor(pathLength: number, inputs: PolicyInputs) {
    this.#userInitialPolicySet = inputs.userInitialPolicySet ?? new Set([oids.anyPolicy]);
    const initially = (isSet: boolean | undefined): number => (isSet === true ? 0 : pathLength + 1);
    this.#explicitPolicy = initially(inputs.initialExplicitPolicy);
    this.#policyMapping = initially(inputs.initialPolicyMappingInhibit);
    this.#inhibitAnyPolicy = initially(inputs.initialAnyPolicyInhibit);
  }

  /** RFC 5280 6.1.3 (d), (e), (f). @throws CountersignError `POLICY_NOT_SATISFIED` */
  process(
    certificate: Certificate,
    role: { readonly isTarget: boolean; readonly isSelfIssued: boolean },
  ): void {
    const value = certificate.extension(oids.certificatePolicies);
    if (value === undefined) this.#graph.clear();
    else {
      const anyPolicyCounts = this.#inhibitAnyPolicy > 0 || (!role.isTarget && role.isSelfIssued);
      this.#graph.addCertificate(parseCertificatePolicies(value), anyPolicyCounts);
    }
    if (this.#explicitPolicy === 0 && this.#graph.isEmpty) throw notSatisfied(certificate);
  }

  /** RFC 5280 6.1.4 (a), (b), (h), (i), (j). */
  prepareForNext(certificate: Certificate, isSelfIssued: boolean): void {
    const mappings = certificate.extension(oids.policyMappings);
    if (mappings !== undefined) this.#graph.map(parsePolicyMappings(mappings), this.#policyMapping === 0);
    if (!isSelfIssued) this.#countDown();
    this.#constrain(certificate);
    const inhibitAnyPolicy = certificate.extension(oids.inhibitAnyPolicy);
    if (inhibitAnyPolicy !== undefined) {
      this.#inhibitAnyPolicy = Math.min(this.#inhibitAnyPolicy, parseInhibitAnyPolicy(inhibitAnyPolicy));
    }
  }

  /** RFC 5280 6.1.5 (a), (b), (g). @throws CountersignError `POLICY_NOT_SATISFIED` */
  wrapUp(target: Certificate): Set<string> {
    if (this.#explicitPolicy > 0) this.#explicitPolicy--;
    const value = target.extension(oids.policyConstraints);
    if (value !== undefined && parsePolicyConstraints(value).requireExplicitPolicy === 0)
      this.#explicitPolicy = 0;
    const policies = this.#graph.userConstrained(this.#userInitialPolicySet);
    if (this.#explicitPolicy === 0 && policies.size === 0) throw notSatisfied(target);
    return policies;
  }

  #countDown(): void {
    if (this.#explicitPolicy > 0) this.#explicitPolicy--;
    if (this.#policyMapping > 0) this.#policyMapping--;
    if (this.#inhibitAnyPolicy > 0) this.#inhibitAnyPolicy--;
  }

  #constrain(certificate: Certificate): void {
    const value = certificate.extension(oids.policyConstraints);
    if (value === undefined) return;
    const { requireExplicitPolicy, inhibitPolicyMapping } = parsePolicyConstraints(value);
    this.#explicitPolicy = Math.min(this.#explicitPolicy, requireExplicitPolicy ?? this.#explicitPolicy);
    this.#policyMapping = Math.min(this.#policyMapping, inhibitPolicyMapping ?? this.#policyMapping);
  }
}

function notSatisfied(certificate: Certificate): CountersignError {
  return new CountersignError(
    'POLICY_NOT_SATISFIED',
    `a certificate policy is demanded, and none is valid for the path up to the certificate ${certificate.serialNumber} of ${certificate.subject.toString()}`,
    'Have the certificate issued under a policy that its verifier accepts.',
    { adcs: 'CERT_E_INVALID_POLICY' },
  );
}
