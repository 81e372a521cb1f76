export { createMemoryProvider, type MemoryProvider, type MemoryProviderOptions } from './memory-provider.ts';
export { formatMemoryUri, parseMemoryUri, type MemoryUri } from './memory-uri.ts';
export type { LockoutOptions } from './lockout.ts';
export type { ScryptCost } from './scrypt-cost.ts';
