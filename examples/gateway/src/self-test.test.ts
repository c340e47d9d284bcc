import { expect, it } from 'vitest';
import { runSelfTest } from './self-test.ts';

it('ends all eight sessions as they must end', async () => {
  const lines: string[] = [];
  expect(await runSelfTest((line) => lines.push(line)), lines.join('\n')).toBe(true);
  expect(lines.filter((line) => line.startsWith('✓'))).toHaveLength(8);
});
