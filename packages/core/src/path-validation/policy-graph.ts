import { oids } from '../object-identifiers.ts';
import type { PolicyMapping } from '../x509/policy-extensions.ts';

interface PolicyNode {
  readonly policy: string;
  expectedPolicies: ReadonlySet<string>;
  readonly parents: readonly PolicyNode[];
}

/** The nodes of one depth by their policy. */
type Level = Map<string, PolicyNode>;

/**
 * The valid policy graph of RFC 9618: what RFC 5280 6.1 keeps in a tree, with each policy once a level, so that hostile
 * mappings cannot make it grow exponentially. Empty is what the standard calls NULL.
 */
export class PolicyGraph {
  #levels: Level[] = [
    new Map([[anyPolicy, { policy: anyPolicy, expectedPolicies: new Set([anyPolicy]), parents: [] }]]),
  ];

  get isEmpty(): boolean {
    return this.#levels.length === 0;
  }

  /** RFC 5280 6.1.3 (e): a certificate without policies ends every policy. */
  clear(): void {
    this.#levels = [];
  }

  /** RFC 5280 6.1.3 (d) as RFC 9618 5.3 has it. */
  addCertificate(policies: readonly string[], anyPolicyCounts: boolean): void {
    const above = this.#levels.at(-1);
    if (above === undefined) return;
    const level: Level = new Map();
    const add = (policy: string, parents: readonly PolicyNode[]): void => {
      level.set(policy, { policy, expectedPolicies: new Set([policy]), parents });
    };
    const anyNode = above.get(anyPolicy);
    for (const policy of policies) {
      if (policy === anyPolicy) continue;
      const parents = expecting(above, policy);
      if (parents.length > 0) add(policy, parents);
      else if (anyNode !== undefined) add(policy, [anyNode]);
    }
    if (anyPolicyCounts && policies.includes(anyPolicy)) {
      for (const { expectedPolicies } of above.values()) {
        for (const policy of expectedPolicies) {
          if (!level.has(policy)) add(policy, expecting(above, policy));
        }
      }
    }
    this.#levels.push(level);
    this.#prune();
  }

  /** RFC 5280 6.1.4 (b) as RFC 9618 5.4 has it. */
  map(mappings: readonly PolicyMapping[], mappingIsInhibited: boolean): void {
    const level = this.#levels.at(-1);
    const above = this.#levels.at(-2);
    if (level === undefined || above === undefined) return;
    const anyNode = level.get(anyPolicy);
    for (const [issuerDomainPolicy, expectedPolicies] of grouped(mappings)) {
      const node = level.get(issuerDomainPolicy);
      if (mappingIsInhibited) {
        level.delete(issuerDomainPolicy);
      } else if (node !== undefined) {
        node.expectedPolicies = expectedPolicies;
      } else if (anyNode !== undefined) {
        level.set(issuerDomainPolicy, {
          policy: issuerDomainPolicy,
          expectedPolicies,
          parents: anyNode.parents,
        });
      }
    }
    this.#prune();
  }

  /**
   * RFC 5280 6.1.5 (g) as RFC 9618 5.5 has it.
   * @param userInitialPolicySet policies, or anyPolicy among them for no restriction
   * @returns the user-constrained-policy-set, in the trust anchor's domain
   */
  userConstrained(userInitialPolicySet: ReadonlySet<string>): Set<string> {
    const last = this.#levels.at(-1);
    if (last === undefined) return new Set();
    const authorityConstrained = this.#authorityConstrained(last);
    if (userInitialPolicySet.has(anyPolicy)) return authorityConstrained;
    // A path that ends in anyPolicy vouches for whatever the user asks for.
    if (authorityConstrained.has(anyPolicy)) return new Set(userInitialPolicySet);
    return new Set([...authorityConstrained].filter((policy) => userInitialPolicySet.has(policy)));
  }

  /** The policies under which the anchor's domain sees the last certificate: where its nodes hang on anyPolicy. */
  #authorityConstrained(last: Level): Set<string> {
    const policies = new Set<string>();
    const seen = new Set<PolicyNode>();
    const pending = [...last.values()];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (node.policy === anyPolicy || node.parents.some(({ policy }) => policy === anyPolicy)) {
        policies.add(node.policy);
      } else {
        pending.push(...node.parents);
      }
    }
    return policies;
  }

  /** RFC 5280 6.1.3 (d)(3): removes what has no children, upwards from the level above the last. */
  #prune(): void {
    for (let depth = this.#levels.length - 1; depth > 0; depth--) {
      const level = this.#levels[depth];
      const above = this.#levels[depth - 1];
      if (level === undefined || above === undefined) return;
      if (level.size === 0) {
        this.clear();
        return;
      }
      const needed = new Set([...level.values()].flatMap(({ parents }) => parents));
      for (const node of above.values()) if (!needed.has(node)) above.delete(node.policy);
    }
  }
}

const anyPolicy = oids.anyPolicy;

function expecting(level: Level, policy: string): PolicyNode[] {
  return [...level.values()].filter(({ expectedPolicies }) => expectedPolicies.has(policy));
}

function grouped(mappings: readonly PolicyMapping[]): Map<string, Set<string>> {
  const groups = new Map<string, Set<string>>();
  for (const { issuerDomainPolicy, subjectDomainPolicy } of mappings) {
    const group = groups.get(issuerDomainPolicy) ?? new Set();
    groups.set(issuerDomainPolicy, group.add(subjectDomainPolicy));
  }
  return groups;
}
