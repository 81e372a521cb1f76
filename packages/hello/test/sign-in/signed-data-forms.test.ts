import { parseSubjectKeyIdentifier } from '@countersign/core';
import { context, DerReader, element, integer, octetString, oid, sequence } from '@countersign/core/asn1';
import { beforeAll, expect, test } from 'vitest';
import { refusal } from '../refusal.ts';
import { aliceSignsIn, enrollAlice, type Enrolled } from './alice-signs-in.ts';
import { forgeReply } from './forged-reply.ts';
import { startPkinitKdc } from './scripted-kdc.ts';

let enrolled: Enrolled;

beforeAll(async () => {
  enrolled = await enrollAlice();
});

test.for(['implicit', 'explicit'] as const)(
  'a signer that is named by an %s key identifier, under versions of 1, is taken as Heimdal writes it',
  async (tagging) => {
    const value = enrolled.kdc.certificate.extension('2.5.29.14') ?? new Uint8Array();
    await signInWith({
      version: integer(1),
      signer: keyIdentifier(tagging, parseSubjectKeyIdentifier(value)),
    });
  },
);

test.for(['implicit', 'explicit'] as const)(
  'a signer that is named by an %s key identifier that no certificate has is not trusted',
  async (tagging) => {
    const work = signInWith({ signer: keyIdentifier(tagging, new Uint8Array(20)) });
    expect((await refusal(work, 'KDC_NOT_TRUSTED')).message).toContain('not enclosed');
  },
);

test('a signer whose certificate is left out is not trusted', async () => {
  const error = await refusal(signInWith({ certificates: undefined }), 'KDC_NOT_TRUSTED');
  expect(error.message).toContain('not enclosed');
});

test('no signer, or two, are not trusted', async () => {
  await refusal(signInWith({ signers: 0 }), 'KDC_NOT_TRUSTED');
  await refusal(signInWith({ signers: 2 }), 'KDC_NOT_TRUSTED');
});

test('a digest with SHA-1 is not trusted', async () => {
  const digestAlgorithm = sequence(oid('1.3.14.3.2.26'));
  const error = await refusal(signInWith({ digestAlgorithm }), 'KDC_NOT_TRUSTED');
  expect(error.cause).toMatchObject({ code: 'ALGORITHM_NOT_SUPPORTED' });
});

test('a signature that is said to be of another kind is not trusted', async () => {
  const rsaWithSha384 = sequence(oid('1.2.840.113549.1.1.12'), element(0x05));
  await refusal(signInWith({ signatureAlgorithm: rsaWithSha384 }), 'KDC_NOT_TRUSTED');
});

test('a signature on an elliptic curve that MIT Kerberos calls sha256WithRSAEncryption is taken, if it holds', async () => {
  const signatureAlgorithm = sequence(oid('1.2.840.113549.1.1.11'), element(0x05));
  await signInWith({ signatureAlgorithm });
  await refusal(
    signInWith({ signatureAlgorithm, signature: octetString(new Uint8Array(70)) }),
    'KDC_NOT_TRUSTED',
  );
});

test('another content than was signed is not trusted', async () => {
  const error = await refusal(signInWith({ content: octetString(new Uint8Array(9)) }), 'KDC_NOT_TRUSTED');
  expect(error.cause).toMatchObject({ code: 'SIGNATURE_INVALID' });
});

test('a signed attribute that stands twice is malformed', async () => {
  const attribute = sequence(oid('1.2.3'), element(0x31, integer(1)));
  const error = await refusal(
    signInWith({ signedAttributes: context(0, attribute, attribute) }),
    'KDC_REPLY_MALFORMED',
  );
  expect(error.message).toContain('twice');
});

test('a message without signed attributes is malformed', async () => {
  await refusal(signInWith({ signedAttributes: new Uint8Array() }), 'KDC_REPLY_MALFORMED');
});

/** The parts of a SignedData with one signer, each DER as it stands there. */
interface SignedDataParts {
  readonly version: Uint8Array;
  /** The OCTET STRING in eContent. */
  readonly content: Uint8Array;
  readonly certificates: Uint8Array | undefined;
  readonly signers: number;
  readonly signer: Uint8Array;
  readonly digestAlgorithm: Uint8Array;
  readonly signedAttributes: Uint8Array;
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

async function signInWith(changes: Partial<SignedDataParts>): Promise<void> {
  const rewrite = (der: Uint8Array): Uint8Array => rewritten(der, changes);
  const kdc = await startPkinitKdc(async (asRequest) => ({
    message: await forgeReply(asRequest, enrolled.kdc, { rewrite }),
  }));
  await aliceSignsIn(enrolled, kdc);
}

function rewritten(der: Uint8Array, changes: Partial<SignedDataParts>): Uint8Array {
  const contentInfo = DerReader.sequence(der, 'SignedData');
  const type = contentInfo.any();
  const signedData = contentInfo.context(0).sequence();
  const version = signedData.any();
  const digestAlgorithms = signedData.any();
  const encapsulated = signedData.sequence();
  const contentType = encapsulated.any();
  const content = encapsulated.context(0).any();
  const certificates = signedData.any();
  const signerInfo = signedData.constructed(0x31).sequence();
  signerInfo.any();
  const parts: SignedDataParts = {
    version,
    content,
    certificates,
    signers: 1,
    signer: signerInfo.any(),
    digestAlgorithm: signerInfo.any(),
    signedAttributes: signerInfo.any(),
    signatureAlgorithm: signerInfo.any(),
    signature: signerInfo.any(),
    ...changes,
  };
  const newSignerInfo = sequence(
    parts.version,
    parts.signer,
    parts.digestAlgorithm,
    parts.signedAttributes,
    parts.signatureAlgorithm,
    parts.signature,
  );
  return sequence(
    type,
    context(
      0,
      sequence(
        parts.version,
        digestAlgorithms,
        sequence(contentType, context(0, parts.content)),
        parts.certificates ?? new Uint8Array(),
        element(0x31, ...Array.from({ length: parts.signers }, () => newSignerInfo)),
      ),
    ),
  );
}

function keyIdentifier(tagging: 'implicit' | 'explicit', identifier: Uint8Array): Uint8Array {
  return tagging === 'implicit' ? element(0x80, identifier) : context(0, octetString(identifier));
}
