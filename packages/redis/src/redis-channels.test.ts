import { expect, it } from 'vitest';
import { reasonOf } from './redis-channels.ts';

it('reasonOf gives a code word, and never the text of an error', () => {
  const failures: [unknown, string][] = [
    [new Error("OOM command not allowed when used memory > 'maxmemory'."), 'OOM'],
    [Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:6379'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [new Error('Connection is closed.'), 'error'],
    [new Error('redis://user:HUNTER2@10.0.0.1 failed'), 'error'],
    [new Error(''), 'error'],
    ['OOM', 'error'],
    [undefined, 'error'],
  ];
  for (const [error, reason] of failures) expect(reasonOf(error)).toBe(reason);
});
