import { readdirSync } from 'node:fs';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** One vitest project a workspace folder, so that a failure names its package. */
const folders = ['packages', 'examples', 'test'].flatMap((parent) =>
  readdirSync(new URL(parent, import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${parent}/${entry.name}`),
);

export default defineConfig({
  // Tests run on the sources: no build stands between an edit and its test.
  ssr: { resolve: { conditions: ['@postern/source', ...defaultServerConditions] } },
  test: {
    passWithNoTests: true,
    testTimeout: 20_000,
    // A real server under load takes its time to start.
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      // Relative to the project's own root, so that a run of one project counts too.
      include: ['**/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/index.ts', 'test/**', 'examples/**'],
      reporter: ['text-summary', 'json-summary', 'html'],
    },
    projects: folders.map((folder) => ({
      extends: true,
      // A package goes by its folder's name, everything else by its path: `core`, `examples/gateway`.
      test: { name: folder.replace(/^packages\//, ''), root: folder, include: ['src/**/*.test.ts'] },
    })),
  },
});
