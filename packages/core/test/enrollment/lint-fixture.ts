import {
  CountersignError,
  Name,
  PublicKey,
  type Certificate,
  type CertificateOrder,
  type Extension,
} from '@countersign/core';
import { extensionLints } from '../../src/ca/issuance/extension-lints.ts';
import { fieldLints } from '../../src/ca/issuance/field-lints.ts';
import { lintCertificate } from '../../src/ca/issuance/lint-certificate.ts';
import { contentsOf } from '../../src/ca/profiles/contents-of.ts';
import { issuerExtensions, type CertificateContents } from '../../src/ca/profiles/profile.ts';
import { agentName, alice, caName, now, template } from './enrollment-fixture.ts';
import { caCertificateByHand, certificateByHand, type HandmadeFields } from './handmade-certificate.ts';
import { softwareKey } from './software-key.ts';

/** A certificate before it is written, and what it is held against. Tests change one or the other. */
export interface Draft {
  readonly issuer: Certificate;
  /** The key that was asked for. */
  readonly asked: PublicKey;
  readonly contents: CertificateContents;
  /** What the certificate has. */
  readonly fields: HandmadeFields;
}

const caKey = await softwareKey('p256');
const userKey = await softwareKey('p256');
export const issuer = await caCertificateByHand(caKey);
export const otherKey = PublicKey.parse((await softwareKey('p256')).publicKey);

export const orders: Readonly<Record<CertificateOrder['profile'], CertificateOrder>> = {
  'hello-logon': { profile: 'hello-logon', user: alice, template, issuancePolicies: [] },
  'enrollment-agent': { profile: 'enrollment-agent', subject: agentName },
  kdc: { profile: 'kdc', realm: 'CONTOSO.EXAMPLE', hostName: 'dc1.contoso.example' },
  'ocsp-responder': { profile: 'ocsp-responder', subject: Name.fromString('CN=Contoso OCSP,O=Contoso') },
};

/** A draft in which nothing is wrong. */
export function soundDraft(
  order: CertificateOrder = orders['hello-logon'],
  publicKey: PublicKey = PublicKey.parse(userKey.publicKey),
): Draft {
  const contents = contentsOf(order);
  const places = { certificate: issuer, crlUris: ['http://pki.contoso.example/ca.crl'], caIssuersUris: [] };
  return {
    issuer,
    asked: publicKey,
    contents,
    fields: {
      serialNumber: new Uint8Array(18).fill(0x41),
      issuer: caName,
      notBefore: now,
      notAfter: new Date('2026-09-01T00:00:00Z'),
      subject: contents.subject,
      publicKey: publicKey.subjectPublicKeyInfo,
      extensions: [...contents.extensions, ...issuerExtensions(places, publicKey)],
    },
  };
}

export function withFields(draft: Draft, changes: Partial<HandmadeFields>): Draft {
  return { ...draft, fields: { ...draft.fields, ...changes } };
}

/** The extensions of the certificate alone are these; the profile gave what it gave. */
export function withExtensions(
  draft: Draft,
  change: (extensions: readonly Extension[]) => readonly Extension[],
): Draft {
  return withFields(draft, { extensions: change(draft.fields.extensions) });
}

/** The same mistake in the profile and in the certificate that is made by it. */
export function withProfile(
  draft: Draft,
  change: (extensions: readonly Extension[]) => readonly Extension[],
): Draft {
  const { contents } = draft;
  const own = draft.fields.extensions.filter((extension) => !contents.extensions.includes(extension));
  const extensions = change(contents.extensions);
  return withFields(
    { ...draft, contents: { ...contents, extensions } },
    { extensions: [...extensions, ...own] },
  );
}

/** Replaces the extension of the same type. */
export function replaced(wanted: Extension): (extensions: readonly Extension[]) => readonly Extension[] {
  return (extensions) => extensions.map((extension) => (extension.oid === wanted.oid ? wanted : extension));
}

export function without(oid: string): (extensions: readonly Extension[]) => readonly Extension[] {
  return (extensions) => extensions.filter((extension) => extension.oid !== oid);
}

export function madeCritical(oid: string): (extensions: readonly Extension[]) => readonly Extension[] {
  return changedCriticality(oid, true);
}

export function changedCriticality(
  oid: string,
  critical: boolean,
): (extensions: readonly Extension[]) => readonly Extension[] {
  return (extensions) =>
    extensions.map((extension) => (extension.oid === oid ? { ...extension, critical } : extension));
}

export async function written(draft: Draft): Promise<Certificate> {
  return certificateByHand(caKey, draft.fields);
}

export interface LintOutcome {
  /** What `lintCertificate` refused with. */
  readonly refused: CountersignError | undefined;
  /** The clauses of every lint that found something, not just of the first. */
  readonly clauses: readonly string[];
}

export function lintOutcome(certificate: Certificate, draft: Draft): LintOutcome {
  const context = { issuer: draft.issuer, contents: draft.contents, publicKey: draft.asked };
  const found = [...fieldLints, ...extensionLints].filter(
    ({ defect }) => defect(certificate, context) !== undefined,
  );
  const clauses = found.map(({ clause }) => clause);
  try {
    lintCertificate(certificate, context);
    return { refused: undefined, clauses };
  } catch (error) {
    if (error instanceof CountersignError) return { refused: error, clauses };
    throw error;
  }
}
