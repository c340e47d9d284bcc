import { defineConfig, type Options } from 'tsup';

/** How every package is built: ESM with declarations, one file an entry, dependencies left outside. */
export function libraryOf(entry: Record<string, string>): ReturnType<typeof defineConfig> {
  const options: Options = {
    entry,
    format: 'esm',
    target: 'node22',
    platform: 'node',
    dts: true,
    clean: true,
    sourcemap: true,
    treeshake: true,
  };
  return defineConfig(options);
}

/** A package with one entry. */
export const library: ReturnType<typeof defineConfig> = libraryOf({ index: 'src/index.ts' });
