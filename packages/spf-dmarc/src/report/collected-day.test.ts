import { describe, expect, it } from 'vitest';
import { CollectedDay, CollectedSize } from './collected-day.ts';
import { mailto, recordOf } from './test-record.ts';

const bounds = { maxDomains: 100, maxRows: 100, maxRowsPerDomain: 100, maxBytes: 100_000 };

function emptyDay(changes: Partial<typeof bounds> = {}): { readonly day: CollectedDay; readonly size: CollectedSize } {
  const size = new CollectedSize();
  return { day: new CollectedDay({ ...bounds, ...changes }, size), size };
}

const long = (letter: string) => mailto(`${letter.repeat(2_000)}@example.com`);

describe('CollectedDay', () => {
  it('counts the addresses for reports as memory: whoever publishes a record decides how long they are', () => {
    const { day, size } = emptyDay();
    const rua = Array.from({ length: 20 }, (_, index) => long(String.fromCharCode(97 + index)));
    expect(day.add({ ...recordOf('a.example'), rua: [mailto('a@a.example')] }, 1)).toBe(true);
    expect(size.bytes).toBeLessThan(5_000);
    expect(day.add({ ...recordOf('b.example'), rua }, 1)).toBe(false);
    expect(day.index).toMatchObject({ dropped: 1, domains: new Map([['a.example', 1]]) });
    expect(day.add({ ...recordOf('a.example'), rua }, 1)).toBe(false);
    const [[, counts] = []] = [...day.changes()];
    expect(counts).toMatchObject({ dropped: 1, messages: 1, rua: [{ address: 'a@a.example' }] });
    expect(size.bytes).toBeLessThan(5_000);
  });

  it('gives back what former addresses took', () => {
    const { day, size } = emptyDay();
    day.add({ ...recordOf('a.example'), rua: [mailto('a@a.example')] }, 1);
    const before = size.bytes;
    for (const letter of ['b', 'c', 'd']) {
      day.add({ ...recordOf('a.example'), rua: [long(letter)] }, 1);
      expect(size.bytes).toBeGreaterThan(before + 4_000);
      expect(size.bytes).toBeLessThan(before + 10_000);
    }
    day.add({ ...recordOf('a.example'), rua: [mailto('e@a.example')] }, 1);
    expect(size.bytes).toBe(before);
    day.drop();
    expect(size).toMatchObject({ domains: 0, rows: 0, bytes: 0 });
  });

  it('keeps no more addresses than are read of a record, and no more errors than an owner reads', () => {
    const { day } = emptyDay();
    const rua = Array.from({ length: 50 }, (_, index) => mailto(`a${index}@a.example`));
    for (let index = 0; index < 50; index++) {
      day.add({ ...recordOf('a.example'), rua, errors: [`${index}`.repeat(500)] }, 1);
    }
    const [[, counts] = []] = [...day.changes()];
    expect(counts?.rua).toHaveLength(20);
    expect(counts?.errors).toHaveLength(10);
    for (const error of counts?.errors ?? []) expect(error).toHaveLength(200);
  });

  it('takes whatever text is in a record', () => {
    const { day, size } = emptyDay();
    for (let index = 0; index < 3; index++) day.add(recordOf('\ud800.example'), 1);
    expect(size).toMatchObject({ domains: 1, rows: 1 });
  });
});
