import { CountersignError } from '../errors.ts';

/** The states of a key pair (NIST SP 800-57 part 1 rev. 5, 7). */
export const keyStates = [
  'pre-activation',
  'active',
  'suspended',
  'deactivated',
  'compromised',
  'destroyed',
] as const;

export type KeyState = (typeof keyStates)[number];

export interface KeyTransition {
  readonly to: KeyState;
  readonly at: Date;
  /** Why, in a few words: `generated`, `certificate installed`, … */
  readonly reason: string;
}

/** A key's life so far: never empty, begun in pre-activation, every step a legal one. */
export class KeyHistory {
  readonly transitions: readonly [KeyTransition, ...KeyTransition[]];

  private constructor(transitions: readonly [KeyTransition, ...KeyTransition[]]) {
    this.transitions = transitions;
  }

  /** A key that was just generated, or adopted: it exists, but nothing may rest on it yet. */
  static begin(at: Date, reason = 'generated'): KeyHistory {
    return new KeyHistory([{ to: 'pre-activation', at, reason }]);
  }

  /**
   * Rebuilds a history from what was kept.
   * @throws CountersignError `KEY_STATE_FORBIDS` if it is empty, starts elsewhere or has an illegal step
   */
  static from(transitions: readonly KeyTransition[]): KeyHistory {
    const [first, ...rest] = transitions;
    if (first?.to !== 'pre-activation') throw forbidden(undefined, first?.to ?? 'nothing');
    return rest.reduce(
      (history, { to, at, reason }) => history.moveTo(to, at, reason),
      new KeyHistory([first]),
    );
  }

  get state(): KeyState {
    return (this.transitions.at(-1) ?? this.transitions[0]).to;
  }

  /** @throws CountersignError `KEY_STATE_FORBIDS` if SP 800-57 has no such transition */
  moveTo(to: KeyState, at: Date, reason: string): KeyHistory {
    if (!legalTransitions[this.state].includes(to)) throw forbidden(this.state, to);
    return new KeyHistory([...this.transitions, { to, at, reason }]);
  }
}

/** SP 800-57 part 1 rev. 5, figure 3. */
const legalTransitions: Readonly<Record<KeyState, readonly KeyState[]>> = {
  'pre-activation': ['active', 'compromised', 'destroyed'],
  active: ['suspended', 'deactivated', 'compromised', 'destroyed'],
  suspended: ['active', 'deactivated', 'compromised', 'destroyed'],
  deactivated: ['compromised', 'destroyed'],
  compromised: ['destroyed'],
  destroyed: [],
};

function forbidden(from: KeyState | undefined, to: string): CountersignError {
  return new CountersignError(
    'KEY_STATE_FORBIDS',
    from === undefined
      ? `a key's history begins with ${to}; expected pre-activation`
      : `a key that is ${from} cannot become ${to}; it can become ${legalTransitions[from].join(', ') || 'nothing else'}`,
    'Use another key, or take the steps in between.',
  );
}
