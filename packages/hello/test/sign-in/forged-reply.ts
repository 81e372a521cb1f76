import { getDiffieHellman, randomBytes } from 'node:crypto';
import { createSignedData, preferredScheme, type Certificate, type Key } from '@countersign/core';
import {
  bitString,
  context,
  contextContents,
  element,
  generalizedTime,
  integer,
  octetString,
  oid,
  sequence,
  unsignedInteger,
} from '@countersign/core/asn1';
import { deriveReplyKey, encryptionTypes, type EncryptionType } from '@countersign/hello/sign-in';
import { encryptMessage } from './encrypt-message.ts';
import { flags, generalString, paData, principalName } from './kerberos-der.ts';
import { readAsRequest, readAuthPack } from './read-as-request.ts';
import { realm } from './test-pki.ts';

/** Who signs as the KDC. */
export interface KdcIdentity {
  readonly key: Key;
  readonly certificate: Certificate;
}

const krbtgt = ['krbtgt', realm] as const;
const sha256Kdf = '1.3.6.1.5.2.3.6.2';

/** Everything that a reply says, as an honest KDC would have it. */
export function honestReply() {
  const now = new Date();
  return {
    clientRealm: realm,
    client: ['alice'] as readonly string[],
    ticketRealm: realm,
    ticketServer: krbtgt as readonly string[],
    /** Whether the padata holds a PA-PK-AS-REP, and of which kind. */
    proof: 'dhInfo' as 'dhInfo' | 'encKeyPack' | 'none',
    contentType: '1.3.6.1.5.2.3.2',
    /** What becomes of the KDC's SignedData. */
    rewrite: (signedData: Uint8Array): Uint8Array => signedData,
    signedNonceOffset: 0,
    publicValue: undefined as Uint8Array | undefined,
    dhExpiration: undefined as Date | undefined,
    serverDhNonce: undefined as Uint8Array | undefined,
    keyDerivation: sha256Kdf as string | undefined,
    /** What the reply says it is encrypted with; what it is. */
    statedEncryptionType: undefined as number | undefined,
    encryptionType: 'aes256-cts-hmac-sha1-96' as EncryptionType,
    replyKey: undefined as Uint8Array | undefined,
    encryptedPartTag: 0x79,
    sessionKeyType: integer(18),
    sessionKey: Uint8Array.from(randomBytes(32)),
    encryptedNonceOffset: 0,
    /** INTEGER, DER, in place of the nonce. */
    encryptedNonce: undefined as Uint8Array | undefined,
    ticketFlags: flags(0x0040_0000),
    authTime: now,
    startTime: undefined as Date | undefined,
    endTime: new Date(now.getTime() + 3_600_000),
    renewTill: undefined as Date | undefined,
    serverRealm: realm,
    server: krbtgt as readonly string[],
  };
}

export type ReplyFields = ReturnType<typeof honestReply>;

/** Answers a signed AS-REQ as this KDC, with these changes. @returns AS-REP, DER */
export async function forgeReply(
  asRequest: Uint8Array,
  kdc: KdcIdentity,
  changes: Partial<ReplyFields> = {},
): Promise<Uint8Array> {
  const fields: ReplyFields = { ...honestReply(), ...changes };
  const request = readAsRequest(asRequest);
  const authPack = readAuthPack(request);
  const dh = getDiffieHellman(authPack.prime.length === 512 ? 'modp16' : 'modp14');
  const honestValue = dh.generateKeys();
  const publicValue = fields.publicValue ?? honestValue;
  const secret = Buffer.alloc(authPack.prime.length);
  const unpadded = dh.computeSecret(authPack.publicValue);
  secret.set(unpadded, secret.length - unpadded.length);

  const signedData = await createSignedData(kdc.key, preferredScheme(kdc.key), {
    eContentType: fields.contentType,
    content: sequence(
      context(0, bitString(unsignedInteger(publicValue))),
      context(1, integer(authPack.nonce + fields.signedNonceOffset)),
      ...optional(2, fields.dhExpiration, generalizedTime),
    ),
    certificate: kdc.certificate,
    signedAttributes: [],
  });
  const paPkAsRep = encodePaPkAsRep(fields, fields.rewrite(signedData));
  const replyKey =
    fields.replyKey ??
    deriveReplyKey(fields.keyDerivation, fields.encryptionType, secret, {
      client: { realm, name: { nameType: 1, components: ['alice'] } },
      server: { realm, name: { nameType: 2, components: krbtgt } },
      asRequest,
      paPkAsRep,
    });
  const encrypted = encryptMessage(
    fields.encryptionType,
    replyKey,
    3,
    encodeEncryptedPart(fields, request.nonce),
  );
  return element(
    0x6b,
    sequence(
      context(0, integer(5)),
      context(1, integer(11)),
      context(2, sequence(...(fields.proof === 'none' ? [] : [paData(17, paPkAsRep)]))),
      context(3, generalString(fields.clientRealm)),
      context(4, principalName(1, fields.client)),
      context(5, encodeTicket(fields)),
      context(
        6,
        encryptedData(
          fields.statedEncryptionType ?? encryptionTypes[fields.encryptionType].number,
          encrypted,
        ),
      ),
    ),
  );
}

function encodePaPkAsRep(
  { proof, serverDhNonce, keyDerivation }: ReplyFields,
  signedData: Uint8Array,
): Uint8Array {
  if (proof === 'encKeyPack') return contextContents(1, signedData);
  return context(
    0,
    sequence(
      contextContents(0, signedData),
      ...optional(1, serverDhNonce, octetString),
      ...optional(2, keyDerivation, (algorithm) => sequence(context(0, oid(algorithm)))),
    ),
  );
}

function encodeEncryptedPart(fields: ReplyFields, nonce: number): Uint8Array {
  return element(
    fields.encryptedPartTag,
    sequence(
      context(0, sequence(context(0, fields.sessionKeyType), context(1, octetString(fields.sessionKey)))),
      context(1, sequence(sequence(context(0, integer(0)), context(1, generalizedTime(fields.authTime))))),
      context(2, fields.encryptedNonce ?? integer(nonce + fields.encryptedNonceOffset)),
      context(4, fields.ticketFlags),
      context(5, generalizedTime(fields.authTime)),
      ...optional(6, fields.startTime, generalizedTime),
      context(7, generalizedTime(fields.endTime)),
      ...optional(8, fields.renewTill, generalizedTime),
      context(9, generalString(fields.serverRealm)),
      context(10, principalName(2, fields.server)),
    ),
  );
}

function encodeTicket({ ticketRealm, ticketServer }: ReplyFields): Uint8Array {
  return element(
    0x61,
    sequence(
      context(0, integer(5)),
      context(1, generalString(ticketRealm)),
      context(2, principalName(2, ticketServer)),
      context(3, encryptedData(18, randomBytes(64))),
    ),
  );
}

function encryptedData(type: number, ciphertext: Uint8Array): Uint8Array {
  return sequence(context(0, integer(type)), context(2, octetString(ciphertext)));
}

function optional<T>(n: number, value: T | undefined, encode: (value: T) => Uint8Array): Uint8Array[] {
  return value === undefined ? [] : [context(n, encode(value))];
}
