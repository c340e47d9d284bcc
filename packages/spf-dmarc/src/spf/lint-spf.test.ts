import type { Resolver } from '@postern/core';
import { ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSpfMailFrom } from './check-spf.ts';
import { formatSpfTree } from './format-spf-tree.ts';
import { lintSpf, type SpfLint } from './lint-spf.ts';

type Zone = ConstructorParameters<typeof ZoneResolver>[0];

/** The lint of `example.com` with this record, in a zone that also has other names. */
function lint(record: string | readonly string[], zone: Zone = {}): Promise<SpfLint> {
  return lintSpf('example.com', { resolver: new ZoneResolver({ 'example.com': { TXT: record }, ...zone }) });
}

function codesOf({ findings }: SpfLint): readonly string[] {
  return findings.map(({ code }) => code).toSorted();
}

/** Every string in a value, wherever it stands. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** What a good record brings. */
const good = ['lookups', 'fail-all'];

const hosts = {
  'mail.example.com': { A: '203.0.114.1', AAAA: '2a00:1450::1' },
  'other.example.com': { A: '203.0.114.2', AAAA: '2a00:1450::2' },
};

describe('lintSpf', () => {
  it('finds nothing wrong with a good record', async () => {
    const result = await lint('v=spf1 a:mail.example.com include:_spf.provider.example ip6:2a00:1450:4000::/36 -all', {
      ...hosts,
      '_spf.provider.example': { TXT: 'v=spf1 ip4:203.0.115.0/24 ~all' },
    });
    expect(codesOf(result)).toEqual(good.toSorted());
    expect(result).toMatchObject({ domain: 'example.com', lookupTerms: 2, voidLookups: { ip4: 0, ip6: 0 } });
    expect(result.networks).toMatchObject({
      pass: {
        ip4: ['203.0.114.1/32', '203.0.115.0/24'],
        ip6: ['2a00:1450::1/128', '2a00:1450:4000::/36'],
      },
      otherwise: { ip4: 'fail', ip6: 'fail' },
      complete: true,
    });
  });

  it('tells which term costs what', async () => {
    const { tree } = await lint('v=spf1 a:mail.example.com include:a.example redirect=b.example', {
      ...hosts,
      'a.example': { TXT: 'v=spf1 mx include:b.example exists:gone.example.com' },
      'b.example': { TXT: 'v=spf1 ptr:example.com ip4:203.0.115.0/24 -all' },
    });
    const costs = tree.terms.map(({ text, lookupTerms, voidLookups }) => [text, lookupTerms, voidLookups.ip4]);
    expect(costs).toEqual([
      ['a:mail.example.com', 1, 0],
      ['include:a.example', 5, 2],
      ['redirect=b.example', 2, 0],
    ]);
    expect(tree.terms[1]?.record?.terms.map(({ name, lookupTerms, status }) => [name, lookupTerms, status])).toEqual([
      ['mx', 1, 'known'],
      ['include', 2, 'known'],
      ['exists', 1, 'known'],
    ]);
    expect(tree).toMatchObject({ lookupTerms: 8, voidLookups: { ip4: 2, ip6: 2 } });
  });

  it.each<[string, string, readonly string[], Zone?]>([
    ['everybody', 'v=spf1 +all', ['passes-everybody', 'lookups']],
    ['everybody by network', 'v=spf1 ip4:0.0.0.0/0 -all', ['passes-everybody', ...good]],
    [
      'everybody by include',
      'v=spf1 include:a.example -all',
      ['passes-everybody', ...good],
      { 'a.example': { TXT: 'v=spf1 all' } },
    ],
    [
      'everybody in halves',
      'v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all',
      ['passes-everybody', 'broad-network', 'broad-network', ...good],
    ],
    [
      'nobody by include',
      'v=spf1 a:mail.example.com -include:a.example ~all',
      ['lookups', 'softfail-all'],
      { 'a.example': { TXT: 'v=spf1 all' } },
    ],
    ['neutral', 'v=spf1 a:mail.example.com ?all', ['neutral-all', 'lookups']],
    ['softfail', 'v=spf1 a:mail.example.com ~all', ['lookups', 'softfail-all']],
    ['no end', 'v=spf1 a:mail.example.com', ['missing-all', 'lookups']],
    ['no sender', 'v=spf1 -all', [...good, 'passes-nobody']],
    ['terms behind all', 'v=spf1 a:mail.example.com -all mx', ['term-after-all', ...good]],
    ['redirect beside all', 'v=spf1 a:mail.example.com redirect=a.example -all', ['redirect-ignored', ...good]],
    ['ptr', 'v=spf1 ptr -all', ['ptr-mechanism', ...good]],
    ['the macro p', 'v=spf1 exists:%{p}.example.com -all', ['ptr-macro', ...good, 'depends-on-message']],
    ['macros', 'v=spf1 exists:%{i}.example.com -all', [...good, 'depends-on-message']],
    ['no text to explain', 'v=spf1 a:mail.example.com -all exp=gone.example.com', ['explanation-unusable', ...good]],
    [
      'a bad text',
      'v=spf1 a:mail.example.com -all exp=a.example',
      ['explanation-unusable', ...good],
      { 'a.example': { TXT: '%{x}' } },
    ],
    [
      'two texts',
      'v=spf1 a:mail.example.com -all exp=a.example',
      ['explanation-unusable', ...good],
      { 'a.example': { TXT: ['one', 'two'] } },
    ],
    ['a good text', 'v=spf1 a:mail.example.com -all exp=a.example', good, { 'a.example': { TXT: 'Not %{c}.' } }],
    ['a term twice', 'v=spf1 a:mail.example.com ?A:MAIL.example.com -all', ['duplicate-term', ...good, 'odd-spelling']],
    [
      'a name twice',
      'v=spf1 a:mail.example.com mx mx:Example.com ~mx/24 -all',
      ['duplicate-term', ...good],
      { 'example.com': { TXT: 'v=spf1 a:mail.example.com mx mx:Example.com ~mx/24 -all', MX: '1 mail.example.com' } },
    ],
    ['a network twice', 'v=spf1 ip4:203.0.114.1 ip4:203.0.114.1/32 -all', [...good, 'duplicate-term']],
    ['a network in another', 'v=spf1 ip4:203.0.114.1 ip4:203.0.114.0/24 -all', [...good, 'overlapping-networks']],
    ['a network after another', 'v=spf1 ip6:2a00:1450::/32 -ip6:2a00:1450::1 -all', [...good, 'overlapping-networks']],
    ['an exception', 'v=spf1 -ip4:203.0.114.1 ip4:203.0.114.0/24 -all', good],
    ['host bits', 'v=spf1 ip4:203.0.114.1/24 -all', [...good, 'host-bits-set']],
    ['a broad network', 'v=spf1 ip4:8.0.0.0/7 -all', ['broad-network', ...good]],
    ['a private network', 'v=spf1 ip4:10.0.0.0/8 -all', ['special-network', ...good]],
    [
      'a private host',
      'v=spf1 a:a.example -all',
      ['special-network', ...good],
      { 'a.example': { A: '192.168.1.1', AAAA: '2a00:1450::1' } },
    ],
    ['a mapped network', 'v=spf1 a:mail.example.com ip6:::ffff:203.0.114.1 -all', ['mapped-network', ...good]],
    ['nothing at the name', 'v=spf1 a:mail.example.com a:gone.example.com -all', ['void-lookup', ...good]],
    ['no exchangers', 'v=spf1 a:mail.example.com mx -all', ['void-lookup', ...good]],
    [
      'no record to include',
      'v=spf1 a:mail.example.com include:gone.example.com -all',
      ['include-without-record', ...good],
    ],
    [
      'no record to redirect to',
      'v=spf1 a:mail.example.com redirect=gone.example.com',
      ['include-without-record', 'lookups'],
    ],
    ['itself', 'v=spf1 a:mail.example.com include:example.com -all', ['include-loop', ...good]],
    [
      'a loop',
      'v=spf1 include:a.example -all',
      ['include-loop', ...good, 'passes-nobody'],
      { 'a.example': { TXT: 'v=spf1 redirect=example.com' } },
    ],
    [
      'a record twice',
      'v=spf1 include:a.example include:b.example -all',
      ['repeated-include', ...good],
      { 'a.example': { TXT: 'v=spf1 ip4:203.0.115.0/24' }, 'b.example': { TXT: 'v=spf1 include:a.example' } },
    ],
    ['too long a label', `v=spf1 a:mail.example.com a:${'x'.repeat(64)}.example -all`, ['impossible-name', ...good]],
    [
      'two terms in one',
      'v=spf1 a:mail.example.cominclude:a.example -all',
      ['void-lookup', 'odd-name', ...good, 'passes-nobody'],
    ],
    ['an equals sign', 'v=spf1 a:mail.example.com ip4=203.0.114.1 -all', ['modifier-for-mechanism', ...good]],
    ['a record in the record', 'v=spf1 a:mail.example.com v=spf1 ip4:203.0.115.1 -all', ['joined-records', ...good]],
    ['an unknown modifier', 'v=spf1 a:mail.example.com match_subdomains=yes -all', [...good, 'unknown-modifier']],
    ['many spaces', 'v=spf1  a:mail.example.com -all ', [...good, 'odd-spelling']],
    ['capitals', 'V=SPF1 A:mail.example.com -all', [...good, 'odd-spelling']],
    ['no lookup', 'v=spf1 a:slow.example -all', ['lookup-failed', ...good], { 'slow.example': 'timeout' }],
    [
      'no lookup of a record',
      'v=spf1 include:slow.example -all',
      ['lookup-failed', ...good],
      { 'slow.example': 'servfail' },
    ],
  ])('finds %s', async (_, record, codes, zone = {}) => {
    expect(codesOf(await lint(record, { ...hosts, ...zone }))).toEqual(codes.toSorted());
  });

  it.each<[string, Zone, readonly string[]]>([
    ['no domain', {}, ['no-record']],
    ['no record', { 'example.com': { TXT: 'something else' } }, ['no-record']],
    ['a record that is none', { 'example.com': { TXT: '"v=spf1 -all"' } }, ['no-record', 'stray-record']],
    ['two records', { 'example.com': { TXT: ['v=spf1 -all', 'v=spf1 mx -all'] } }, ['several-records']],
    [
      'an old record',
      { 'example.com': { TXT: ['v=spf1 -all', 'spf2.0/pra -all'] } },
      ['sender-id-record', ...good, 'passes-nobody'],
    ],
    [
      'many records',
      { 'example.com': { TXT: ['v=spf1 -all', 'x'.repeat(450)] } },
      ['large-answer', ...good, 'passes-nobody'],
    ],
    ['no answer', { 'example.com': 'servfail' }, ['lookup-failed']],
  ])('judges %s', async (_, zone, codes) => {
    expect(codesOf(await lintSpf('example.com', { resolver: new ZoneResolver(zone) }))).toEqual(codes.toSorted());
  });

  it('takes a long record for what it is', async () => {
    const networks = Array.from({ length: 20 }, (_, index) => `ip4:203.0.${index + 114}.0/25`).join(' ');
    expect(codesOf(await lint(`v=spf1 ${networks} -all`))).toEqual(['long-record', ...good].toSorted());
  });

  it.each([
    ['ip4:203.0.114', 'term 2, "ip4:203.0.114"', ''],
    ['a:203.0.114.1', 'term 2', 'ip4:203.0.114.1'],
    ['ip:203.0.114.1', 'term 2', 'ip4:203.0.114.1'],
    ['ipv6:2a00::/32', 'term 2', 'ip6:2a00::/32'],
    ['ip4:2a00::/32', 'term 2', 'ip6:2a00::/32'],
    ['203.0.114.0/24', 'term 2', 'ip4:'],
    ['include: a.example', 'term 2, "include:"', 'space'],
    ['redirect:a.example', 'term 2', 'redirect='],
    ['a:mail.example.com,', 'term 2', 'spaces'],
    ['a:mail.example.com"', 'term 2', 'quotation'],
    ['\xe2\x80\x93all', 'term 2, "\\xe2\\x80\\x93all"', 'hyphen'],
    ['mail.example.com', 'term 2', 'a:mail.example.com'],
    ['\x1b[31m', 'term 2, "\\x1b[31m"', ''],
  ])('explains the syntax error in %j', async (term, where, advice) => {
    const { findings, tree } = await lint(`v=spf1 mx ${term} -all`);
    const [finding] = findings;
    expect(tree.status).toBe('syntax-error');
    expect(finding).toMatchObject({ code: 'syntax-error', severity: 'critical' });
    expect(finding?.message).toContain(where);
    expect(finding?.advice).toContain(advice);
  });

  it('counts beyond the limit of lookups, as an evaluation does', async () => {
    const zone = {
      'example.com': { TXT: `v=spf1 ${'mx:mail.example.com '.repeat(2)}include:a.example include:b.example -all` },
      'a.example': { TXT: 'v=spf1 a:mail.example.com a:mail.example.com include:b.example ~all' },
      'b.example': { TXT: `v=spf1 ${'exists:gone.example.com '.repeat(3)}?all` },
      'mail.example.com': { A: '203.0.114.1', MX: '10 mail.example.com' },
    };
    const resolver = new ZoneResolver(zone);
    const result = await lintSpf('example.com', { resolver });
    expect(result).toMatchObject({ lookupTerms: 13, voidLookups: { ip4: 6, ip6: 8 } });
    expect(codesOf(result).filter((code) => code.startsWith('too-many'))).toEqual([
      'too-many-lookups',
      'too-many-void-lookups',
      'too-many-void-lookups',
    ]);
    const limits = { maxLookupTerms: 100, maxVoidLookups: 100 };
    const input = { ip: '203.0.115.1', helo: 'client.example', mailFrom: 'someone@example.com' };
    const four = await checkSpfMailFrom(input, { resolver, ...limits });
    const six = await checkSpfMailFrom({ ...input, ip: '2a00::1' }, { resolver, ...limits });
    expect([four.lookupTerms, four.voidLookups, six.voidLookups]).toEqual([13, 6, 8]);
  });

  it("counts the lookup of the client's names once", async () => {
    const { lookupTerms } = await lint(
      'v=spf1 exists:%{p}.example.com exists:%{p}.example.net exp=%{p}.example.com -all',
    );
    expect(lookupTerms).toBe(3);
  });

  it('takes an AAAA record of an IPv4 address for an answer that nobody matches', async () => {
    const { networks, voidLookups } = await lint('v=spf1 a:a.example -all', {
      'a.example': { A: '203.0.114.1', AAAA: '::ffff:203.0.114.2' },
    });
    expect(networks.pass).toEqual({ ip4: ['203.0.114.1/32'], ip6: [] });
    expect(voidLookups).toEqual({ ip4: 0, ip6: 0 });
  });

  it('warns when the limit is near', async () => {
    const result = await lint(`v=spf1 ${'a:mail.example.com '.repeat(9)}-all`, hosts);
    expect(codesOf(result)).toContain('many-lookups');
  });

  it('refuses more than ten mail exchangers', async () => {
    const MX = Array.from({ length: 11 }, (_, index) => `${index} mx${index}.example.com`);
    const result = await lint('v=spf1 mx:a.example -all', { 'a.example': { MX } });
    expect(codesOf(result)).toContain('too-many-exchanges');
    expect(result.networks.otherwise).toEqual({ ip4: 'permerror', ip6: 'permerror' });
  });

  it('takes no exchangers from a null MX', async () => {
    const resolver = new ZoneResolver({ 'example.com': { TXT: 'v=spf1 mx -all', MX: '0 .' } });
    await lintSpf('example.com', { resolver });
    expect(resolver.queries.count('', 'A')).toBe(0);
  });

  it.each(['', 'com', '192.0.2.1', 'exa mple.com', '[192.0.2.1]', 'x'.repeat(100_000)])(
    'is given %j',
    async (domain) => {
      const resolver = new ZoneResolver();
      const result = await lintSpf(domain, { resolver });
      expect(codesOf(result)).toEqual(['not-a-domain']);
      expect(resolver.queries.count()).toBe(0);
    },
  );

  it('reads the domain as people write it', async () => {
    const resolver = new ZoneResolver({ 'xn--bcher-kva.example': { TXT: 'v=spf1 -all' } });
    expect(await lintSpf('B\u00fccher.Example.', { resolver })).toMatchObject({
      domain: 'xn--bcher-kva.example',
      tree: { status: 'record' },
    });
  });

  it('refuses options that are none, and what is no text', async () => {
    const resolver = new ZoneResolver();
    const noText: unknown = 5;
    // @ts-expect-error: what JavaScript may pass
    await expect(lintSpf(noText, { resolver })).rejects.toThrow(TypeError);
    // @ts-expect-error: what JavaScript may pass
    await expect(lintSpf('example.com', {})).rejects.toThrow('"resolver"');
    await expect(lintSpf('example.com', { resolver, maxQueries: 0 })).rejects.toThrow(RangeError);
  });
});

describe('the bounds of lintSpf', () => {
  it('tells twenty findings of a kind, and how many more there are', async () => {
    const { findings } = await lint(`v=spf1 ${Array.from({ length: 33 }, (_, index) => `x${index}=y`).join(' ')} -all`);
    expect(findings.filter(({ code }) => code === 'unknown-modifier')).toHaveLength(20);
    expect(findings.at(-1)).toMatchObject({ code: 'more-findings', evidence: { code: 'unknown-modifier', more: 13 } });
  });

  it('asks no more than maxQueries questions, however the records branch', async () => {
    const zone = Object.fromEntries(
      Array.from({ length: 15 }, (_, level) => [
        `l${level}.example`,
        { TXT: `v=spf1 ${`include:l${level + 1}.example `.repeat(20)}` },
      ]),
    );
    const resolver = new ZoneResolver(zone);
    const result = await lintSpf('l0.example', { resolver, maxQueries: 300 });
    expect(resolver.queries.count()).toBe(300);
    expect(codesOf(result)).toContain('not-followed');
    expect(result.findings.length).toBeLessThan(200);
  });

  it('follows no chain deeper than 20', async () => {
    const zone = Object.fromEntries(
      Array.from({ length: 50 }, (_, level) => [`l${level}.example`, { TXT: `v=spf1 redirect=l${level + 1}.example` }]),
    );
    const resolver = new ZoneResolver(zone);
    expect((await lintSpf('l0.example', { resolver })).lookupTerms).toBe(20);
  });

  it('reads the largest records', async () => {
    const terms = Array.from({ length: 3_000 }, (_, index) => `-ip4:203.${index >> 8}.${index & 255}.1`).join(' ');
    const record = `v=spf1 ${terms} include:a.example ip4:203.0.0.0/8 -all`;
    const result = await lint(record, { 'a.example': { TXT: `v=spf1 ${'a:mail.example.com '.repeat(2_000)}` } });
    expect(result.findings.length).toBeLessThan(100);
    expect(result.networks.pass.ip4.length).toBeLessThanOrEqual(20_000);
    const many = await lint(`v=spf1 ${'a '.repeat(11_000)}`);
    expect(many.tree.status).toBe('unasked');
  });

  it('shows nothing that is not printable', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.string(), fc.constantFrom(' ', 'a:', '%{d}', '\x1b[2J', 'exp=', '\xff', 'ip4:', '/')), {
          maxLength: 20,
        }),
        async (parts) => {
          const text = `v=spf1 ${parts.join('')}`.replace(/[^\0-\xff]/g, '?').slice(0, 255);
          const resolver: Resolver = {
            resolve: () => Promise.resolve({ kind: 'failure', reason: 'refused', detail: text }),
          };
          const answering: Resolver = {
            ...resolver,
            resolve: (name, type, options) =>
              type === 'TXT' && name === 'example.com'
                ? new ZoneResolver({ 'example.com': { TXT: text } }).resolve(name, type, options)
                : resolver.resolve(name, type, options),
          };
          const result = await lintSpf('example.com', { resolver: answering });
          for (const shown of textsOf(result)) expect(shown).toMatch(/^[\x20-\x7e§…]*$/);
          expect(formatSpfTree(result)).toMatch(/^[\x20-\x7e\n\u2500-\u257f]*$/);
        },
      ),
    );
  });

  it('ends at its deadline and at an abort, and says what is not known', async () => {
    const resolver = new ZoneResolver({ 'example.com': { TXT: 'v=spf1 include:slow.example -all' } });
    const letGo = resolver.hold('slow.example');
    const late = await lintSpf('example.com', { resolver, timeoutMs: 50 });
    expect(codesOf(late)).toContain('lookup-failed');
    expect(late.networks.complete).toBe(false);

    const controller = new AbortController();
    const waiting = lintSpf('example.com', { resolver, signal: controller.signal });
    controller.abort();
    expect(codesOf(await waiting)).toContain('lookup-failed');
    expect(codesOf(await lintSpf('example.com', { resolver, signal: AbortSignal.abort() }))).toEqual(['lookup-failed']);
    letGo();
  });

  it('outlives a resolver that throws', async () => {
    const resolver: Resolver = {
      resolve: () => {
        throw new Error('no');
      },
    };
    expect(codesOf(await lintSpf('example.com', { resolver }))).toEqual(['lookup-failed']);
  });
});
