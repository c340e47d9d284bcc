import { defineConfig } from 'tsup';

/** How every package is built: ESM with declarations, one file, dependencies left outside. */
export const library = defineConfig({
  entry: ['src/index.ts'],
  format: 'esm',
  target: 'node22',
  platform: 'node',
  dts: true,
  clean: true,
  sourcemap: true,
  treeshake: true,
});
