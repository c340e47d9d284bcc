import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Zone } from './zone.ts';
import { ZoneResolver } from './zone-resolver.ts';

it('answers as core says', async () => {
  const resolver = new ZoneResolver({
    'example.com': { MX: ['10 mx.example.com'], ttl: 60, authentic: true },
    'www.example.com': { CNAME: 'example.com' },
    'slow.example': 'timeout',
  });
  expect(await resolver.resolve('Example.com.', 'MX')).toEqual({
    kind: 'records',
    records: [{ preference: 10, exchange: 'mx.example.com' }],
    ttl: 60,
    authentic: true,
  });
  expect(await resolver.resolve('www.example.com', 'MX')).toMatchObject({ canonicalName: 'example.com', ttl: 60 });
  expect(await resolver.resolve('example.com', 'A')).toEqual({ kind: 'nodata', ttl: 0, authentic: true });
  expect(await resolver.resolve('example.org', 'A')).toEqual({ kind: 'nxdomain', ttl: 0, authentic: false });
  expect(await resolver.resolve('slow.example', 'A')).toEqual({
    kind: 'failure',
    reason: 'timeout',
    detail: 'Looking up slow.example A ended in timeout.',
  });
});

it.each(['a..b', '.a', `${'x'.repeat(64)}.example`, `${'x.'.repeat(127)}xx`, 'a\tb', 'a\0b', 'grün.example'])(
  'cannot ask %j',
  async (name) => {
    const resolver = new ZoneResolver();
    expect(await resolver.resolve(name, 'A')).toMatchObject({ kind: 'failure', reason: 'malformed' });
    expect(resolver.queries.count()).toBe(0);
  },
);

it('rejects only for a mistake in the program', async () => {
  const resolver = new ZoneResolver();
  const resolve = (...args: unknown[]): Promise<unknown> => Reflect.apply(resolver.resolve, resolver, args);
  await expect(resolve(1, 'A')).rejects.toThrow(TypeError);
  await expect(resolve('a', 'a')).rejects.toThrow(TypeError);
  await expect(resolve('a', 'constructor')).rejects.toThrow(TypeError);
  await expect(resolve('a', 'A', 5)).rejects.toThrow(TypeError);
  await expect(resolve('a', 'A', { signal: {} })).rejects.toThrow(TypeError);
});

it('counts what it was asked', async () => {
  const resolver = new ZoneResolver();
  await resolver.resolve('A.example', 'A');
  await resolver.resolve('a.example.', 'TXT', { fresh: true });
  await resolver.resolve('b.example', 'A');
  expect([...resolver.queries]).toEqual([
    { name: 'a.example', type: 'A', fresh: false },
    { name: 'a.example', type: 'TXT', fresh: true },
    { name: 'b.example', type: 'A', fresh: false },
  ]);
  expect(resolver.queries.count()).toBe(3);
  expect(resolver.queries.count('A.example.')).toBe(2);
  expect(resolver.queries.count('a.example', 'TXT')).toBe(1);
  expect(resolver.queries.count(undefined, 'A')).toBe(2);
  resolver.queries.clear();
  expect(resolver.queries.entries).toEqual([]);
});

it('keeps the newest questions only', async () => {
  const { queries } = new ZoneResolver();
  for (let index = 0; index < 100_001; index++) queries.add({ name: `n${index}`, type: 'A', fresh: false });
  expect(queries.entries.length).toBe(50_001);
  expect(queries.count('n100000')).toBe(1);
  expect(queries.count('n0')).toBe(0);
});

it('gives frozen answers that do not change with the zone', async () => {
  const resolver = new ZoneResolver({ a: { A: '192.0.2.1', MX: '1 b', TXT: 'x' } });
  const answer = await resolver.resolve('a', 'MX');
  expect(Object.isFrozen(answer)).toBe(true);
  if (answer.kind !== 'records') throw new Error(answer.kind);
  expect(Object.isFrozen(answer.records) && Object.isFrozen(answer.records[0])).toBe(true);

  resolver.set('a', { MX: '2 c' });
  expect(await resolver.resolve('a', 'MX')).toMatchObject({ records: [{ preference: 2, exchange: 'c' }] });
  expect(answer.records).toEqual([{ preference: 1, exchange: 'b' }]);
  expect(resolver.delete('a')).toBe(true);
  expect((await resolver.resolve('a', 'MX')).kind).toBe('nxdomain');
});

it('stands over a literal, a zone, or zone-file text', async () => {
  const zone = new Zone({ a: { A: '192.0.2.1' } });
  expect(new ZoneResolver(zone).zone).toBe(zone);
  expect(() => new ZoneResolver(zone, { ttl: 1 })).toThrow(TypeError);
  expect(await new ZoneResolver({ a: { A: '192.0.2.1' } }, { ttl: 9 }).resolve('a', 'A')).toMatchObject({ ttl: 9 });
  const fromText = ZoneResolver.fromText('www 60 IN A 192.0.2.1', { origin: 'example.com' });
  expect(await fromText.resolve('www.example.com', 'A')).toMatchObject({ records: ['192.0.2.1'], ttl: 60 });
});

describe('an abort', () => {
  it('before the question asks nothing', async () => {
    const resolver = new ZoneResolver({ a: { A: '192.0.2.1' } });
    const answer = await resolver.resolve('a', 'A', { signal: AbortSignal.abort() });
    expect(answer).toMatchObject({ kind: 'failure', reason: 'aborted' });
    expect(resolver.queries.count()).toBe(0);
  });

  it('ends the wait of its own caller only, and leaves no listener', async () => {
    const resolver = new ZoneResolver({ a: { A: '192.0.2.1' } });
    const release = resolver.hold('A.');
    const one = new AbortController();
    const other = new AbortController();
    const aborted = resolver.resolve('a', 'A', { signal: one.signal });
    const waiting = resolver.resolve('a', 'A', { signal: other.signal });
    const patient = resolver.resolve('a', 'A');
    one.abort();
    expect(await aborted).toMatchObject({ reason: 'aborted' });
    release();
    expect(await waiting).toMatchObject({ kind: 'records' });
    expect(await patient).toMatchObject({ kind: 'records' });
    expect(getEventListeners(one.signal, 'abort')).toEqual([]);
    expect(getEventListeners(other.signal, 'abort')).toEqual([]);
  });

  it('comes in time in the same turn', async () => {
    const controller = new AbortController();
    const answer = new ZoneResolver({ a: { A: '192.0.2.1' } }).resolve('a', 'A', { signal: controller.signal });
    controller.abort();
    expect(await answer).toMatchObject({ reason: 'aborted' });
  });
});

it('holds the newest hold only', async () => {
  const resolver = new ZoneResolver({ a: { A: '192.0.2.1' } });
  const first = resolver.hold('a');
  const second = resolver.hold('a');
  first();
  const controller = new AbortController();
  const answer = resolver.resolve('a', 'A', { signal: controller.signal });
  second();
  expect(await answer).toMatchObject({ kind: 'records' });
  expect(() => resolver.hold('a..b')).toThrow(RangeError);
});
