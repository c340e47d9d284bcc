import type { Resolver } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { type ResolverAbilities, resolverContract } from './resolver-contract.ts';
import type { Zone } from './zone.ts';
import { ZoneResolver } from './zone-resolver.ts';

for (const { name, run } of resolverContract('ZoneResolver', (zone) => ({ resolver: new ZoneResolver(zone) }))) {
  it(name, run);
}

/** The names of the cases that a resolver fails. */
async function failing(make: (honest: ZoneResolver) => Resolver, can: ResolverAbilities = {}): Promise<string[]> {
  const start = (zone: Zone) => ({ resolver: make(new ZoneResolver(zone)) });
  const names: string[] = [];
  for (const { name, run } of resolverContract('x', start, can)) {
    await run().catch(() => names.push(name));
  }
  return names;
}

/** A resolver whose answers are those of an honest one, as JSON changed by `change`. */
function lying(change: (answer: Record<string, unknown>) => unknown): (honest: ZoneResolver) => Resolver {
  return (honest) => ({
    resolve: async (name, type, options) => {
      const answer = await honest.resolve(name, type, options);
      const lie = change(structuredClone<Record<string, unknown>>({ ...answer }));
      return lie === undefined ? answer : deepFreeze(JSON.parse(JSON.stringify(lie)));
    },
  });
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

describe('a broken resolver is found out', () => {
  it('that is not broken is not', async () => {
    expect(await failing(lying((answer) => answer))).toEqual([]);
  });

  it.each([
    ['wrong TTL', { ttl: 1 }],
    ['always authentic', { authentic: true }],
    ['nodata for nxdomain', { kind: 'nodata' }],
    ['empty detail', { detail: '' }],
    ['time-outs called servfail', { reason: 'servfail' }],
    ['no canonical name', { canonicalName: undefined }],
  ])('%s', async (_what, lie) => {
    const applies = (answer: Record<string, unknown>) => Object.keys(lie).every((key) => key in answer);
    const names = await failing(
      lying((answer) =>
        applies(answer) && (answer['kind'] !== 'records') !== 'canonicalName' in lie
          ? { ...answer, ...lie }
          : undefined,
      ),
    );
    expect(names.length).toBeGreaterThan(0);
  });

  it('thawed answers', async () => {
    const names = await failing((honest) => ({
      resolve: async (...args) => structuredClone(await honest.resolve(...args)),
    }));
    expect(names).toContain('x: gives frozen answers: a caller cannot change what the next one gets');
  });

  it('one that hears no abort', async () => {
    const names = await failing((honest) => ({ resolve: (name, type) => honest.resolve(name, type) }));
    expect(names).toEqual([
      'x: rejects only for a mistake in the program, with a TypeError',
      'x: an abort before the question is failure/aborted',
      'x: an abort during the question is failure/aborted, and ends nobody else’s',
    ]);
  });

  it('one that leaves listeners behind', async () => {
    const names = await failing((honest) => ({
      resolve: (name, type, options) => {
        options?.signal?.addEventListener?.('abort', () => {});
        return honest.resolve(name, type, options);
      },
    }));
    expect(names).toContain('x: leaves no listener on the signal of a finished question');
  });
});

it('does not ask for what an adapter cannot know', async () => {
  const without = ['ttl', 'authentic', 'canonicalName'] as const;
  const names = await failing(
    lying((answer) => {
      if ('ttl' in answer) answer['ttl'] = 0;
      if ('authentic' in answer) answer['authentic'] = false;
      return { ...answer, canonicalName: undefined };
    }),
    { ...Object.fromEntries(without.map((ability) => [ability, false])), octets: false },
  );
  expect(names).toEqual([]);
});
