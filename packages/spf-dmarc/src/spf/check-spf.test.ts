import { getEventListeners } from 'node:events';
import { isRecordType } from '@postern/core';
import { FakeClock, type ZoneData, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { checkSpf, checkSpfHelo, checkSpfMailFrom, type SpfInput } from './check-spf.ts';
import { ann, count, evaluate, odd } from './test-evaluation.ts';

describe('checkSpf', () => {
  const zone: ZoneData = {
    'example.com': { TXT: 'v=spf1 ip4:198.51.100.1 include:spf.example.net -all' },
    'spf.example.net': { TXT: 'v=spf1 redirect=more.example.net' },
    'more.example.net': { TXT: 'v=spf1 a ip4:192.0.2.0/24 ?all' },
    'mail.example.com': { TXT: 'v=spf1 a -all', A: '192.0.2.11' },
  };

  it('checks both identities, and says which term of which record decided', async () => {
    const check = await checkSpf(ann, { resolver: new ZoneResolver(zone) });
    expect(check).toMatchObject({
      result: 'pass',
      identity: 'mailfrom',
      domain: 'example.com',
      sender: 'ann@example.com',
      ip: '192.0.2.10',
      heloName: 'mail.example.com',
      record: 'v=spf1 ip4:198.51.100.1 include:spf.example.net -all',
      problem: undefined,
      lookupTerms: 3,
      voidLookups: 1,
      matched: {
        domain: 'more.example.net',
        term: 'ip4:192.0.2.0/24',
        index: 1,
        path: [
          { domain: 'example.com', term: 'include:spf.example.net', index: 1 },
          { domain: 'spf.example.net', term: 'redirect=more.example.net', index: 0 },
        ],
      },
      helo: {
        result: 'fail',
        identity: 'helo',
        domain: 'mail.example.com',
        sender: 'postmaster@mail.example.com',
        matched: { domain: 'mail.example.com', term: '-all', index: 1, path: [] },
      },
    });
    expect(check.lookups).toMatchObject([
      { name: 'example.com', type: 'TXT', purpose: 'record', cost: 0, void: false, answer: { kind: 'records' } },
      { name: 'spf.example.net', type: 'TXT', purpose: 'record', cost: 1, void: false },
      { name: 'more.example.net', type: 'TXT', purpose: 'record', cost: 1, void: false },
      { name: 'more.example.net', type: 'A', purpose: 'mechanism', cost: 1, void: true, answer: { kind: 'nodata' } },
    ]);
    expect(JSON.parse(JSON.stringify(check))).toMatchObject({ result: 'pass', matched: { index: 1 } });
  });

  it('checks postmaster at the HELO name when the reverse-path is null', async () => {
    const check = await checkSpf({ ...ann, mailFrom: '' }, { resolver: new ZoneResolver(zone) });
    expect(check).toMatchObject({ result: 'fail', identity: 'helo', sender: 'postmaster@mail.example.com' });
    expect(check.helo).toMatchObject({ result: 'fail', lookups: check.lookups });
  });

  it('checks one identity alone', async () => {
    const resolver = new ZoneResolver(zone);
    expect(await checkSpfHelo({ ip: '192.0.2.11', helo: 'mail.example.com' }, { resolver })).toMatchObject({
      result: 'pass',
      identity: 'helo',
    });
    expect(resolver.queries.count('example.com', 'TXT')).toBe(0);
  });

  it.each<[string, Partial<SpfInput>]>([
    ['a name of one label', { mailFrom: 'ann@localhost' }],
    ['an address literal', { mailFrom: 'ann@[192.0.2.10]' }],
    ['an address without brackets', { mailFrom: 'ann@192.0.2.10' }],
    ['an empty label', { mailFrom: 'ann@a..example.com' }],
    ['a space', { mailFrom: 'ann@a b.example.com' }],
    ['no domain', { mailFrom: 'ann' }],
    ['a domain that does not end', { mailFrom: `ann@${'a.'.repeat(1_000_000)}` }],
    ['one in Unicode', { mailFrom: `ann@${'ü.'.repeat(1_000_000)}` }],
    ['two dots at the end', { mailFrom: 'ann@example.com..' }],
    ['angle brackets', { mailFrom: '<>' }],
    ['a HELO literal', { mailFrom: '', helo: '[192.0.2.10]' }],
    ['a HELO of one label', { mailFrom: '', helo: 'mail' }],
    ['no HELO', { mailFrom: '', helo: '' }],
    ['a HELO that does not end', { mailFrom: '', helo: 'a.'.repeat(1_000_000) }],
    ['no client', { ip: 'unix:/run/postfix' }],
  ])('is none without asking for %s', async (_, input) => {
    const resolver = new ZoneResolver(zone);
    const check = await checkSpfMailFrom({ ...ann, ...input }, { resolver });
    expect(check).toMatchObject({ result: 'none', lookups: [], matched: undefined });
    expect(check.problem).toMatch(/^[A-Z].*\.$/);
    expect(resolver.queries.count('example.com')).toBe(0);
    expect(check.sender.length).toBeLessThanOrEqual(768);
  });

  it.each<[string, Partial<SpfInput>]>([
    ['an IPv4-mapped address', { ip: '::ffff:192.0.2.10' }],
    ['capitals and a dot at the end', { mailFrom: 'ann@Example.COM.' }],
    ['no local part', { mailFrom: '@example.com' }],
    ['an at sign in quotes', { mailFrom: '"a@b"@example.com' }],
    ['a source route', { mailFrom: '@a.example,@b.example:ann@example.com' }],
    ['a local part that does not end', { mailFrom: `${'a.'.repeat(1_000_000)}@example.com` }],
  ])('takes %s', async (_, input) => {
    const check = await checkSpfMailFrom({ ...ann, ...input }, { resolver: new ZoneResolver(zone) });
    expect(check).toMatchObject({ result: 'pass', domain: 'example.com', ip: '192.0.2.10' });
  });

  it('looks U-labels up as A-labels, and lets local parts beyond ASCII match nothing (RFC 8616)', async () => {
    const resolver = new ZoneResolver({
      'xn--bcher-kva.example': { TXT: 'v=spf1 exists:%{L}.%{d} include:%{s}.%{d} exists:%{o}.ok ?all' },
      'xn--bcher-kva.example.ok': { A: '127.0.0.2' },
      '%C3%BC.xn--bcher-kva.example': { A: '127.0.0.2' },
    });
    const check = await checkSpfMailFrom({ ...ann, mailFrom: 'ü@bücher.example' }, { resolver });
    expect(check).toMatchObject({ result: 'pass', domain: 'xn--bcher-kva.example', lookupTerms: 1 });
    expect(check.matched?.term).toBe('exists:%{o}.ok');
  });

  it('lets macros have the domain without the dot at its end', async () => {
    const { asked, sender } = await evaluate(
      'v=spf1 exists:%{o}.x.test -all',
      {},
      {},
      { mailFrom: 'ann@Example.com.' },
    );
    expect(asked).toContain('example.com.x.test A');
    expect(sender).toBe('ann@Example.com');
  });

  it('shows of an address that is none what can be shown', async () => {
    const ip = `\x1b[31m\r\n${'x'.repeat(1_000)}`;
    const check = await checkSpf({ ...ann, ip }, { resolver: new ZoneResolver(zone) });
    expect(check.ip).toMatch(/^\\x1b\[31m\\x0d\\x0ax{50,}\.\.\.$/);
    expect(check.helo.ip).toBe(check.ip);
  });

  it('rejects wrong arguments and options', async () => {
    const resolver = new ZoneResolver({});
    const calls: readonly (() => Promise<unknown>)[] = [
      // @ts-expect-error no HELO
      () => checkSpf({ ip: '192.0.2.1', mailFrom: '' }, { resolver }),
      // @ts-expect-error no text
      () => checkSpfHelo({ ip: 7, helo: 'a' }, { resolver }),
      // @ts-expect-error nothing
      () => checkSpf(undefined, { resolver }),
      // @ts-expect-error null
      () => checkSpfMailFrom({ ...ann, mailFrom: null }, { resolver }),
      // @ts-expect-error no options
      () => checkSpf(ann),
      // @ts-expect-error no resolver
      () => checkSpf(ann, {}),
      // @ts-expect-error no signal
      () => checkSpf(ann, { resolver, signal: 1 }),
      // @ts-expect-error misspelt
      () => checkSpf(ann, { resolver, maxLookups: 5 }),
      () => checkSpf(ann, { resolver, receiver: '' }),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(TypeError);
    await expect(checkSpf(ann, { resolver, maxLookupTerms: -1 })).rejects.toThrow(RangeError);
    await expect(checkSpf(ann, { resolver, timeoutMs: 0 })).rejects.toThrow(RangeError);
  });
});

describe('the limits', () => {
  const hosts = Object.fromEntries(count(12, (index) => [`h${index}.example.net`, { A: '203.0.113.1' }]));
  const terms = (length: number): string => count(length, (index) => `a:h${index}.example.net`).join(' ');

  it('lets ten terms ask DNS', async () => {
    expect(await evaluate(`v=spf1 ${terms(10)} +all`, hosts)).toMatchObject({ result: 'pass', lookupTerms: 10 });
    const over = await evaluate(`v=spf1 ${terms(11)} +all`, hosts);
    expect(over).toMatchObject({ result: 'permerror', lookupTerms: 10, matched: undefined });
    expect(over.problem).toContain('"a:h10.example.net" in the SPF record of example.com');
    expect(over.asked).not.toContain('h10.example.net A');
    expect(await evaluate(`v=spf1 ${terms(11)} +all`, hosts, { maxLookupTerms: 11 })).toMatchObject({ result: 'pass' });
    expect(await evaluate('v=spf1 a +all', hosts, { maxLookupTerms: 0 })).toMatchObject({ result: 'permerror' });
  });

  it('lets two of them come back with nothing', async () => {
    const record = 'v=spf1 a:x.test mx:y.test exists:z.test +all';
    expect(await evaluate('v=spf1 a:x.test mx:y.test +all')).toMatchObject({ result: 'pass', voidLookups: 2 });
    expect(await evaluate(record)).toMatchObject({ result: 'permerror', voidLookups: 3 });
    expect(await evaluate(record, {}, { maxVoidLookups: 3 })).toMatchObject({ result: 'pass' });
    expect((await evaluate(record)).problem).toContain('z.test');
  });

  it('counts the terms and not their hosts as void', async () => {
    const zone = { 'example.com': { MX: count(5, (index) => `${index} mx${index}.example.net`) } };
    expect(await evaluate('v=spf1 mx +all', zone)).toMatchObject({ result: 'pass', voidLookups: 0, lookupTerms: 1 });
  });

  it('takes ten mail exchangers, and looks at ten names', async () => {
    const mx = (length: number): ZoneData => ({
      ...hosts,
      'example.com': { MX: count(length, (index) => `${index} h${index}.example.net`) },
    });
    expect(await evaluate('v=spf1 mx +all', mx(10))).toMatchObject({ result: 'pass', lookupTerms: 1 });
    expect(await evaluate('v=spf1 mx +all', mx(11))).toMatchObject({ result: 'permerror' });
    expect(await evaluate('v=spf1 mx +all', mx(11), { maxMxHosts: 11 })).toMatchObject({ result: 'pass' });

    const names = count(12, (index) => `n${index}.example.com`);
    const ptr = (name: string): ZoneData => ({ '10.2.0.192.in-addr.arpa': { PTR: names }, [name]: { A: ann.ip } });
    expect(await evaluate('v=spf1 ptr -all', ptr('n9.example.com'))).toMatchObject({ result: 'pass' });
    expect(await evaluate('v=spf1 ptr -all', ptr('n10.example.com'))).toMatchObject({ result: 'fail' });
    const more = await evaluate('v=spf1 ptr -all', ptr('n10.example.com'), { maxPtrNames: 12 });
    expect(more).toMatchObject({ result: 'pass', matched: { term: 'ptr' } });
  });

  it('counts the query of the macro p once', async () => {
    const zone = { '10.2.0.192.in-addr.arpa': { PTR: 'c.example.com' }, 'c.example.com': { A: ann.ip } };
    const record = 'v=spf1 exists:%{p}.a.test exists:%{p}.b.test -all';
    const result = await evaluate(record, zone);
    expect(result).toMatchObject({ result: 'fail', lookupTerms: 3, voidLookups: 2 });
    expect(result.asked).toContain('c.example.com.b.test A');
    expect(await evaluate(record, zone, { maxLookupTerms: 2 })).toMatchObject({ result: 'permerror' });
    expect(await evaluate('v=spf1 include:%{p}.x.test', zone, { maxLookupTerms: 1 })).toMatchObject({
      result: 'permerror',
    });
  });

  it('ends loops of includes and redirects', async () => {
    const loop = { 'b.example': { TXT: 'v=spf1 include:example.com' } };
    expect(await evaluate('v=spf1 include:b.example', loop)).toMatchObject({ result: 'permerror', lookupTerms: 10 });
    expect(await evaluate('v=spf1 redirect=example.com')).toMatchObject({ result: 'permerror', lookupTerms: 10 });
  });
});

describe('the mechanisms', () => {
  it('ask for addresses of the family of the client alone', async () => {
    const zone: ZoneData = {
      'example.com': { A: ann.ip, AAAA: '2001:db8::1', MX: '1 mx.example.net' },
      'mx.example.net': { A: '203.0.113.1', AAAA: '2001:db8::2' },
    };
    expect((await evaluate('v=spf1 mx a', zone)).asked).toEqual([
      'example.com TXT',
      'example.com MX',
      'mx.example.net A',
      'example.com A',
    ]);
    const six = await evaluate('v=spf1 a mx', zone, {}, { ip: '2001:db8::2' });
    expect(six).toMatchObject({ result: 'pass', matched: { term: 'mx' } });
    expect(six.asked).toEqual(['example.com TXT', 'example.com AAAA', 'example.com MX', 'mx.example.net AAAA']);
  });

  it.each([
    ['a', { A: { failure: 'timeout' } }, 'temperror'],
    ['mx', { MX: { failure: 'servfail' } }, 'temperror'],
    ['exists:%{d}', { A: { failure: 'refused' } }, 'temperror'],
    // RFC 7208 §5.5: an error in the PTR lookup is no match.
    ['ptr', {}, 'fail'],
  ] as const)('%s: a lookup that fails is %s %s', async (term, data, result) => {
    const zone: ZoneData = { 'example.com': data, '10.2.0.192.in-addr.arpa': 'timeout' };
    expect(await evaluate(`v=spf1 ${term} -all`, zone)).toMatchObject({ result });
  });

  it('mx: one exchanger that matches counts, whatever becomes of the others', async () => {
    const zone: ZoneData = {
      'example.com': { MX: ['1 slow.example.net', '2 good.example.net', '3 slow.example.net'] },
      'slow.example.net': 'timeout',
      'good.example.net': { A: ann.ip },
    };
    expect(await evaluate('v=spf1 mx -all', zone)).toMatchObject({ result: 'pass' });
    const other = await evaluate('v=spf1 mx -all', { ...zone, 'good.example.net': { A: '203.0.113.9' } });
    expect(other).toMatchObject({ result: 'temperror' });
    expect(other.asked.filter((each) => each.startsWith('slow'))).toHaveLength(1);
  });

  it('include: every result of the included record (RFC 7208 §5.2)', async () => {
    const included = async (record: string): Promise<string> =>
      (await evaluate('v=spf1 ~include:in.example -all', { 'in.example': { TXT: record } })).result;
    expect(await included('v=spf1 +all')).toBe('softfail');
    expect(await included('v=spf1 -all')).toBe('fail');
    expect(await included('v=spf1 ~all')).toBe('fail');
    expect(await included('v=spf1 ?all')).toBe('fail');
    expect(await included('v=spf1')).toBe('fail');
    expect(await included('v=spf1 oops')).toBe('permerror');
    expect(await included('nothing')).toBe('permerror');
    expect((await evaluate('v=spf1 include:in.example', { 'in.example': 'timeout' })).result).toBe('temperror');
    expect((await evaluate('v=spf1 include:gone.example')).problem).toContain('gone.example, which does not exist');
    expect((await evaluate('v=spf1 redirect=gone.example')).result).toBe('permerror');
  });

  it.each(['include:%{h} +all', 'redirect=%{h}'])(
    '%s: a name of one label has no record (RFC 7208 §4.3)',
    async (term) => {
      const zone = { mail: { TXT: 'v=spf1 +all' } };
      for (const helo of ['mail', 'mail.', '[IPv6:2001:db8::1]', 'a..b']) {
        const found = await evaluate(`v=spf1 ${term}`, zone, {}, { helo });
        expect(found).toMatchObject({ result: 'permerror', lookups: [{ name: 'example.com' }] });
        expect(found.problem).toContain('leads to no domain');
      }
    },
  );

  it('exp: macros expanded, at most 500 characters, printable ASCII alone', async () => {
    const clock = new FakeClock(1_700_000_000_999);
    const explained = async (text: string | readonly string[], input: Partial<SpfInput> = {}) => {
      const zone = { 'why.example': { TXT: text } };
      const options = { clock, receiver: 'mx.example.org' };
      return (await evaluate('v=spf1 exp=why.example -all', zone, options, input)).explanation;
    };
    expect(await explained('%{c} %{r} %{t} %{s} %{l} %{o} %{d} %{h} %{v} %{p}%_%%%-')).toBe(
      '192.0.2.10 mx.example.org 1700000000 ann@example.com ann example.com example.com mail.example.com in-addr unknown %%20',
    );
    expect(await explained('%{L}', { mailFrom: 'a/b@example.com' })).toBe('a%2Fb');
    expect(await explained('see %{l}', { mailFrom: 'a\r\nb@example.com' })).toBeUndefined();
    expect(await explained('see %{l}', { mailFrom: 'ü@example.com' })).toBeUndefined();
    expect(await explained('caf\xe9')).toBeUndefined();
    expect(await explained('')).toBeUndefined();
    expect(await explained(['one', 'two'])).toBeUndefined();
    expect(await explained('%{x}')).toBeUndefined();
    expect(await explained('y'.repeat(60_000))).toHaveLength(500);
    expect(await explained('%{s}'.repeat(10_000))).toHaveLength(500);
    expect(await explained('z', { helo: '' })).toBe('z');
  });
});

describe('the deadline', () => {
  it('ends a check whose resolver hangs, with what is known of both identities', async () => {
    const resolver = new ZoneResolver({ 'mail.example.com': { TXT: 'v=spf1 +all' } });
    const release = resolver.hold('example.com');
    const check = await checkSpf(ann, { resolver, timeoutMs: 20 });
    release();
    expect(check).toMatchObject({ result: 'temperror', lookups: [], helo: { result: 'pass' } });
    expect(check.problem).toBe('There was no result within 20 ms.');
  });

  it('ends by an abort, before and after the start, and leaves no listener', async () => {
    const hangs = odd(() => new Promise(() => {}));
    const before = await checkSpf(ann, { resolver: hangs, signal: AbortSignal.abort() });
    expect(before).toMatchObject({ result: 'temperror', problem: 'The check was given up before it was through.' });
    const controller = new AbortController();
    const signals: AbortSignal[] = [];
    const notes = odd((_name, _type, options) => {
      if (options !== undefined && 'signal' in options && options.signal instanceof AbortSignal)
        signals.push(options.signal);
      return new Promise(() => {});
    });
    const pending = checkSpf(ann, { resolver: notes, signal: controller.signal });
    controller.abort();
    expect((await pending).result).toBe('temperror');
    expect(signals.length).toBe(2);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('ends at whichever question the caller gives up', async () => {
    const zone = new ZoneResolver({
      'example.com': {
        TXT: 'v=spf1 include:in.example mx ptr exists:%{p}.x.example exp=why.example -all',
        MX: '1 mx.example',
      },
      'in.example': { TXT: 'v=spf1 a ~all', A: '203.0.113.1' },
      'mx.example': { A: '203.0.113.1' },
      '10.2.0.192.in-addr.arpa': { PTR: ['c.example.com', 'd.example'] },
      'c.example.com': { A: '203.0.113.1' },
      'd.example': { A: '203.0.113.1' },
      'why.example': { TXT: 'because of %{p}' },
    });
    const whole = await checkSpfMailFrom(ann, { resolver: zone });
    expect(whole).toMatchObject({ result: 'fail', explanation: 'because of unknown' });
    for (let last = 1; last <= whole.lookups.length; last++) {
      const controller = new AbortController();
      let asked = 0;
      const resolver = odd((name, type) => {
        if (++asked < last && isRecordType(type)) return zone.resolve(name, type);
        controller.abort();
        return new Promise(() => {});
      });
      const found = await checkSpfMailFrom(ann, { resolver, signal: controller.signal });
      const isDecided = whole.lookups[last - 1]?.purpose === 'explanation';
      expect(found).toMatchObject({ result: isDecided ? 'fail' : 'temperror', explanation: undefined });
      expect(found.lookups.length).toBeLessThan(last);
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    }
    const { signal } = new AbortController();
    await checkSpf(ann, { resolver: zone, signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('keeps a fail whose explanation does not come', async () => {
    const resolver = new ZoneResolver({ 'example.com': { TXT: 'v=spf1 exp=why.example -all' } });
    const release = resolver.hold('why.example');
    const check = await checkSpfMailFrom(ann, { resolver, timeoutMs: 20 });
    release();
    expect(check).toMatchObject({
      result: 'fail',
      explanation: undefined,
      problem: undefined,
      matched: { term: '-all' },
    });
  });

  it('is temperror when the resolver throws, rejects, or answers rubbish', async () => {
    const rubbish: readonly (() => unknown)[] = [
      () => {
        throw new Error('no');
      },
      () => Promise.reject(new Error('no')),
      () => undefined,
      () => ({ kind: 'other' }),
      () => ({ kind: 'records' }),
      () => ({ kind: 'records', records: [7] }),
    ];
    for (const resolve of rubbish) {
      expect(await checkSpf(ann, { resolver: odd(resolve) })).toMatchObject({
        result: 'temperror',
        problem: 'The resolver failed.',
        helo: { result: 'temperror' },
      });
    }
  });
});
