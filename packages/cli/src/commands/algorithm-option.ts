import { Option } from '@commander-js/extra-typings';
import { keyAlgorithms } from '@countersign/core';

/** `--algorithm`, the same wherever a key is made. */
export function algorithmOption() {
  return new Option('--algorithm <name>', 'key algorithm').choices(keyAlgorithms).default('p256' as const);
}
