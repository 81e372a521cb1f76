import {
  CountersignError,
  KeyCustody,
  keyStates,
  type ErrorCode,
  type KeyInCustody,
  type KeyState,
} from '@countersign/core';
import { FileKeyRecords } from '@countersign/state';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, certificateFor, pin, providers, temporaryDirectory, type Provider } from './providers.ts';

const steps = ['install', 'suspend', 'resume', 'deactivate', 'compromise', 'destroy'] as const;
type Step = (typeof steps)[number];

/** SP 800-57 part 1 rev. 5, figure 3: what each step leads to. Steps that are not named are refused. */
const legal: Readonly<Record<KeyState, Partial<Readonly<Record<Step, KeyState>>>>> = {
  'pre-activation': { install: 'active', compromise: 'compromised', destroy: 'destroyed' },
  active: {
    install: 'active',
    suspend: 'suspended',
    deactivate: 'deactivated',
    compromise: 'compromised',
    destroy: 'destroyed',
  },
  suspended: {
    resume: 'active',
    deactivate: 'deactivated',
    compromise: 'compromised',
    destroy: 'destroyed',
  },
  deactivated: { compromise: 'compromised', destroy: 'destroyed' },
  compromised: { destroy: 'destroyed' },
  destroyed: {},
};

const ways: Readonly<Record<KeyState, readonly Step[]>> = {
  'pre-activation': [],
  active: ['install'],
  suspended: ['install', 'suspend'],
  deactivated: ['install', 'deactivate'],
  compromised: ['compromise'],
  destroyed: ['destroy'],
};

describe.each(Object.entries(providers))('the keys of %s', (_, makeProvider) => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let provider: Provider;
  let stop: () => Promise<void>;
  let custody: KeyCustody;

  beforeAll(async () => {
    folder = await temporaryDirectory();
    ({ provider, stop } = await makeProvider(folder.path));
    custody = new KeyCustody({ provider, records: new FileKeyRecords(folder.path), clock: () => at });
  });
  afterAll(async () => {
    await stop();
    await folder.remove();
  });

  const everyStep = keyStates.flatMap((from) =>
    steps.map((step) => [from, step, legal[from][step]] as const),
  );

  test.each(everyStep)('%s, %s: %s', async (from, step, to) => {
    const key = await keyIn(from);
    const before = await custody.findRecord(key.keyId);
    expect(before?.history.state).toBe(from);
    const outcome = await codeOf(async () => take(key, step));
    const after = await custody.findRecord(key.keyId);
    if (to === undefined) {
      expect(outcome).toBe(from === 'destroyed' ? 'KEY_NOT_FOUND' : 'KEY_STATE_FORBIDS');
      expect(after).toEqual(before);
    } else {
      expect(outcome).toBe('done');
      expect(after?.history.state).toBe(to);
      if (step !== 'install')
        expect(after?.history.transitions.at(-1)).toEqual({ to, at, reason: 'because' });
    }
    const isThere = (await provider.list()).some(({ ref }) => ref === key.ref);
    expect(isThere).toBe(after?.history.state !== 'destroyed');
    if (to === 'destroyed') expect(after?.destruction).toBe(provider.info.destruction);
  });

  test('a key that no record tells of signs nothing until it is adopted', async () => {
    const { ref } = await provider.generate({ algorithm: 'p256', label: 'stranger', pin });
    expect(await codeOf(async () => custody.open(ref))).toBe('KEY_NOT_RECORDED');
    expect(await codeOf(async () => custody.suspend(ref, 'because'))).toBe('KEY_NOT_RECORDED');
    expect(await codeOf(async () => custody.rotate(ref, { algorithm: 'p256', pin }))).toBe(
      'KEY_NOT_RECORDED',
    );
    expect((await custody.reconcile()).unrecorded).toEqual([ref]);
    await custody.adopt(ref, 'made before there were records');
    expect((await custody.describe(ref)).record?.history.state).toBe('pre-activation');
    expect(await codeOf(async () => custody.adopt(ref, 'again'))).toBe('KEY_STATE_FORBIDS');
    expect((await custody.reconcile()).unrecorded).toEqual([]);
  });

  test('a rotation keeps the old key active until the new certificate is installed', async () => {
    const old = await keyIn('active');
    const successor = await custody.rotate(old.ref, { algorithm: 'p256', label: 'successor', pin });
    const { keyId } = await custody.describe(successor.ref);
    expect(await statesOf(old.keyId, keyId)).toEqual(['active', 'pre-activation']);
    expect((await custody.findRecord(keyId))?.replaces).toBe(old.keyId);
    // One successor at a time.
    const keysBefore = (await provider.list()).length;
    expect(await codeOf(async () => custody.rotate(old.ref, { algorithm: 'p256', pin }))).toBe(
      'KEY_STATE_FORBIDS',
    );
    expect(await provider.list()).toHaveLength(keysBefore);
    const another = await certificateFor(provider, old.ref);
    expect(await codeOf(async () => custody.installCertificate(successor.ref, another.der))).toBe(
      'CERTIFICATE_KEY_MISMATCH',
    );
    expect(await statesOf(old.keyId, keyId)).toEqual(['active', 'pre-activation']);
    await custody.installCertificate(successor.ref, (await certificateFor(provider, successor.ref)).der);
    expect(await statesOf(old.keyId, keyId)).toEqual(['deactivated', 'active']);
    expect((await custody.findRecord(old.keyId))?.history.transitions.at(-1)?.reason).toContain(keyId);
  });

  test.each(['pre-activation', 'deactivated', 'compromised'] as const)(
    'a key that is %s is not rotated',
    async (from) => {
      const { ref } = await keyIn(from);
      expect(await codeOf(async () => custody.rotate(ref, { algorithm: 'p256', pin }))).toBe(
        'KEY_STATE_FORBIDS',
      );
    },
  );

  test('a replaced key that was compromised meanwhile stays so', async () => {
    const old = await keyIn('active');
    const { ref } = await custody.rotate(old.ref, { algorithm: 'p256', pin });
    await custody.compromise(old.ref, 'found on a stick');
    await custody.installCertificate(ref, (await certificateFor(provider, ref)).der);
    expect((await custody.findRecord(old.keyId))?.history.state).toBe('compromised');
  });

  test('states outlive the custodian', async () => {
    const { ref, keyId } = await keyIn('suspended');
    const again = new KeyCustody({ provider, records: new FileKeyRecords(folder.path) });
    expect((await again.describe(ref)).record).toEqual(await custody.findRecord(keyId));
    expect((await again.list()).find((key) => key.keyId === keyId)?.record?.history.state).toBe('suspended');
  });

  async function keyIn(state: KeyState): Promise<KeyInCustody> {
    const { ref } = await custody.generate({ algorithm: 'p256', label: state, pin });
    const key = await custody.describe(ref);
    for (const step of ways[state]) await take(key, step);
    return key;
  }

  async function take({ ref }: KeyInCustody, step: Step): Promise<void> {
    if (step === 'install') {
      await custody.installCertificate(ref, (await certificateFor(provider, ref)).der);
    } else {
      await custody[step](ref, 'because');
    }
  }

  async function statesOf(...keyIds: readonly string[]): Promise<(KeyState | undefined)[]> {
    return Promise.all(keyIds.map(async (keyId) => (await custody.findRecord(keyId))?.history.state));
  }
});

async function codeOf(work: () => Promise<unknown>): Promise<ErrorCode | 'done'> {
  try {
    await work();
    return 'done';
  } catch (error) {
    if (error instanceof CountersignError) return error.code;
    throw error;
  }
}
