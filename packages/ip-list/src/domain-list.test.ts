import { FakeClock } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainList, type DomainListInput } from './domain-list.ts';

describe('DomainList', () => {
  it.each([
    ['example.com', 'example.com'],
    ['EXAMPLE.COM.', 'example.com'],
    ['a.example.com', undefined],
    ['example.net', undefined],
    ['a.example.net', '.example.net'],
    ['a.b.c.example.net', '.example.net'],
    ['badexample.net', undefined],
    ['a.sub.example.net', '.sub.example.net'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['win_host.example', 'win_host.example'],
    ['example.co.uk', 'registrable:example.co.uk'],
    ['a_b.mail.example.co.uk', 'registrable:example.co.uk'],
    ['other.co.uk', undefined],
    ['co.uk', undefined],
    ['uk', undefined],
    ['', undefined],
    ['.', undefined],
    ['.example.net', undefined],
    ['registrable:example.co.uk', undefined],
    ['192.0.2.1', undefined],
    ['[192.0.2.1]', undefined],
    ['user@example.com', undefined],
    [`${'a.'.repeat(200_000)}example.net`, undefined],
  ])('finds for %.40j the pattern %j', (name, pattern) => {
    const list = DomainList.from([
      'Example.com',
      '.example.NET.',
      'bücher.example',
      '.sub.example.net',
      'win_host.example',
      'registrable:Mail.Example.co.uk',
    ]);
    expect(list.lookup(name)?.pattern).toBe(pattern);
  });

  it('gives the whole entry, with the defaults put in', () => {
    const list = new DomainList();
    list.add('example.com');
    list.add('.example.com', { action: 'allow', reason: 'ours', source: 'file', evidence: { count: 3 } });
    const plain = { action: 'block', reason: '', source: '', expiresAt: undefined, evidence: undefined };
    expect(list.lookup('example.com')).toEqual({ ...plain, pattern: 'example.com' });
    expect(list.lookup('a.example.com')).toEqual({
      pattern: '.example.com',
      action: 'allow',
      reason: 'ours',
      source: 'file',
      expiresAt: undefined,
      evidence: { count: 3 },
    });
    expect(list.get('EXAMPLE.com.')).toEqual({ ...plain, pattern: 'example.com' });
    expect(list.get('registrable:example.com')).toBeUndefined();
    expect([...list].map(({ pattern }) => pattern).sort()).toEqual(['.example.com', 'example.com']);
  });

  it('lets the most specific entry decide, `.example.com` before `registrable:example.com`', () => {
    const list = DomainList.from([
      '.com',
      'registrable:example.com',
      '.example.com',
      'a.example.com',
      '.a.example.com',
    ]);
    for (const [name, pattern] of [
      ['a.example.com', 'a.example.com'],
      ['b.a.example.com', '.a.example.com'],
      ['b.example.com', '.example.com'],
      ['example.com', 'registrable:example.com'],
      ['other.com', '.com'],
    ] as const) {
      expect(list.lookup(name)?.pattern).toBe(pattern);
    }
  });

  it('refuses a public suffix as registrable, and takes private suffixes for such unless told', () => {
    const list = new DomainList();
    for (const suffix of ['com', 'co.uk', 'CO.UK.', 'a.ck', 'github.io', 'xn--55qx5d.cn', '公司.cn']) {
      expect(() => list.add(`registrable:${suffix}`)).toThrow('public suffix');
    }
    list.add('registrable:a.b.github.io');
    expect(list.lookup('b.github.io')?.pattern).toBe('registrable:b.github.io');
    expect(list.lookup('c.github.io')).toBeUndefined();

    const icann = new DomainList({ privateSuffixes: false });
    icann.add('registrable:a.b.github.io');
    expect(icann.lookup('c.github.io')?.pattern).toBe('registrable:github.io');
  });

  it('does not cover what is registered below a suffix that begins further down', () => {
    const list = DomainList.from(['registrable:amazonaws.com']);
    expect(list.lookup('www.amazonaws.com')?.pattern).toBe('registrable:amazonaws.com');
    expect(list.lookup('somebody.s3.amazonaws.com')).toBeUndefined();
  });

  it.each([
    '',
    '.',
    '..example.com',
    '*.example.com',
    'registrable:',
    'registrable:.example.com',
    'registrable:registrable:example.com',
    'Registrable:example.com',
    'a b.example',
    '192.0.2.1',
    'user@example.com',
  ])('throws a RangeError that names the pattern %j', (pattern) => {
    const list = new DomainList();
    for (const call of [
      () => list.add(pattern),
      () => list.delete(pattern),
      () => list.get(pattern),
      () => list.replace([pattern]),
    ]) {
      expect(call).toThrow(RangeError);
      expect(call).toThrow(JSON.stringify(pattern));
    }
  });

  it('throws a TypeError on what is no string, no entry, no option', () => {
    const list = new DomainList();
    // @ts-expect-error as a program without types would
    expect(() => list.add(7)).toThrow(TypeError);
    // @ts-expect-error as a program without types would
    expect(() => list.add('example.com', { acton: 'allow' })).toThrow(
      'DomainList.add: an entry has no property "acton"',
    );
    // @ts-expect-error as a program without types would
    expect(() => new DomainList({ maxExpiring: 3 })).toThrow('maxExpiring');
    expect(() => new DomainList({ maxExpiringEntries: 0 })).toThrow('maxExpiringEntries');
    expect(list.size).toBe(0);
  });

  it('finds no entry that has expired, then the next wider one', () => {
    const clock = new FakeClock(1_000);
    const list = new DomainList({ clock });
    list.add('a.example.com', { expiresAt: 2_000 });
    list.add('.example.com', { expiresAt: 3_000 });
    list.add('registrable:example.com', { expiresAt: 4_000 });
    const found = (): string | undefined => list.lookup('a.example.com')?.pattern;
    expect(found()).toBe('a.example.com');
    clock.set(2_000);
    expect(found()).toBe('.example.com');
    expect(list.get('a.example.com')).toBeUndefined();
    expect(list.delete('a.example.com')).toBe(false);
    clock.set(3_000);
    expect(found()).toBe('registrable:example.com');
    expect([...list].map(({ pattern }) => pattern)).toEqual(['registrable:example.com']);
    clock.set(4_000);
    expect(found()).toBeUndefined();
    expect([...list]).toEqual([]);
  });

  it('takes away what has expired while other entries are written, and an entry that had expired when it came', () => {
    const clock = new FakeClock(1_000);
    const list = new DomainList({ clock });
    for (let count = 0; count < 100; count++) list.add(`n${count}.example`, { expiresAt: 2_000 });
    list.add('kept.example', { expiresAt: 2_000 });
    list.add('kept.example');
    expect(list.size).toBe(101);
    clock.set(2_000);
    expect(list.size).toBe(1);
    for (let count = 0; count < 40; count++) list.add('other.example');
    expect(list.size).toBe(2);
    const before = list.size;
    list.add('kept.example', { expiresAt: 1_999 });
    expect(list.size).toBe(before - 1);
    expect([...list].map(({ pattern }) => pattern)).toEqual(['other.example']);
    expect(list.size).toBe(1);
  });

  it('keeps to maxExpiringEntries: the entry that ends soonest gives way, never the new one, and none without an end', () => {
    const list = new DomainList({ clock: new FakeClock(1_000), maxExpiringEntries: 2 });
    const patterns = (): string[] => [...list].map(({ pattern }) => pattern).sort();
    list.add('for-ever.example');
    list.add('first.example', { expiresAt: 5_000 });
    list.add('second.example', { expiresAt: 4_000 });
    list.add('second.example', { expiresAt: 4_500 });
    expect(patterns()).toEqual(['first.example', 'for-ever.example', 'second.example']);
    list.add('third.example', { expiresAt: 2_000 });
    expect(patterns()).toEqual(['first.example', 'for-ever.example', 'third.example']);
    list.add('fourth.example');
    list.add('first.example');
    list.add('fifth.example', { expiresAt: 9_000 });
    expect(patterns()).toEqual([
      'fifth.example',
      'first.example',
      'for-ever.example',
      'fourth.example',
      'third.example',
    ]);
  });

  it('stays small when one entry is put in again and again', () => {
    const clock = new FakeClock(1_000);
    const list = new DomainList({ clock, maxExpiringEntries: 2 });
    list.add('soon.example', { expiresAt: 5_000 });
    for (let count = 0; count < 1_000; count++) list.add('example.com', { expiresAt: 10_000 + count });
    list.add('new.example', { expiresAt: 20_000 });
    expect([...list].map(({ pattern }) => pattern).sort()).toEqual(['example.com', 'new.example']);
  });

  it('replaces everything in one step, or nothing', () => {
    const list = DomainList.from(['example.com', '.example.com']);
    expect(() => list.replace(['example.net', 'no domain'])).toThrow('"no domain"');
    expect(list.lookup('example.com')).toBeDefined();
    expect(list.lookup('example.net')).toBeUndefined();
    list.replace([['example.net', { reason: 'new' }]]);
    expect(list.lookup('example.com')).toBeUndefined();
    expect(list.lookup('example.net')?.reason).toBe('new');
    expect(list.size).toBe(1);
    const copy = new DomainList();
    copy.replace(list);
    list.clear();
    expect([...copy].map(({ pattern, reason }) => [pattern, reason])).toEqual([['example.net', 'new']]);
    expect(list.size).toBe(0);
    expect(list.lookup('example.net')).toBeUndefined();
  });

  it('reads items that arrive one by one', async () => {
    async function* items(): AsyncGenerator<DomainListInput> {
      yield 'example.com';
      yield ['.example.net', { action: 'allow' }];
    }
    const list = await DomainList.fromAsync(items());
    expect(list.size).toBe(2);
    expect(list.lookup('a.example.net')?.action).toBe('allow');
    await expect(DomainList.fromAsync(['no domain'])).rejects.toThrow(RangeError);
  });

  it('stops waiting for items when the signal fires', async () => {
    async function* hanging(): AsyncGenerator<DomainListInput> {
      yield 'example.com';
      await new Promise(() => {});
    }
    const controller = new AbortController();
    const loading = DomainList.fromAsync(hanging(), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(loading).rejects.toThrow('enough');
    await expect(DomainList.fromAsync([], JSON.parse('{ "signal": 7 }'))).rejects.toThrow('"signal"');
  });

  it('takes entries as another list gives them', () => {
    const other = DomainList.from([['.example.com', { reason: 'spam', expiresAt: 9e15 }], 'registrable:example.net']);
    const added = new DomainList();
    for (const each of other) added.add(each.pattern, each);
    for (const copy of [added, DomainList.from(other)]) expect([...copy]).toEqual([...other]);
  });

  it('can be iterated while it changes', () => {
    const list = DomainList.from(['a.example', 'b.example', 'c.example']);
    const seen: string[] = [];
    for (const { pattern } of list) {
      seen.push(pattern);
      if (pattern === 'a.example') {
        list.delete('b.example');
        list.add('d.example');
        for (let count = 0; count < 100; count++) list.add('e.example', { expiresAt: 1 });
      }
    }
    expect(seen.sort()).toEqual(['a.example', 'c.example', 'd.example']);
  });

  it('finds what an exhaustive search finds, after any changes', () => {
    const label = fc.constantFrom('a', 'b', 'co', 'uk');
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    // `uk` is a public suffix and so is `co.uk`; of other names the last label is.
    const suffixLabels = (domain: string): number => (domain === 'co.uk' || domain.endsWith('.co.uk') ? 2 : 1);
    const registrable = (domain: string): string | undefined => {
      const labels = domain.split('.');
      const wanted = suffixLabels(domain) + 1;
      return labels.length < wanted ? undefined : labels.slice(-wanted).join('.');
    };
    const pattern = fc
      .tuple(fc.constantFrom('', '.', 'registrable:'), name)
      .map(([form, domain]) => (form === 'registrable:' ? form + (registrable(domain) ?? 'a.b') : form + domain));
    const change = fc.tuple(pattern, fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }), fc.boolean());
    const covers = (each: string, of: string): number => {
      if (each === of) return 1_000;
      if (each.startsWith('.')) return of.endsWith(each) ? 2 * each.length : 0;
      const domain = each.replace('registrable:', '');
      return domain !== each && registrable(of) === domain ? 2 * domain.length + 1 : 0;
    };
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), fc.nat(7), name, (changes, now, of) => {
        const clock = new FakeClock(0);
        const list = new DomainList({ clock });
        const model = new Map<string, number | undefined>();
        for (const [key, expiresAt, remove] of changes) {
          if (remove) expect(list.delete(key)).toBe(model.delete(key));
          else {
            list.add(key, { expiresAt });
            model.set(key, expiresAt);
          }
        }
        clock.set(now);
        const live = [...model].filter(([, expiresAt]) => expiresAt === undefined || expiresAt > now);
        const best = live
          .map(([key]) => ({ key, specific: covers(key, of) }))
          .filter(({ specific }) => specific > 0)
          .sort((one, other) => other.specific - one.specific)[0];
        expect(list.lookup(of)?.pattern).toBe(best?.key);
        expect([...list].map(({ pattern: key }) => key).sort()).toEqual(live.map(([key]) => key).sort());
      }),
      { numRuns: 1_000 },
    );
  });
});
