import { CountersignError, findPath, validatePath, type Certificate } from '@countersign/core';
import { describe, expect, it } from 'vitest';
import { element, oid, sequence } from './der.ts';
import {
  at,
  Authority,
  ca,
  certificatePolicies,
  extendedKeyUsage,
  nameConstraints,
  policyMappings,
  subjectAltName,
  type ExtensionFields,
} from './hierarchy.ts';

const dns = (text: string): Uint8Array => element(0x82, Buffer.from(text));
const mail = (text: string): Uint8Array => element(0x81, Buffer.from(text));
const uri = (text: string): Uint8Array => element(0x86, Buffer.from(text));
const ip = (...octets: number[]): Uint8Array => element(0x87, Uint8Array.from(octets));
const upn = (text: string): Uint8Array =>
  element(0xa0, oid('1.3.6.1.4.1.311.20.2.3'), element(0xa0, element(0x0c, Buffer.from(text))));

const root = new Authority('CN=Root');
const trustAnchor = root.selfSigned();
const agent = '1.3.6.1.4.1.311.20.2.1';
const any = '2.5.29.37.0';

describe('validatePath', () => {
  it('takes a path whose names, keys and times fit', () => {
    const { path } = chain([ca()], []);
    expect(validatePath(path, { trustAnchor, at }).policies).toEqual(new Set());
  });

  it('refuses an empty path', () => {
    expect(codeOf(() => validatePath([], { trustAnchor, at }))).toBe('PATH_NOT_FOUND');
  });

  it('refuses certificates in the wrong order', () => {
    const { path } = chain([ca()], []);
    expect(codeOf(() => validatePath(path.toReversed(), { trustAnchor, at }))).toBe(
      'CERTIFICATE_NOT_TRUSTED',
    );
  });

  it('refuses a signature by another key under the same name', () => {
    const impostor = new Authority('CN=Root');
    const certificate = impostor.issue(new Authority('CN=Leaf'), { subject: 'CN=Leaf' });
    expect(codeOf(() => validatePath([certificate], { trustAnchor, at }))).toBe('SIGNATURE_INVALID');
  });

  it('refuses an issuer that is an end entity, whatever it signed', () => {
    const { path } = chain([], []);
    expect(codeOf(() => validatePath(path, { trustAnchor, at }))).toBe('ISSUER_NOT_ACCEPTABLE');
  });

  it.each([
    ['2019-12-31T23:59:59Z', 'CERTIFICATE_NOT_YET_VALID'],
    ['2020-01-01T00:00:00Z', undefined],
    ['2040-01-01T00:00:00Z', undefined],
    ['2040-01-01T00:00:01Z', 'CERTIFICATE_EXPIRED'],
  ])('at %s says %s', (instant, code) => {
    const { path } = chain([ca()], []);
    expect(codeOf(() => validatePath(path, { trustAnchor, at: new Date(instant) }))).toBe(code);
  });

  describe('purposes', () => {
    it.each<[string, ExtensionFields[], ExtensionFields[], string | undefined]>([
      ['the target has it', [ca()], [extendedKeyUsage(agent)], undefined],
      ['the CA allows it', [ca(), extendedKeyUsage(agent)], [extendedKeyUsage(agent)], undefined],
      ['the CA allows any', [ca(), extendedKeyUsage(any)], [extendedKeyUsage(agent)], undefined],
      ['the target has none', [ca()], [], 'PURPOSE_NOT_PERMITTED'],
      ['the target has any, which is not this one', [ca()], [extendedKeyUsage(any)], 'PURPOSE_NOT_PERMITTED'],
      [
        'the CA allows others only',
        [ca(), extendedKeyUsage('1.3.6.1.5.5.7.3.1')],
        [extendedKeyUsage(agent)],
        'PURPOSE_NOT_PERMITTED',
      ],
    ])('%s', (_, issuing, target, code) => {
      const { path } = chain(issuing, target);
      expect(codeOf(() => validatePath(path, { trustAnchor, at, purpose: agent }))).toBe(code);
    });
  });

  describe('name constraints', () => {
    it.each<[string, Uint8Array, Uint8Array, boolean]>([
      ['a host itself', dns('corp.test'), dns('corp.test'), true],
      ['a host below', dns('corp.test'), dns('a.b.CORP.test'), true],
      ['a host that only ends alike', dns('corp.test'), dns('evilcorp.test'), false],
      ['a host above', dns('a.corp.test'), dns('corp.test'), false],
      ['any host, where the constraint is empty', dns(''), dns('corp.test'), true],
      ['a mailbox', mail('a@corp.test'), mail('a@Corp.test'), true],
      ['a mailbox in other case', mail('a@corp.test'), mail('A@corp.test'), false],
      ['a mailbox at the host', mail('corp.test'), mail('b@corp.test'), true],
      ['a mailbox at a host below', mail('corp.test'), mail('b@x.corp.test'), false],
      ['a mailbox in the domain', mail('.corp.test'), mail('b@x.corp.test'), true],
      ['a mailbox at the domain itself', mail('.corp.test'), mail('b@corp.test'), false],
      ['text that is no mailbox', mail('corp.test'), mail('corp.test'), false],
      ['a URI at the host', uri('corp.test'), uri('https://u:p@corp.test:8443/x?y#z'), true],
      ['a URI in the domain', uri('.corp.test'), uri('ldap://dc.corp.test'), true],
      [
        'a URI whose userinfo looks like the host',
        uri('corp.test'),
        uri('https://corp.test@evil.test/'),
        false,
      ],
      ['a URI with an address', uri('corp.test'), uri('https://10.0.0.1/'), false],
      ['a URI without a host', uri('corp.test'), uri('urn:corp.test'), false],
      ['an address in the net', ip(10, 1, 0, 0, 255, 255, 0, 0), ip(10, 1, 2, 3), true],
      ['an address out of it', ip(10, 1, 0, 0, 255, 255, 0, 0), ip(10, 2, 2, 3), false],
      ['an other name, for which no subtree is known', upn('a@corp.test'), upn('a@corp.test'), false],
      ['a name of a form that is not constrained', dns('corp.test'), mail('a@evil.test'), true],
    ])('permit %s: $3', (_, subtree, name, isPermitted) => {
      const { path } = chain([ca(), nameConstraints([subtree])], [subjectAltName(name)]);
      const expected = isPermitted ? undefined : 'NAME_NOT_PERMITTED';
      expect(codeOf(() => validatePath(path, { trustAnchor, at }))).toBe(expected);
    });

    it.each<[string, Uint8Array, Uint8Array, boolean]>([
      ['a host below', dns('corp.test'), dns('a.corp.test'), false],
      ['another host', dns('corp.test'), dns('other.test'), true],
      ['an other name of that type, whatever its value', upn('a@corp.test'), upn('b@other.test'), false],
      ['a mailbox of a host', mail('corp.test'), mail('b@corp.test'), false],
      [
        'an address of the other family',
        ip(10, 0, 0, 0, 255, 0, 0, 0),
        ip(...Array.from({ length: 16 }, () => 1)),
        true,
      ],
    ])('exclude %s: $3', (_, subtree, name, isPermitted) => {
      const { path } = chain([ca(), nameConstraints([], [subtree])], [subjectAltName(name)]);
      const expected = isPermitted ? undefined : 'NAME_NOT_PERMITTED';
      expect(codeOf(() => validatePath(path, { trustAnchor, at }))).toBe(expected);
    });

    it('with a minimum are refused', () => {
      const withMinimum = sequence(
        element(0xa0, sequence(dns('corp.test'), element(0x80, Uint8Array.of(1)))),
      );
      const { path } = chain([ca(), { oid: '2.5.29.30', critical: true, value: withMinimum }], []);
      expect(codeOf(() => validatePath(path, { trustAnchor, at }))).toBe('DER_MALFORMED');
    });
  });

  it('handles policies that each map to all the next without growing exponentially', () => {
    const policies = Array.from({ length: 30 }, (_, i) => `1.2.3.${i}`);
    const mappings = policyMappings(...policies.flatMap((from) => policies.map((to) => [from, to] as const)));
    const issuing = Array.from({ length: 10 }, () => [ca(), certificatePolicies(...policies), mappings]);
    const { path } = longChain(issuing, [certificatePolicies(...policies)]);
    expect(validatePath(path, { trustAnchor, at, initialExplicitPolicy: true }).policies).toEqual(
      new Set(policies),
    );
  });
});

describe('findPath', () => {
  it('finds the chain among others that carry the same names', () => {
    const { path } = chain([ca()], []);
    const decoys = Array.from({ length: 5 }, () => chain([ca()], []).path[0]).filter(
      (one) => one !== undefined,
    );
    const target = last(path);
    const found = findPath(target, { trustAnchors: [trustAnchor], certificates: [...decoys, ...path], at });
    expect(found.path).toEqual(path);
  });

  it('ends when CAs certify one another', () => {
    const [a, b] = [new Authority('CN=A'), new Authority('CN=B')];
    const certificates = [
      a.issue(b, { subject: 'CN=B', extensions: [ca()] }),
      b.issue(a, { subject: 'CN=A', extensions: [ca()] }),
    ];
    const target = a.issue(new Authority('CN=Leaf'), { subject: 'CN=Leaf' });
    expect(codeOf(() => findPath(target, { trustAnchors: [trustAnchor], certificates, at }))).toBe(
      'PATH_NOT_FOUND',
    );
  });

  it('gives up on a crowd of CAs that all certify one another', () => {
    const crowd = Array.from({ length: 8 }, () => new Authority('CN=Crowd'));
    const certificates = crowd.flatMap((one) =>
      crowd.map((other) => one.issue(other, { subject: 'CN=Crowd', extensions: [ca()] })),
    );
    const target = new Authority('CN=Crowd').issue(new Authority('CN=Leaf'), { subject: 'CN=Leaf' });
    expect(codeOf(() => findPath(target, { trustAnchors: [trustAnchor], certificates, at }))).toBe(
      'PATH_NOT_FOUND',
    );
  });

  it('does not trust a certificate for being given', () => {
    const stranger = new Authority('CN=Stranger');
    const certificates = [stranger.selfSigned()];
    const target = stranger.issue(new Authority('CN=Leaf'), { subject: 'CN=Leaf' });
    expect(codeOf(() => findPath(target, { trustAnchors: [trustAnchor], certificates, at }))).toBe(
      'PATH_NOT_FOUND',
    );
  });

  it('demands CRLs once it is given any way to check revocation', () => {
    const { path } = chain([ca()], []);
    const inputs = { trustAnchors: [trustAnchor], certificates: path, certificateLists: [], at };
    expect(codeOf(() => findPath(last(path), inputs))).toBe('REVOCATION_UNKNOWN');
  });
});

/** Root, one issuing CA, one target. */
function chain(
  issuing: readonly ExtensionFields[],
  target: readonly ExtensionFields[],
): { path: Certificate[] } {
  return longChain([issuing], target);
}

function longChain(
  issuing: readonly (readonly ExtensionFields[])[],
  target: readonly ExtensionFields[],
): { path: Certificate[] } {
  const path: Certificate[] = [];
  let issuer = root;
  for (const [i, extensions] of issuing.entries()) {
    const authority = new Authority(`CN=Issuing ${i}`);
    path.push(issuer.issue(authority, { subject: authority.name, extensions }));
    issuer = authority;
  }
  path.push(issuer.issue(new Authority('CN=Leaf'), { subject: 'CN=Leaf', extensions: target }));
  return { path };
}

function last(path: readonly Certificate[]): Certificate {
  const certificate = path.at(-1);
  if (certificate === undefined) throw new Error('the path is empty');
  return certificate;
}

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}
