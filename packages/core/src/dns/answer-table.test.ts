import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerTable } from './answer-table.ts';
import { CachedAnswer } from './cached-answer.ts';
import type { RecordType } from './resolver.ts';

function entryOf<T extends RecordType>(type: T): CachedAnswer<T> {
  return new CachedAnswer(type, { kind: 'nodata', ttl: 60, authentic: false }, 0, 60_000, 60_000);
}

function textOf(length: number): CachedAnswer<'TXT'> {
  const records = ['x'.repeat(length)];
  return new CachedAnswer('TXT', { kind: 'records', records, ttl: 60, authentic: false }, 0, 60_000, 60_000);
}

describe('AnswerTable', () => {
  it('keeps the types of a name apart', () => {
    const table = new AnswerTable(100, 100_000);
    const entries = (['A', 'MX', 'TXT'] as const).map(entryOf);
    for (const entry of entries) table.set('a.example', entry);
    for (const entry of entries) expect(table.get('a.example', entry.type)).toBe(entry);
    expect(table.get('a.example', 'AAAA')).toBeUndefined();
    expect(table.get('b.example', 'A')).toBeUndefined();

    const other = entryOf('MX');
    table.set('a.example', other);
    expect(table.get('a.example', 'MX')).toBe(other);
    table.delete('a.example', 'A');
    expect(table.get('a.example', 'A')).toBeUndefined();
    expect(table.get('a.example', 'TXT')).toBe(entries[2]);
    expect(table.entries).toBe(2);
  });

  it('takes an entry that has grown anew', () => {
    const table = new AnswerTable(100, 100_000);
    const entry = entryOf('A');
    table.set('a.example', entry);
    const { bytes } = table;
    entry.fail({ kind: 'failure', reason: 'timeout', detail: 'x'.repeat(500) }, 0);
    table.set('a.example', entry);
    expect(table.entries).toBe(1);
    expect(table.bytes - bytes).toBeGreaterThan(500);
  });

  it('forgets a name whose answers are larger than all of it, and no other', () => {
    const table = new AnswerTable(100, 10_000);
    table.set('a.example', entryOf('A'));
    table.set('b.example', entryOf('A'));
    table.set('a.example', textOf(20_000));
    expect(table.entries).toBe(1);
    expect(table.get('a.example', 'TXT')).toBeUndefined();
    expect(table.get('b.example', 'A')).toBeDefined();
  });

  it('does not keep the messages alive that names were cut from', () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const used = (): number => {
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = used();
    const table = new AnswerTable(100, 100_000);
    for (let index = 10; index < 60; index++) {
      const message = Buffer.from(`<host${index}.example>${'x'.repeat(1_000_000)}`).toString('latin1');
      table.set(message.slice(1, 15), entryOf('A'));
    }
    expect(used() - before).toBeLessThan(10_000_000);
    expect(table.entries).toBe(50);
  });

  it('never holds more than its bounds, and counts what it holds', () => {
    const types = ['A', 'MX', 'TXT'] as const;
    const command = fc.record({
      name: fc.integer({ min: 0, max: 12 }).map((index) => `host${index}.example`),
      type: fc.constantFrom(...types),
      length: fc.constantFrom(0, 10, 500, 5_000),
      remove: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.nat(20), fc.nat(12_000), fc.array(command, { maxLength: 100 }), (more, bytes, commands) => {
        const table = new AnswerTable(more + 1, bytes + 1);
        for (const { name, type, length, remove } of commands) {
          if (remove) table.delete(name, type);
          else table.set(name, type === 'TXT' ? textOf(length) : entryOf(type));
          const held = Array.from({ length: 13 }, (_, index) =>
            types.filter((each) => table.get(`host${index}.example`, each) !== undefined),
          ).flat();
          expect(table.entries).toBe(held.length);
          expect(table.entries).toBeLessThanOrEqual(more + 1);
          expect(table.bytes).toBeLessThanOrEqual(bytes + 1);
          expect(table.bytes > 0).toBe(held.length > 0);
        }
      }),
    );
  });
});
