import {
  CertificationRequest,
  CountersignError,
  createCertificationRequest,
  isCertificateStore,
  isPinProtected,
  KeyCustody,
  MemoryKeyRecords,
  PublicKey,
  verifySignature,
  type Key,
} from '@countersign/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificateFor, pin, providers, temporaryDirectory, type Provider } from './providers.ts';

const scheme = 'ecdsa-sha256';

describe.each(Object.entries(providers))('the keys of %s', (_, makeProvider) => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let provider: Provider;
  let stop: () => Promise<void>;
  let custody: KeyCustody;

  beforeAll(async () => {
    folder = await temporaryDirectory();
    ({ provider, stop } = await makeProvider(folder.path));
    custody = new KeyCustody({ provider, records: new MemoryKeyRecords() });
  });
  afterAll(async () => {
    await stop();
    await folder.remove();
  });

  test('in pre-activation they sign a certification request for themselves', async () => {
    const key = await custody.generate({ algorithm: 'p256', label: 'new', pin });
    const request = CertificationRequest.parse(await createCertificationRequest(key));
    request.verifyProofOfPossession();
    const reopened = await opened(key.ref);
    CertificationRequest.parse(await createCertificationRequest(reopened)).verifyProofOfPossession();
  });

  test('in pre-activation they sign nothing else', async () => {
    const key = await custody.generate({ algorithm: 'p256', label: 'new', pin });
    const other = await custody.generate({ algorithm: 'p256', label: 'other', pin });
    const own = CertificationRequest.parse(await createCertificationRequest(key));
    const info = own.certificationRequestInfo;
    const certificate = await certificateFor(provider, key.ref);
    const messages = {
      nothing: new Uint8Array(),
      'some octets': Buffer.from('challenge'),
      "another key's request": CertificationRequest.parse(await createCertificationRequest(other))
        .certificationRequestInfo,
      'the signed request': own.der,
      'the request and an octet more': Buffer.concat([info, Buffer.from([0])]),
      'the request cut short': info.subarray(0, -1),
      'a request of another version': withVersion(info, 1),
      'a certificate for itself': certificate.der,
      'its public key': key.publicKey,
    };
    for (const [what, message] of Object.entries(messages)) {
      expect(await codeOf(async () => key.sign(scheme, message)), what).toBe('KEY_STATE_FORBIDS');
    }
  });

  test('a message that changes after it was judged is signed as it was', async () => {
    const key = await custody.generate({ algorithm: 'p256', label: 'new', pin });
    const info = Uint8Array.from(
      CertificationRequest.parse(await createCertificationRequest(key)).certificationRequestInfo,
    );
    const handedIn = Uint8Array.from(info);
    const signing = key.sign(scheme, handedIn);
    handedIn.fill(0x5a);
    expect(verifySignature(PublicKey.parse(key.publicKey), scheme, info, await signing)).toBe(true);
  });

  test('once active they sign anything, and stop with the state, also those handed out before', async () => {
    const key = await custody.generate({ algorithm: 'p256', label: 'used', pin });
    const message = Buffer.from('a challenge');
    await custody.installCertificate(key.ref, (await certificateFor(provider, key.ref)).der);
    const signs = async (): Promise<boolean> =>
      verifySignature(PublicKey.parse(key.publicKey), scheme, message, await key.sign(scheme, message));
    expect(await signs()).toBe(true);
    await custody.suspend(key.ref, 'badge lost');
    expect(await codeOf(signs)).toBe('KEY_STATE_FORBIDS');
    expect(await codeOf(async () => createCertificationRequest(key))).toBe('KEY_STATE_FORBIDS');
    await custody.resume(key.ref, 'badge found');
    expect(await signs()).toBe(true);
    await custody.deactivate(key.ref, 'served its time');
    expect(await codeOf(signs)).toBe('KEY_STATE_FORBIDS');
    await custody.compromise(key.ref, 'found on a stick');
    expect(await codeOf(signs)).toBe('KEY_STATE_FORBIDS');
  });

  test('they keep their PIN, and show no other way to sign', async () => {
    const { ref } = await custody.generate({ algorithm: 'p256', label: 'guarded', pin });
    const key = await custody.open(ref);
    if (!isPinProtected(key)) throw new Error('the key lost its PIN');
    expect(await codeOf(async () => key.unlock(Buffer.from('000000')))).toBe('PIN_INCORRECT');
    await key.unlock(pin);
    expect(key.locked).toBe(false);
    key.lock();
    expect(key.locked).toBe(true);
    expect('signDigest' in key).toBe(false);
    expect(Reflect.get(key, 'constructor')).toBeUndefined();
    expect(Reflect.set(key, 'publicKey', new Uint8Array())).toBe(false);
    expect(isCertificateStore(provider)).toBe(true);
  });

  async function opened(ref: string): Promise<Key> {
    const key = await custody.open(ref);
    if (isPinProtected(key)) await key.unlock(pin);
    return key;
  }
});

/** SEQUENCE { INTEGER version …: the version is the first integer. */
function withVersion(info: Uint8Array, version: number): Uint8Array {
  const changed = Uint8Array.from(info);
  const at = changed.indexOf(0x02) + 2;
  expect(changed[at]).toBe(0);
  changed[at] = version;
  return changed;
}

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'done';
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}
