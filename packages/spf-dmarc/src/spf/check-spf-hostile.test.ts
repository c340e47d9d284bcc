import { DnsClient } from '@postern/core';
import { type DnsFaultRule, DnsServer, type ZoneData, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSpf, checkSpfMailFrom } from './check-spf.ts';
import type { SpfCheck } from './spf-evaluation.ts';
import { ann, evaluate, odd } from './test-evaluation.ts';

describe('hostile records', () => {
  it('are permerror or evaluated, and never throw', async () => {
    const long = '%{s}'.repeat(16_000);
    expect(await evaluate(`v=spf1 exists:${long} -all`)).toMatchObject({ result: 'fail' });
    expect(await evaluate(`v=spf1 a:${long}%{l1r+}`)).toMatchObject({ result: 'neutral' });
    expect(await evaluate(`v=spf1 ${'x'.repeat(60_000)}`)).toMatchObject({ result: 'permerror' });
    expect(await evaluate(`v=spf1 ${'ip4:192.0.2.1/33 '.repeat(3_000)}`)).toMatchObject({ result: 'permerror' });
    expect(await evaluate(`v=spf1 ${'ip4:203.0.113.1 '.repeat(3_900)}-all`)).toMatchObject({ result: 'fail' });
    expect(await evaluate('v=spf1 \0\x1b[31m')).toMatchObject({ result: 'permerror' });
    expect((await evaluate('v=spf1 \0\x1b[31m')).problem).not.toMatch(/[^ -~]/);
    expect(await evaluate(['v=spf1 -all', 'V=SPF1 -all'])).toMatchObject({ result: 'permerror', record: undefined });
  });

  it('give a result for any bytes', async () => {
    const pieces = fc.constantFrom(
      'v=spf1',
      ' ',
      'a',
      'mx',
      'ptr',
      ':',
      '/24',
      '//64',
      '%{',
      '}',
      '%{d}',
      '%{p}',
      '%{l1r-}',
      'include:',
      'exists:',
      'redirect=',
      'exp=',
      'example.com',
      'ip4:192.0.2.0/25',
      'ip6:2001:db8::/32',
      '-all',
      '~',
      '\0',
      '\xff',
      '.',
    );
    const text = fc.array(pieces, { maxLength: 12 }).map((parts) => `v=spf1 ${parts.join('')}`);
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('192.0.2.10', '2001:db8::9'), async (record, ip) => {
        const { result, problem, matched, lookupTerms } = await evaluate(record, {}, {}, { ip });
        expect(lookupTerms).toBeLessThanOrEqual(10);
        expect(matched === undefined || ['pass', 'fail', 'softfail', 'neutral'].includes(result)).toBe(true);
        expect(problem === undefined).toBe(['pass', 'fail', 'softfail', 'neutral'].includes(result));
        expect(problem ?? '').not.toMatch(/[^ -~…]/);
      }),
    );
  });
});

describe('hostile explanations', () => {
  it.each([
    ['1 MB of text', 'x'.repeat(1_048_576)],
    ['1 MB of macros', '%{s}%{p}%{ir}'.repeat(80_000)],
    ['a macro that does not end', `%{${'d'.repeat(60_000)}`],
    ['what is not printable', 'go \x1b[2J'],
    ['another line', 'go\r\n250 OK'],
  ])('%s is none, and the result stays', async (_, text) => {
    const resolver = odd((name) =>
      Promise.resolve({
        kind: 'records',
        records: [name === 'why.example' ? text : 'v=spf1 exp=why.example -all'],
        ttl: 1,
        authentic: false,
      }),
    );
    const found = await checkSpfMailFrom(ann, { resolver });
    expect(found).toMatchObject({ result: 'fail', explanation: undefined, problem: undefined });
  });

  it('of 64 KB, 500 characters are shown', async () => {
    const text = '%{s}%{ir}'.repeat(7_000);
    const { explanation } = await evaluate('v=spf1 exp=why.example -all', { 'why.example': { TXT: text } });
    expect(explanation).toHaveLength(500);
    expect(explanation).toMatch(/^ann@example\.com10\.2\.0\.192.*\.\.\.$/);
  });
});

describe('hostile DNS', () => {
  /** A check by a client that asks a server on this machine. */
  async function checkOver(zone: ZoneData, ...faults: DnsFaultRule[]): Promise<SpfCheck> {
    await using server = await DnsServer.start(zone, { faults });
    const resolver = new DnsClient({ servers: [server.address], timeoutMs: 10_000 });
    try {
      return await checkSpf({ ...ann, helo: 'mail' }, { resolver, timeoutMs: 30_000 });
    } finally {
      resolver.close();
    }
  }

  /** Says of every name that it is an alias of another one, without end. */
  function aliases(): (query: Uint8Array) => Uint8Array {
    let count = 0;
    return (query) => {
      // Without the OPT record at its end.
      const reply = Buffer.from(query.subarray(0, query.length - 11));
      reply.writeUInt16BE(0x8180, 2);
      reply.writeUInt16BE(1, 6);
      reply.writeUInt16BE(0, 10);
      const label = `h${++count}`;
      const record = [0xc0, 0x0c, 0, 5, 0, 1, 0, 0, 0, 9, 0, label.length + 7, label.length];
      return Buffer.concat([reply, Buffer.from(record), Buffer.from(`${label}\x04test\0`)]);
    };
  }

  it('CNAMEs without end are temperror, wherever they stand', async () => {
    const endless = { fault: 'raw', reply: aliases() } as const;
    expect(await checkOver({}, endless)).toMatchObject({ result: 'temperror' });
    const zone = (record: string): ZoneData => ({ 'example.com': { TXT: record, MX: '1 mx.example.com' } });
    for (const term of ['include:loop.example', 'a:loop.example', 'exists:loop.example', 'redirect=loop.example']) {
      const found = await checkOver(
        zone(`v=spf1 ${term}`),
        { ...endless, name: 'loop.example' },
        { ...endless, name: '*.test' },
      );
      expect(found).toMatchObject({ result: 'temperror', lookupTerms: 1 });
      expect(found.problem).toContain('loop.example');
    }
  });

  it('CNAMEs in a circle are temperror', async () => {
    const circle = { 'example.com': { CNAME: 'b.example' }, 'b.example': { CNAME: 'example.com' } };
    expect(await checkOver(circle)).toMatchObject({ result: 'temperror' });
  });

  it('a record may be an alias, and may have 60,000 octets', async () => {
    const text = `v=spf1 ${'ip4:203.0.113.1 '.repeat(3_700)}-all`;
    const found = await checkOver({ 'example.com': { CNAME: 'b.example' }, 'b.example': { TXT: text } });
    expect(found).toMatchObject({ result: 'fail', record: text, matched: { term: '-all', index: 3_700 } });
  });

  it('octets of a record are what they are', async () => {
    const found = await checkOver({ 'example.com': { TXT: 'v=spf1 a:\0\xff\x80.example' } });
    expect(found).toMatchObject({ result: 'permerror', record: 'v=spf1 a:\0\xff\x80.example' });
    expect(found.problem).toContain('"a:\\x00\\xff\\x80.example"');
    expect(await checkOver({ 'example.com': { TXT: 'v=spf1\0-all' } })).toMatchObject({ result: 'none' });
  });
});

it('a result stays as it is when answers come later', async () => {
  const zone = new ZoneResolver({
    'example.com': { TXT: 'v=spf1 mx', MX: ['1 a.example', '2 b.example'] },
    'b.example': { A: ann.ip },
  });
  const letGo = zone.hold('b.example');
  const resolver = odd((name, type) => {
    if (name === 'a.example') throw new Error('no');
    return type === 'TXT' || type === 'MX' || type === 'A' ? zone.resolve(name, type) : undefined;
  });
  const found = await checkSpfMailFrom(ann, { resolver });
  const before = structuredClone(found);
  expect(found).toMatchObject({ result: 'temperror', problem: 'The resolver failed.' });
  letGo();
  await zone.resolve('b.example', 'A');
  await new Promise((resolve) => setImmediate(resolve));
  expect(found).toEqual(before);
});
