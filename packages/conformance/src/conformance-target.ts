import type { KeyAlgorithm, KeyProvider } from '@countersign/core';

/** A provider to be tried, and what the kit has to know of it. The kit touches no key that it did not make. */
export interface ConformanceTarget {
  /** For people: provider, device, firmware. */
  readonly description: string;
  /** A provider over the same store each time. Each one that the kit opens it closes. */
  open(): Promise<KeyProvider>;
  /** Whether keys outlast the provider that made them; if not, what `open` gives is empty each time. */
  readonly keepsKeys: boolean;
  /** Whether the device takes one provider at a time, so that cases with two cannot be tried. Default false. */
  readonly exclusive?: boolean;
  /** The PIN that keys are made with, UTF-8; absent: they are made without one. The kit works on copies. */
  readonly pin?: Uint8Array;
  /** A PIN that is not right and could be. */
  readonly wrongPin?: Uint8Array;
  /** A PIN to change to and back from; without it no PIN is changed. */
  readonly otherPin?: Uint8Array;
  /**
   * What `retriesLeft` can tell: the exact number; the least it can be (PKCS #11 has two flags); or nothing, because no
   * number of wrong PINs locks. Default `exact`.
   */
  readonly tries?: 'exact' | 'least' | 'unlimited';
  /** What makes wrong PINs forgotten: time alone, or the right PIN too. Not tried if absent. */
  readonly wrongPinsForgotten?: 'with-time' | 'with-right-pin';
  /** A reference that matches every key with this label. Default `<scheme>:object=<label, percent-encoded>`. */
  readonly referenceByLabel?: (label: string) => string;
  /** A well-formed reference to a place that this provider does not have. Not tried if absent. */
  readonly referenceElsewhere?: string;
  /** Whether ECDSA signatures over one message are the same (RFC 6979). Default false. */
  readonly deterministicEcdsa?: boolean;
  /** Whether the run may end with the PIN locked. Default false. */
  readonly allowLockout?: boolean;
  /** Whether keys that the kit made may be destroyed; if not, they stay. Default true. */
  readonly allowDestructive?: boolean;
  /** Algorithms that are not tried though the provider states them, as they would take too long. */
  readonly skipAlgorithms?: readonly KeyAlgorithm[];
  /** Cases that the device cannot pass, by id, and why: they are not run, and reported as not supported for that reason. */
  readonly notSupported?: Readonly<Record<string, string>>;
  readonly endurance?: EnduranceCounts;
}

export interface EnduranceCounts {
  /** Signatures in a row; default 400. 0: none. */
  readonly signatures?: number;
  /** Keys made and destroyed in a row; default 8. 0: none. */
  readonly keys?: number;
  /** Providers opened, used and closed in a row; default 6. 0: none. */
  readonly providers?: number;
}
