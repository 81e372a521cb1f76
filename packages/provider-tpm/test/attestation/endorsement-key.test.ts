import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  endorsementKeyTemplates,
  verifyEndorsementKey,
  type EndorsementKeyTemplate,
} from '@countersign/core';
import { withEndorsementKey } from '../../src/attestation/index.ts';
import { commands, listHandles, type TpmChannel } from '../../src/session/index.ts';
import { codeOf } from '../session/channels.ts';
import { saltedPool } from '../session/keys.ts';
import { refusal } from '../session/refusal.ts';
import { certificateOf, slotOf } from './endorsed-keys.ts';
import { ManufacturedTpm } from './manufactured-tpm.ts';

let tpm: ManufacturedTpm;
beforeAll(async () => {
  tpm = await ManufacturedTpm.start();
  await persistOthers();
});
afterEach(async () => expect(await tpm.leftovers()).toBe(''));
afterAll(async () => tpm.stop());

test('the templates are those that the verifier knows', () => {
  for (const template of endorsementKeyTemplates) {
    expect(comparable(slotOf(template.name).template)).toEqual(comparable(template));
  }
});

test.each([
  ['L-1', 'rsa'],
  ['L-2', 'ecc'],
  ['H-3', 'ecc384'],
  ['H-4', 'ecc521'],
  ['H-6', 'rsa3072'],
])('the endorsement key that template %s makes is that of tpm2_createek', async (name, algorithm) => {
  const ours = await tpm.use(async ({ pool }) =>
    withEndorsementKey(pool, { slot: slotOf(name) }, async ({ publicArea, certificate }) => {
      expect(certificate).toBeUndefined();
      return publicArea;
    }),
  );
  await tpm.tool(`createek -G ${algorithm} -c ek.ctx -u ek.pub`);
  await tpm.tool('flushcontext -t');
  expect(ours).toEqual(tpm.read('ek.pub').subarray(2));
});

test.each(['H-1', 'H-2'])('template %s makes an endorsement key as well', async (name) => {
  await tpm.use(async ({ pool, queue }) => {
    const before = await listHandles(queue, 'transient');
    await withEndorsementKey(pool, { slot: slotOf(name) }, async () => {
      expect(await listHandles(queue, 'transient')).toHaveLength(before.length + 1);
    });
    expect(await listHandles(queue, 'transient')).toEqual(before);
  });
});

test.each([
  ['L-1', 0x81010001],
  ['H-3', 0x81010016],
])(
  "the persistent endorsement key of %s is found among others by the certificate's key",
  async (name, handle) => {
    await tpm.use(async ({ pool, queue }) => {
      const certificate = await certificateOf(pool, name);
      const before = await listHandles(queue, 'transient');
      const publicArea = await withEndorsementKey(pool, { slot: slotOf(name), certificate }, async (key) => {
        expect(key.handle).toBe(handle);
        expect(await listHandles(queue, 'transient')).toEqual(before);
        return key.publicArea;
      });
      const verified = await verifyEndorsementKey({ publicArea, certificate, ...tpm.roots, at: new Date() });
      expect(verified.template.name).toBe(name);
    });
  },
);

test('who passes another object off as the endorsement key is found out', async () => {
  await tpm.use(async ({ pool, queue, srk }) => {
    const certificate = await certificateOf(pool, 'L-1');
    const lying: TpmChannel = {
      async exchange(command) {
        const altered = Buffer.from(command);
        const isUntrusted = codeOf(command) === commands.readPublic.code && altered.readUInt16BE() === 0x8001;
        if (isUntrusted && altered.readUInt32BE(10) === 0x81010000) altered.writeUInt32BE(0x81010001, 10);
        return queue.exchange(altered);
      },
    };
    const deceived = saltedPool(lying, srk);
    expect((await refusal(async () => use(deceived, 'L-1', certificate))).code).toBe('TPM_REFUSED');
    await deceived.close();
  });
});

/** Persistent objects that are no keys, or other keys, in the same range of handles. */
async function persistOthers(): Promise<void> {
  await tpm.tool('createprimary -C o -G ecc -c other.ctx');
  await tpm.tool('evictcontrol -C o -c other.ctx 0x81010000');
  await tpm.tool('flushcontext -t');
  tpm.write('data', Buffer.from('sealed'));
  await tpm.tool('create -C 0x81010000 -i data -u sealed.pub -r sealed.priv');
  await tpm.tool('load -C 0x81010000 -u sealed.pub -r sealed.priv -c sealed.ctx');
  await tpm.tool('evictcontrol -C o -c sealed.ctx 0x81010010');
  await tpm.tool('flushcontext -t');
}

test('a certificate of another slot is refused, with what differs', async () => {
  await tpm.use(async ({ pool }) => {
    const certificate = await certificateOf(pool, 'H-3');
    const error = await refusal(async () => use(pool, 'L-1', certificate));
    expect(error.code).toBe('EK_TEMPLATE_MISMATCH');
    expect(error.message).toMatch(
      /L-1 in the key type, the name algorithm, the attributes, the policy, the s/u,
    );
  });
});

test('a certificate of another TPM is refused, with both keys, and nothing is left loaded', async () => {
  const other = await ManufacturedTpm.start();
  try {
    const foreign = await other.use(async ({ pool }) => certificateOf(pool, 'L-1'));
    await tpm.use(async ({ pool, queue }) => {
      const own = await certificateOf(pool, 'L-1');
      const before = await listHandles(queue, 'transient');
      const error = await refusal(async () => use(pool, 'L-1', foreign));
      expect(error.code).toBe('EK_CERTIFICATE_MISMATCH');
      for (const { publicKey } of [own, foreign]) expect(error.message).toContain(publicKey.keyId);
      expect(await listHandles(queue, 'transient')).toEqual(before);
    });
  } finally {
    await other.stop();
  }
});

test('where nothing is persistent the key is made, proved to be that of the certificate, and flushed', async () => {
  const bare = await ManufacturedTpm.start();
  try {
    for (const handle of ['0x81010001', '0x81010016']) await bare.tool(`evictcontrol -C o -c ${handle}`);
    await bare.use(async ({ pool, queue }) => {
      const before = await listHandles(queue, 'transient');
      for (const name of ['L-1', 'H-3']) {
        const certificate = await certificateOf(pool, name);
        const failure = new Error('of the work');
        const work = withEndorsementKey(pool, { slot: slotOf(name), certificate }, async (key) => {
          expect(before).not.toContain(key.handle);
          expect(await listHandles(queue, 'transient')).toContain(key.handle);
          throw failure;
        });
        await expect(work).rejects.toBe(failure);
        expect(await listHandles(queue, 'transient')).toEqual(before);
      }
      expect(await listHandles(queue, 'persistent')).toEqual([]);
    });
  } finally {
    await bare.stop();
  }
});

test('the endorsement hierarchy asks for its authValue', async () => {
  await tpm.tool('changeauth -c e secret');
  try {
    await tpm.use(async ({ pool }) => {
      const slot = slotOf('L-2');
      const error = await refusal(async () => withEndorsementKey(pool, { slot }, async () => undefined));
      expect(error.code).toBe('TPM_REFUSED');
      const endorsement = { kind: 'hmac', authValue: Buffer.from('secret') } as const;
      const made = await withEndorsementKey(pool, { slot, endorsement }, async ({ name }) => name);
      expect(made).toHaveLength(34);
    });
  } finally {
    await tpm.tool('changeauth -c e -p secret');
  }
});

function comparable(template: EndorsementKeyTemplate): unknown {
  const authPolicy = Buffer.from(template.authPolicy).toString('hex');
  return { ...template, authPolicy, attributes: [...template.attributes].sort() };
}

async function use(
  pool: Parameters<typeof withEndorsementKey>[0],
  name: string,
  certificate: Awaited<ReturnType<typeof certificateOf>>,
): Promise<void> {
  await withEndorsementKey(pool, { slot: slotOf(name), certificate }, async () => undefined);
}
