import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  applyAttestationPolicy,
  AttestationChallenges,
  CertificationRequest,
  createCertificationRequest,
  makeCredential,
  MemoryActivationStore,
  parseTpmAttest,
  tpmKeyEvidenceAttribute,
  verifyAttestSignature,
  verifyEndorsementKey,
  type Credential,
  type Key,
  type VerifiedEndorsementKey,
} from '@countersign/core';
import { join, sized, u32 } from './software-tpm.ts';
import { hasSwtpm, Swtpm } from './swtpm.ts';

/** Handles and NV indices where the emulator's set-up puts endorsement keys and certificates. */
const rsaEk = { template: 'L-1', handle: '0x81010001', certificate: '0x1c00002' } as const;
const p384Ek = { template: 'H-3', handle: '0x81010016', certificate: '0x1c00016' } as const;

/** What tpm2_certify puts into every attestation, with no way to say otherwise. */
const toolNonce = Uint8Array.of(0x00, 0xff, 0x55, 0xaa);

describe.skipIf(!hasSwtpm)('with an emulated TPM', () => {
  let tpm: Swtpm;
  beforeAll(async () => {
    tpm = await Swtpm.start();
    await tpm.tool(`createak -C ${rsaEk.handle} -c ak.ctx -u ak.pub -G ecc -s ecdsa`);
  });
  afterAll(() => tpm.stop());

  test.each([rsaEk, p384Ek])(
    'the certified endorsement key of template $template is accepted',
    async (ek) => {
      const verified = await endorsementKey(ek);
      expect(verified.template.name).toBe(ek.template);
      expect(verified.identity).toEqual({
        manufacturer: 'id:00001014',
        model: 'swtpm',
        version: 'id:20191023',
      });
      expect(verified.path).toHaveLength(2);
    },
  );

  test.each(['L-1', 'L-2', 'H-3'] as const)(
    'tpm2_activatecredential accepts what is made for an endorsement key of template %s',
    async (template) => {
      const handle = template === 'L-1' ? rsaEk.handle : template === 'L-2' ? 'p256.ctx' : p384Ek.handle;
      if (template === 'L-2') await tpm.tool('createek -G ecc -c p256.ctx -u ek.pub');
      else await tpm.tool(`readpublic -c ${handle} -f tss -o ek.pub`);
      const secret = createHash('sha256').update(template).digest();
      const credential = makeCredential(tpm.publicArea('ek.pub'), tpm.publicArea('ak.pub').name, secret);
      expect(await activate(handle, credential, template !== 'H-3')).toEqual(Uint8Array.from(secret));
    },
  );

  test('a key certified by an attestation key that answered its challenge passes the policy', async () => {
    const store = new MemoryActivationStore();
    const challenges = new AttestationChallenges({ challenges: store, activations: store });
    const attestationKey = tpm.publicArea('ak.pub');
    const challenge = await challenges.issue(attestationKey.bytes, await endorsementKey(rsaEk));
    await challenges.redeem(challenge.id, await activate(rsaEk.handle, challenge, true));

    const userKey = await createUserKey();
    await tpm.tool('certify -c user.ctx -C ak.ctx -g sha256 -o attest -s signature');
    const evidence = {
      attest: tpm.file('attest'),
      signature: tpm.file('signature'),
      publicArea: tpm.publicArea('user.pub').bytes,
      certificates: [],
    };
    const attributes = [tpmKeyEvidenceAttribute(evidence)];
    const request = CertificationRequest.parse(await createCertificationRequest(userKey, { attributes }));
    request.verifyProofOfPossession();
    const outcome = await applyAttestationPolicy({ kind: 'required' }, request, () => ({
      nonce: toolNonce,
      at: new Date(),
      binding: { kind: 'activation', publicArea: attestationKey.bytes, activations: store },
      isUserAuthenticated: false,
    }));
    expect(outcome).toMatchObject({ kind: 'verified', issuancePolicies: ['1.3.6.1.4.1.311.21.31'] });
  });

  test.each([
    ['rsa', 'rsassa'],
    ['ecc', 'ecdsa'],
  ])('a quote with %s and %s, as tpm2_checkquote accepts it, verifies', async (algorithm, scheme) => {
    await quoteWith(algorithm, scheme);
    await tpm.tool('checkquote -u q.pub -m q.msg -s q.sig -q 0123abcd');
    expectQuoteToVerify();
  });

  // tpm2_checkquote 5.4 refuses PSS, with the TPM's own default salt too.
  test('a quote with RSAPSS and the salt that the TPM takes verifies', async () => {
    await quoteWith('rsa', 'rsapss');
    expectQuoteToVerify();
  });

  async function quoteWith(algorithm: string, scheme: string): Promise<void> {
    await tpm.tool(`createak -C ${rsaEk.handle} -c q.ctx -u q.pub -G ${algorithm} -s ${scheme}`);
    await tpm.tool(
      `quote -c q.ctx -l sha256:0,7,16 -q 0123abcd -m q.msg -s q.sig -g sha256 --scheme ${scheme}`,
    );
  }

  function expectQuoteToVerify(): void {
    const quote = parseTpmAttest(tpm.file('q.msg'));
    const key = { publicKey: tpm.publicArea('q.pub').publicKey, publicArea: tpm.publicArea('q.pub') };
    verifyAttestSignature(quote, tpm.file('q.sig'), key);
    expect(quote).toMatchObject({
      type: 'quote',
      extraData: Uint8Array.of(0x01, 0x23, 0xab, 0xcd),
      pcrSelections: [{ bank: 0x000b, pcrs: [0, 7, 16] }],
    });
    const altered = Uint8Array.from(quote.bytes);
    altered.set([altered.at(-1) === 0 ? 1 : 0], altered.length - 1);
    expect(() => {
      verifyAttestSignature(parseTpmAttest(altered), tpm.file('q.sig'), key);
    }).toThrow(/was not made by the attestation key/u);
  }

  async function endorsementKey(ek: typeof rsaEk | typeof p384Ek): Promise<VerifiedEndorsementKey> {
    await tpm.tool(`readpublic -c ${ek.handle} -f tss -o ek.pub`);
    await tpm.tool(`nvread ${ek.certificate} -o ek.der`);
    return verifyEndorsementKey({
      publicArea: tpm.publicArea('ek.pub').bytes,
      certificate: tpm.certificate('ek.der'),
      trustAnchors: [tpm.certificate('ca/swtpm-localca-rootca-cert.pem')],
      certificates: [tpm.certificate('ca/issuercert.pem')],
      at: new Date(),
    });
  }

  /** TPM2_ActivateCredential of the attestation key. @param needsPolicy whether the password will not do */
  async function activate(handle: string, credential: Credential, needsPolicy: boolean): Promise<Uint8Array> {
    // The file that tpm2-tools exchange: magic, version, TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET.
    tpm.write(
      'credential',
      join(u32(0xbadcc0de), u32(1), sized(credential.credentialBlob), sized(credential.encryptedSecret)),
    );
    const options = ['-c', 'ak.ctx', '-C', handle, '-i', 'credential', '-o', 'secret'];
    if (!needsPolicy) {
      await tpm.tool(`activatecredential ${options.join(' ')}`);
      return tpm.file('secret');
    }
    await tpm.tool('startauthsession --policy-session -S session');
    await tpm.tool('policysecret -S session -c endorsement');
    await tpm.tool(`activatecredential ${options.join(' ')} -P session:session`);
    await tpm.tool('flushcontext session');
    return tpm.file('secret');
  }

  /** An RSA key of the TPM, that signs there. */
  async function createUserKey(): Promise<Key> {
    await tpm.tool('createprimary -C o -G ecc -c srk.ctx');
    const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign';
    await tpm.tool(`create -C srk.ctx -G rsa2048 -a ${attributes} -u user.pub -r user.priv -c user.ctx`);
    return {
      ref: 'test:tpm',
      label: 'user',
      algorithm: 'rsa2048',
      publicKey: tpm.publicArea('user.pub').publicKey.subjectPublicKeyInfo,
      schemes: ['rsa-pkcs1-sha256'],
      sign: async (_, message) => {
        tpm.write('message', message);
        await tpm.tool('sign -c user.ctx -g sha256 -s rsassa -f plain -o sig message');
        return tpm.file('sig');
      },
    };
  }
});
