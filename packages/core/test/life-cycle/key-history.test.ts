import { KeyHistory, keyStates, type KeyState, type KeyTransition } from '@countersign/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { refusal, verdict } from '../encodings/refusal.ts';

/** SP 800-57 part 1 rev. 5, figure 3 and 7.1 to 7.6, transition by transition. */
const legal: ReadonlySet<string> = new Set([
  'pre-activation destroyed', // 2
  'pre-activation compromised', // 3
  'pre-activation active', // 4
  'active destroyed', // 5
  'active compromised', // 6
  'active suspended', // 7
  'active deactivated', // 8
  'suspended destroyed', // 9
  'suspended compromised', // 10
  'suspended active', // 11
  'suspended deactivated', // 12
  'deactivated destroyed', // 13
  'deactivated compromised', // 14
  'compromised destroyed', // 15
]);

/** A shortest legal way from pre-activation to each state. */
const ways: Readonly<Record<KeyState, readonly KeyState[]>> = {
  'pre-activation': [],
  active: ['active'],
  suspended: ['active', 'suspended'],
  deactivated: ['active', 'deactivated'],
  compromised: ['compromised'],
  destroyed: ['destroyed'],
};

const start = new Date('2026-01-01T00:00:00Z');

function historyIn(state: KeyState): KeyHistory {
  return ways[state].reduce(
    (history, to) => history.moveTo(to, start, 'on the way'),
    KeyHistory.begin(start),
  );
}

const pairs = keyStates.flatMap((from) => keyStates.map((to) => [from, to] as const));

test.each(pairs)('from %s to %s', (from, to) => {
  const history = historyIn(from);
  const at = new Date('2026-02-03T04:05:06Z');
  const isLegal = legal.has(`${from} ${to}`);
  if (isLegal) {
    const moved = history.moveTo(to, at, 'because');
    expect(moved.state).toBe(to);
    expect(moved.transitions.at(-1)).toEqual({ to, at, reason: 'because' });
    expect(moved.transitions.slice(0, -1)).toEqual(history.transitions);
  } else {
    const error = refusal(() => history.moveTo(to, at, 'because'));
    expect(error.code).toBe('KEY_STATE_FORBIDS');
    expect(error.message).toContain(`a key that is ${from} cannot become ${to}`);
  }
  // A history is a value: it does not change under whoever holds it.
  expect(history.state).toBe(from);
  expect(history.transitions).toHaveLength(1 + ways[from].length);
});

test('fourteen transitions are legal, and nothing follows destruction', () => {
  const taken = pairs.filter(
    ([from, to]) => verdict(() => historyIn(from).moveTo(to, start, 'because')) === 'taken',
  );
  expect(taken).toHaveLength(14);
  expect(taken.some(([from]) => from === 'destroyed')).toBe(false);
  expect(refusal(() => historyIn('destroyed').moveTo('active', start, 'because')).message).toContain(
    'it can become nothing else',
  );
});

test('a history begins with generation, in pre-activation', () => {
  const history = KeyHistory.begin(start);
  expect(history.state).toBe('pre-activation');
  expect(history.transitions).toEqual([{ to: 'pre-activation', at: start, reason: 'generated' }]);
});

test('random walks: a step is taken if and only if it is legal, and what was kept reads back', () => {
  const step = fc.record<KeyTransition>({
    to: fc.constantFrom(...keyStates),
    at: fc.date({ noInvalidDate: true }),
    reason: fc.string(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let history = KeyHistory.begin(start);
      const taken: KeyTransition[] = [...history.transitions];
      for (const { to, at, reason } of steps) {
        const isLegal = legal.has(`${history.state} ${to}`);
        expect(verdict(() => history.moveTo(to, at, reason)) === 'taken').toBe(isLegal);
        if (!isLegal) continue;
        history = history.moveTo(to, at, reason);
        taken.push({ to, at, reason });
      }
      expect(history.transitions).toEqual(taken);
      const kept = KeyHistory.from(history.transitions);
      expect([kept.state, kept.transitions]).toEqual([history.state, history.transitions]);
    }),
    { numRuns: 500 },
  );
});

test('a kept history that is empty, begins elsewhere or has an illegal step is refused', () => {
  expect(KeyHistory.from(stepsTo('pre-activation', 'active', 'destroyed')).state).toBe('destroyed');
  for (const wrong of [
    stepsTo(),
    stepsTo('active'),
    stepsTo('destroyed'),
    stepsTo('active', 'destroyed'),
    stepsTo('pre-activation', 'pre-activation'),
    stepsTo('pre-activation', 'suspended'),
    stepsTo('pre-activation', 'active', 'destroyed', 'active'),
    stepsTo('pre-activation', 'compromised', 'active'),
  ]) {
    expect(verdict(() => KeyHistory.from(wrong))).toBe('KEY_STATE_FORBIDS');
  }
  expect(refusal(() => KeyHistory.from([])).message).toContain(
    'begins with nothing; expected pre-activation',
  );
});

function stepsTo(...states: readonly KeyState[]): KeyTransition[] {
  return states.map((state) => ({ to: state, at: start, reason: 'kept' }));
}
