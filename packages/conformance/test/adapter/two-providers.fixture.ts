import { describeConformance } from '@countersign/conformance/vitest';
import { createMemoryProvider } from '@countersign/provider-memory';
import { pins } from '../targets.ts';
import { wrapProvider, type Breaks } from '../broken/wrapped-provider.ts';

const store = await createMemoryProvider({ sealing: { scryptCost: { N: 16, r: 1, p: 1 } } });
const targetOf = (breaks: Breaks) => ({
  description: 'memory',
  open: async () => wrapProvider(store, breaks),
  keepsKeys: true,
  ...pins,
});

describeConformance('right', targetOf({}));
describeConformance('broken', async () => targetOf({ key: () => ({ label: 'always the same' }) }));
