import { ZoneResolver } from '@postern/testing';
import { expect, it } from 'vitest';
import { OnceResolver } from './once-resolver.ts';

it('asks each question once, and different ones apart', async () => {
  const zone = new ZoneResolver({ 'a.example': { TXT: 'one', A: '192.0.2.1' } });
  const once = new OnceResolver(zone, new AbortController().signal);
  const [first, second] = await Promise.all([once.resolve('a.example', 'TXT'), once.resolve('a.example', 'TXT')]);
  expect(first).toMatchObject({ kind: 'records', records: ['one'] });
  expect(second).toBe(first);
  expect(await once.resolve('a.example', 'A')).toMatchObject({ records: ['192.0.2.1'] });
  expect(zone.queries.count('a.example', 'TXT')).toBe(1);
});
