import {
  CountersignError,
  isPinProtected,
  type CertificateStore,
  type Key,
  type KeyAlgorithm,
  type KeyDescription,
  type KeyProvider,
  type PinProtected,
} from '@countersign/core';
import type { MemoryProvider } from '@countersign/provider-memory';

export type PinKey = Key & PinProtected;
export type StoringProvider = KeyProvider & CertificateStore;

/** A provider whose methods stand for themselves, for overrides to build on. */
export interface RightProvider {
  readonly info: StoringProvider['info'];
  readonly generate: StoringProvider['generate'];
  readonly open: StoringProvider['open'];
  readonly list: StoringProvider['list'];
  readonly destroy: StoringProvider['destroy'];
  readonly close: StoringProvider['close'];
  readonly putCertificate: StoringProvider['putCertificate'];
  readonly getCertificate: StoringProvider['getCertificate'];
  readonly listCertificates: StoringProvider['listCertificates'];
  readonly removeCertificate: StoringProvider['removeCertificate'];
}

/** A key whose methods stand for themselves. */
export interface RightKey extends KeyDescription {
  readonly schemes: PinKey['schemes'];
  readonly locked: boolean;
  readonly sign: PinKey['sign'];
  readonly unlock: PinKey['unlock'];
  readonly lock: PinKey['lock'];
  readonly changePin: PinKey['changePin'];
  readonly retriesLeft: PinKey['retriesLeft'];
}

/** What a broken provider does instead of the right thing. */
export interface Breaks {
  /** Besides P-256. */
  readonly rsa?: boolean;
  /** Overrides of a provider, each time that one is opened. */
  readonly provider?: (right: RightProvider) => Partial<StoringProvider>;
  /** Overrides of a key, each time that one is handed out. */
  readonly key?: (right: RightKey) => Partial<PinKey>;
  /** Members that no contract has. */
  readonly extra?: (key: PinKey) => object;
  readonly withoutCertificates?: boolean;
}

/**
 * A provider over a memory provider, which is the store and stays open: several of these may be opened over it. Right in
 * everything but what the overrides break.
 */
export function wrapProvider(store: MemoryProvider, breaks: Breaks = {}): KeyProvider {
  let closed = false;
  const assertOpen = (): void => {
    if (closed) throw new CountersignError('PROVIDER_CLOSED', 'the provider is closed', 'Open another one.');
  };
  const handOut = (key: Key): PinKey => wrapKey(asPinKey(key), breaks, assertOpen);
  const algorithms: readonly KeyAlgorithm[] = breaks.rsa === true ? ['p256', 'rsa2048'] : ['p256'];
  const certificates: CertificateStore = {
    putCertificate: async (ref, certificate) => (assertOpen(), store.putCertificate(ref, certificate)),
    getCertificate: async (ref) => (assertOpen(), store.getCertificate(ref)),
    listCertificates: async () => (assertOpen(), store.listCertificates()),
    removeCertificate: async (ref) => (assertOpen(), store.removeCertificate(ref)),
  };
  const right: KeyProvider = {
    info: { ...store.info, algorithms },
    generate: async (spec) => {
      assertOpen();
      if (!algorithms.includes(spec.algorithm)) throw algorithmRefused(spec.algorithm);
      return handOut(await store.generate(spec));
    },
    open: async (ref) => (assertOpen(), handOut(await store.open(ref))),
    list: async () => (assertOpen(), store.list()),
    destroy: async (ref) => (assertOpen(), store.destroy(ref)),
    close: async () => {
      closed = true;
    },
  };
  if (breaks.withoutCertificates === true)
    return override(right, breaks.provider?.({ ...right, ...certificates }));
  const whole = { ...right, ...certificates };
  return override(whole, breaks.provider?.({ ...whole }));
}

function wrapKey(key: PinKey, breaks: Breaks, assertOpen: () => void): PinKey {
  const isClosed = (): boolean => {
    try {
      assertOpen();
      return false;
    } catch {
      return true;
    }
  };
  const right = (): RightKey => ({
    ref: key.ref,
    label: key.label,
    algorithm: key.algorithm,
    publicKey: key.publicKey,
    schemes: key.schemes,
    get locked() {
      return isClosed() || key.locked;
    },
    sign: async (scheme, message) => (assertOpen(), key.sign(scheme, message)),
    unlock: async (pin) => (assertOpen(), key.unlock(pin)),
    lock: () => key.lock(),
    changePin: async (current, next) => (assertOpen(), key.changePin(current, next)),
    retriesLeft: async () => (assertOpen(), key.retriesLeft()),
  });
  const broken: PinKey = override(right(), breaks.key?.(right()));
  return breaks.extra === undefined ? broken : override(broken, breaks.extra(broken));
}

/** Getters stay getters. */
function override<T extends object>(right: T, overrides: object = {}): T {
  return Object.defineProperties(right, Object.getOwnPropertyDescriptors(overrides));
}

function asPinKey(key: Key): PinKey {
  if (isPinProtected(key)) return key;
  throw new Error('the store made a key without a PIN');
}

function algorithmRefused(algorithm: string): CountersignError {
  return new CountersignError(
    'ALGORITHM_NOT_SUPPORTED',
    `no keys of the algorithm ${algorithm} are made here`,
    'Choose one of those that info states.',
  );
}
