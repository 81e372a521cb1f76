import { constants, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import type {
  LoadedTrialKey,
  TpmFacts,
  TpmLockout,
  TpmUnderTest,
  TrialKey,
  TrialKeySpec,
} from '@countersign/conformance';
import { CountersignError, PublicKey, TpmPublicArea } from '@countersign/core';

/** What a fake TPM does otherwise than a right one. */
export interface Faults {
  readonly lockout?: Partial<TpmLockout>;
  readonly facts?: Partial<Omit<TpmFacts, 'lockout' | 'identity'>>;
  readonly identity?: Partial<TpmFacts['identity']>;
  readonly random?: (most: number) => Uint8Array;
  /** SubjectPublicKeyInfo of the RSA key that is made at this turn. */
  readonly rsaKey?: (turn: number) => KeyObject;
  readonly saltLength?: number;
  readonly signature?: (made: Buffer) => Buffer;
  readonly attributes?: readonly ('fixedTPM' | 'sign' | 'decrypt' | 'userWithAuth')[];
  /** Counts a wrong PIN, or does not. */
  readonly countsWrongPins?: boolean;
  readonly forgetsOnSuccess?: boolean;
  readonly leaves?: readonly number[];
  readonly operation?: (name: string) => void | Promise<void>;
}

const rightLockout: TpmLockout = {
  locked: false,
  failedTries: 0,
  maxTries: 32,
  recoverySeconds: 600,
  lockoutRecoverySeconds: 86_400,
  administratorSet: true,
  resettable: true,
};

interface FakeKey extends TrialKey {
  readonly privateKey: KeyObject;
  readonly pin: Uint8Array | undefined;
}

/** A TPM in a few lines of node:crypto, right unless it is told otherwise. It cannot be attested. */
export function fakeTpm(faults: Faults = {}): TpmUnderTest {
  const keys = new Map<TrialKey, FakeKey>();
  let failedTries = faults.lockout?.failedTries ?? 0;
  let made = 0;
  let closed = false;
  const maxTries = faults.lockout?.maxTries ?? rightLockout.maxTries;
  const trace = async (name: string): Promise<void> => faults.operation?.(name);
  const keyOf = (key: TrialKey): FakeKey => {
    const found = keys.get(key);
    if (found === undefined) throw new Error('a key of another TPM');
    return found;
  };
  const attestationMissing = new CountersignError('TPM_REFUSED', 'not here', 'Ask a real one.');
  return {
    description: 'tpm:fake',
    restart: undefined,
    open: async () => trace('open'),
    async facts() {
      await trace('facts');
      return factsOf(faults);
    },
    async holdings() {
      await trace('holdings');
      const handles = { persistent: [], nvIndex: [], loadedSession: [], savedSession: [] };
      return { handles: { ...handles, transient: closed ? (faults.leaves ?? []) : [] }, failedTries };
    },
    roundTrip: async () => trace('roundTrip'),
    async random(most) {
      await trace('random');
      return (faults.random ?? randomBytes)(most);
    },
    async createKey(spec) {
      await trace('createKey');
      const key = createFakeKey(spec, faults, spec.algorithm === 'rsa2048' ? made++ : 0);
      keys.set(key, key);
      return key;
    },
    async withKey(key, work) {
      await trace('withKey');
      return work(signerOf(keyOf(key), faults));
    },
    async tryPin(key, pin) {
      if (failedTries >= maxTries) return 'locked';
      if (Buffer.compare(keyOf(key).pin ?? Buffer.alloc(0), pin) === 0) {
        if (faults.forgetsOnSuccess === true) failedTries = 0;
        return 'accepted';
      }
      if (faults.countsWrongPins !== false) failedTries += 1;
      return 'refused';
    },
    async resetLockout() {
      failedTries = 0;
    },
    endorsementCertificates: async () => [],
    endorsementChain: async () => [],
    endorsementKey: async () => Promise.reject(attestationMissing),
    createAttestationKey: async () => Promise.reject(attestationMissing),
    certify: async () => Promise.reject(attestationMissing),
    activate: async () => Promise.reject(attestationMissing),
    saveKey: () => '',
    restoreKey: () => {
      throw attestationMissing;
    },
    async close() {
      closed = true;
    },
  };
}

function factsOf({ lockout, facts, identity }: Faults): TpmFacts {
  return {
    identity: {
      manufacturer: 'IBM',
      manufacturerName: 'IBM',
      vendorString: 'FAKE',
      firmware: '1.2.3.4',
      family: '2.0',
      specificationRevision: '1.59',
      specificationDate: '2019-11-08',
      ...identity,
    },
    algorithms: new Set(
      'RSA RSASSA RSAPSS OAEP ECC ECDSA ECDH SHA256 SHA384 SHA512 HMAC KEYEDHASH AES CFB'.split(' '),
    ),
    curves: new Set(['NIST_P256', 'NIST_P384']),
    rsaKeyBits: [2048],
    resetCount: 1,
    parent: 'persistent',
    ...facts,
    lockout: { ...rightLockout, ...lockout },
  };
}

const attributes = ['fixedTPM', 'fixedParent', 'sensitiveDataOrigin', 'userWithAuth', 'sign'] as const;

function createFakeKey(spec: TrialKeySpec, faults: Faults, turn: number): FakeKey {
  const pair =
    spec.algorithm === 'rsa2048'
      ? rsaPairs[turn % rsaPairs.length]
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (pair === undefined) throw new Error('there is no RSA key');
  const published =
    spec.algorithm === 'rsa2048' && faults.rsaKey !== undefined ? faults.rsaKey(turn) : pair.publicKey;
  const area = TpmPublicArea.of({
    publicKey: PublicKey.parse(published.export({ format: 'der', type: 'spki' })),
    nameAlgorithm: 'sha256',
    attributes: faults.attributes ?? attributes,
    symmetric: undefined,
    scheme: undefined,
  });
  return {
    publicArea: area.bytes,
    madeInMs: 1,
    privateKey: pair.privateKey,
    pin: spec.pin && Uint8Array.from(spec.pin),
  };
}

/** Their making is slow, and nothing here depends on it. */
const rsaPairs = Array.from({ length: 3 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }));

function signerOf({ privateKey }: FakeKey, faults: Faults): LoadedTrialKey {
  return {
    sign: async (scheme, message) => {
      await faults.operation?.('sign');
      const hash = scheme.slice(-6);
      const options = scheme.startsWith('rsa-pss')
        ? {
            padding: constants.RSA_PKCS1_PSS_PADDING,
            saltLength: faults.saltLength ?? constants.RSA_PSS_SALTLEN_DIGEST,
          }
        : {};
      const made = sign(hash, message, { key: privateKey, ...options });
      return (faults.signature ?? ((right: Buffer) => right))(made);
    },
  };
}
