import { defineConfig } from 'vitest/config';

const conditions = ['@countersign/source', 'node', 'import', 'module', 'default'];

export default defineConfig({
  root: new URL('.', import.meta.url).pathname,
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: { include: ['*.fixture.ts'] },
});
