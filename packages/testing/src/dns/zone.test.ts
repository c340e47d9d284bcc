import { describe, expect, it } from 'vitest';
import { Zone } from './zone.ts';

const soa = { SOA: 'ns.example.com hostmaster.example.com 1 7200 3600 1209600 900', ttl: 3600 };

describe('records', () => {
  it('reads every type from its shortest form', () => {
    const zone = new Zone({
      'Example.COM.': {
        A: '192.0.2.1',
        AAAA: '2001:DB8:0:0::1',
        TXT: 'v=spf1 -all',
        MX: '10 MX.example.com.',
        NS: 'ns.example.com',
        SOA: 'ns.example.com. john\\.doe.example.com. 1 2h 1h 2w 15m',
        SRV: '1 2 25 mx.example.com',
        TLSA: '3 1 1 00AAff',
        CAA: '128 issue "ca.example; policy=x"',
      },
      '1.2.0.192.in-addr.arpa': { PTR: 'Mail.example.com' },
      'www.example.com': { CNAME: 'Example.com.' },
    });
    const all = Object.fromEntries([...zone].map(([name, sets]) => [name, sets]));
    const records = Object.fromEntries(Object.entries(all['example.com'] ?? {}).map(([t, s]) => [t, s.records[0]]));
    expect(records).toEqual({
      A: '192.0.2.1',
      AAAA: '2001:db8::1',
      TXT: 'v=spf1 -all',
      MX: { preference: 10, exchange: 'mx.example.com' },
      NS: 'ns.example.com',
      SOA: {
        primary: 'ns.example.com',
        mailbox: 'john\\.doe.example.com',
        serial: 1,
        refresh: 7200,
        retry: 3600,
        expire: 1209600,
        minimum: 900,
      },
      SRV: { priority: 1, weight: 2, port: 25, target: 'mx.example.com' },
      TLSA: { usage: 3, selector: 1, matchingType: 1, data: '00aaff' },
      CAA: { critical: true, tag: 'issue', value: 'ca.example; policy=x' },
    });
    expect(all['1.2.0.192.in-addr.arpa']?.PTR?.records).toEqual(['mail.example.com']);
    expect(all['www.example.com']?.CNAME?.records).toEqual(['example.com']);
  });

  it('reads objects as core gives them', () => {
    const records = {
      MX: [{ preference: 0, exchange: '' }],
      SOA: {
        primary: 'a',
        mailbox: 'b',
        serial: 4294967295,
        refresh: 1,
        retry: 2,
        expire: 3,
        minimum: 4,
      },
      SRV: [{ priority: 0, weight: 0, port: 443, target: '' }],
      TLSA: { usage: 3, selector: 1, matchingType: 0, data: '' },
      CAA: { critical: false, tag: 'iodef', value: 'mailto:a@example.com' },
    };
    const zone = new Zone({ 'example.com': records });
    const sets = new Map(zone).get('example.com') ?? {};
    expect(sets.MX?.records).toEqual(records.MX);
    expect(sets.SOA?.records).toEqual([records.SOA]);
    expect(sets.SRV?.records).toEqual(records.SRV);
    expect(sets.TLSA?.records).toEqual([records.TLSA]);
    expect(sets.CAA?.records).toEqual([records.CAA]);
  });

  it('keeps TXT strings apart for the wire and joined for the resolver', () => {
    const zone = new Zone({ a: { TXT: ['x'.repeat(300), ['one ', 'two', ''], ''] } });
    const set = new Map(zone).get('a')?.TXT;
    expect(set?.records).toEqual(['x'.repeat(300), 'one two', '']);
    expect(set?.strings).toEqual([['x'.repeat(255), 'x'.repeat(45)], ['one ', 'two', ''], ['']]);
  });

  it('has each record once (RFC 2181 §5)', () => {
    const zone = new Zone({ a: { A: ['192.0.2.1', '192.0.2.2', '192.0.2.1'], MX: ['1 b', '1 B.'] } });
    expect(zone.lookup('a', 'A')).toMatchObject({ set: { records: ['192.0.2.1', '192.0.2.2'] } });
    expect(zone.lookup('a', 'MX')).toMatchObject({ set: { records: [{ preference: 1, exchange: 'b' }] } });
  });

  it.each([
    [{ a: { A: '192.0.2.256' } }, 'a A: "192.0.2.256" is not an IPv4 address'],
    [{ a: { A: '2001:db8::1' } }, 'not an IPv4 address'],
    [{ a: { AAAA: '192.0.2.1' } }, 'not an IPv6 address'],
    [{ a: { AAAA: 'fe80::1%eth0' } }, 'not an IPv6 address'],
    [{ a: { MX: '65536 b' } }, 'the preference must be a whole number from 0 to 65535'],
    [{ a: { MX: '10 b c' } }, '"c" is one word too many'],
    [{ a: { MX: { preference: 1.5, exchange: 'b' } } }, 'the preference must be'],
    [{ a: { PTR: 'a..b' } }, 'the name is not a domain name'],
    [{ a: { TXT: '€' } }, 'is not one octet'],
    [{ a: { TXT: [['x'.repeat(256)]] } }, 'at most 255 octets'],
    [{ a: { TLSA: '3 1 1 abc' } }, 'is not hexadecimal'],
    [{ a: { CAA: '0 is-sue x' } }, 'is not a tag'],
    [{ a: { CNAME: ['b', 'c'] } }, 'more than one CNAME'],
    [{ a: { CNAME: 'b', A: '192.0.2.1' } }, 'has A beside a CNAME'],
    [{ a: { ttl: -1 } }, '"ttl" must be'],
    [{ 'a..b': {} }, '"a..b" is not a domain name'],
    [{ [`${'x'.repeat(64)}.b`]: {} }, 'is not a domain name'],
  ])('refuses %j', (data, message) => {
    expect(() => new Zone(data)).toThrow(RangeError);
    expect(() => new Zone(data)).toThrow(message);
  });

  it.each([
    ['{"a":{"SPF":"x"}}', '"SPF" is neither a record type'],
    ['{"a":"broken"}', 'must be one of timeout, servfail'],
    ['{"a":"aborted"}', 'must be one of timeout, servfail'],
    ['{"a":null}', 'takes records or a failure'],
    ['{"a":{"A":1}}', 'a record must be a string'],
    ['{"a":{"A":{"failure":"no"}}}', '"failure" must be one of'],
    ['{"a":{"MX":{"preference":1}}}', '"exchange" is missing'],
    ['{"a":{"MX":{"preference":1,"exchange":"b","priority":1}}}', 'has no property "priority"'],
    ['{"a":{"TXT":[1]}}', 'a record must be a string'],
    ['{"a":{"authentic":1}}', '"authentic" must be'],
  ])('refuses %s as a programmer’s mistake', (json, message) => {
    expect(() => new Zone(JSON.parse(json))).toThrow(TypeError);
    expect(() => new Zone(JSON.parse(json))).toThrow(message);
  });
});

describe('absence', () => {
  it('tells a name without records from a name that is not there', () => {
    const zone = new Zone({ 'example.com': soa, 'a.b.example.com': { A: '192.0.2.1' } });
    expect(zone.lookup('a.b.example.com', 'TXT').kind).toBe('nodata');
    // RFC 4592 §2.2.2: a name without records of its own exists when something stands below it.
    expect(zone.lookup('b.example.com', 'A').kind).toBe('nodata');
    expect(zone.lookup('com', 'A').kind).toBe('nodata');
    expect(zone.lookup('c.example.com', 'A').kind).toBe('nxdomain');
    expect(zone.lookup('x.a.b.example.com', 'A').kind).toBe('nxdomain');
  });

  it('takes the negative TTL from the SOA above (RFC 2308 §5), and has none without', () => {
    const zone = new Zone({
      'example.com': soa,
      'sub.example.com': { ...soa, ttl: 60 },
      'example.org': { A: '192.0.2.1' },
    });
    expect(zone.lookup('x.example.com', 'A')).toMatchObject({
      kind: 'nxdomain',
      ttl: 900,
      authority: { owner: 'example.com' },
    });
    expect(zone.lookup('x.sub.example.com', 'A')).toMatchObject({ ttl: 60, authority: { owner: 'sub.example.com' } });
    expect(zone.lookup('example.org', 'MX')).toMatchObject({ kind: 'nodata', ttl: 0, authority: undefined });
  });

  it('forgets deleted names and the empty ones above them', () => {
    const zone = new Zone({ 'a.b.example': { A: '192.0.2.1' }, 'c.example': { A: '192.0.2.1' } });
    expect(zone.delete('A.b.example.')).toBe(true);
    expect(zone.delete('a.b.example')).toBe(false);
    expect(zone.delete('b.example')).toBe(false);
    expect(zone.lookup('b.example', 'A').kind).toBe('nxdomain');
    expect(zone.lookup('example', 'A').kind).toBe('nodata');
  });

  it('replaces what a name had', () => {
    const zone = new Zone({ a: { A: '192.0.2.1', MX: '1 b' } });
    zone.set('a', { A: '192.0.2.2' });
    expect(zone.lookup('a', 'A')).toMatchObject({ set: { records: ['192.0.2.2'] } });
    expect(zone.lookup('a', 'MX').kind).toBe('nodata');
    zone.delete('a');
    expect(zone.lookup('a', 'A').kind).toBe('nxdomain');
  });
});

// The zone and the answers of RFC 4592 §2.2.1.
describe('wildcards', () => {
  const zone = new Zone({
    example: soa,
    '*.example': { TXT: 'this is a wildcard', MX: '10 host1.example' },
    'sub.*.example': { TXT: 'this is not a wildcard' },
    'host1.example': { A: '192.0.2.1' },
    '_ssh._tcp.host1.example': { SRV: '0 0 22 host1.example' },
    '_ssh._tcp.host2.example': { SRV: '0 0 22 host2.example' },
    'subdel.example': { NS: 'ns.example.com' },
  });

  it.each([
    ['host3.example', 'MX', 'records'],
    ['host3.example', 'A', 'nodata'],
    ['foo.bar.example', 'TXT', 'records'],
    ['host1.example', 'MX', 'nodata'],
    ['sub.*.example', 'MX', 'nodata'],
    ['_telnet._tcp.host1.example', 'SRV', 'nxdomain'],
    ['ghost.*.example', 'MX', 'nxdomain'],
    ['*.example', 'TXT', 'records'],
    ['host2.example', 'MX', 'nodata'],
  ] as const)('%s %s: %s', (name, type, kind) => {
    const answer = zone.lookup(name, type);
    expect(answer.kind).toBe(kind);
    if (answer.kind === 'records') expect(answer.owner).toBe(name);
  });

  it('may stand below the root, and be a CNAME', () => {
    const all = new Zone({ '*': { CNAME: 'sink.test' }, 'sink.test': { A: '192.0.2.9' } });
    expect(all.lookup('any.where', 'A')).toMatchObject({ kind: 'records', owner: 'sink.test' });
    expect(all.lookup('any.test', 'A').kind).toBe('nxdomain');
  });
});

describe('aliases', () => {
  const zone = new Zone({
    'a.test': { CNAME: 'b.test', ttl: 100 },
    'b.test': { CNAME: 'c.test', ttl: 20 },
    'c.test': { A: '192.0.2.1', ttl: 50 },
    test: { ...soa, ttl: 30 },
    'gone.test': { CNAME: 'nowhere.test' },
    'fails.test': { CNAME: 'dead.test' },
    'dead.test': 'refused',
    'loop.test': { CNAME: 'loop.test' },
  });

  it('follows them; the least TTL counts', () => {
    expect(zone.lookup('a.test', 'A')).toMatchObject({
      owner: 'c.test',
      ttl: 20,
      aliases: [{ owner: 'a.test' }, { owner: 'b.test' }],
    });
    expect(zone.lookup('a.test', 'TXT')).toMatchObject({ kind: 'nodata', ttl: 20 });
    expect(zone.lookup('gone.test', 'A')).toMatchObject({ kind: 'nxdomain', ttl: 30 });
    expect(zone.lookup('fails.test', 'A')).toMatchObject({ kind: 'failure', reason: 'refused' });
  });

  it('gives the CNAME itself when it is asked for', () => {
    expect(zone.lookup('a.test', 'CNAME')).toMatchObject({
      owner: 'a.test',
      set: { records: ['b.test'] },
      aliases: [],
    });
  });

  it('ends circles and long chains with servfail', () => {
    expect(zone.lookup('loop.test', 'A')).toMatchObject({ kind: 'failure', reason: 'servfail' });
    const chain = new Zone(
      Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`n${index}`, { CNAME: `n${index + 1}` }])),
    );
    chain.set('n17', { A: '192.0.2.1' });
    expect(chain.lookup('n0', 'A')).toMatchObject({ kind: 'failure', reason: 'servfail' });
    expect(chain.lookup('n1', 'A')).toMatchObject({ kind: 'records', owner: 'n17' });
  });
});

it('fails by name, by type, and below a wildcard', () => {
  const zone = new Zone({
    'slow.test': 'timeout',
    'half.test': { A: '192.0.2.1', TXT: { failure: 'servfail' } },
    '*.list.test': 'refused',
  });
  expect(zone.lookup('slow.test', 'A')).toMatchObject({ reason: 'timeout' });
  expect(zone.lookup('half.test', 'TXT')).toMatchObject({ reason: 'servfail' });
  expect(zone.lookup('half.test', 'A').kind).toBe('records');
  expect(zone.lookup('2.0.0.127.list.test', 'A')).toMatchObject({ reason: 'refused' });
});

it('validates where the name, or a name above it, says so', () => {
  const zone = new Zone({
    'signed.test': { A: '192.0.2.1', authentic: true },
    'mx.signed.test': { A: '192.0.2.2' },
    'unsigned.signed.test': { A: '192.0.2.3', authentic: false },
    'to-unsigned.signed.test': { CNAME: 'unsigned.signed.test' },
    'plain.test': { A: '192.0.2.4' },
  });
  const authentic = (name: string) => zone.lookup(name, 'A');
  expect(authentic('mx.signed.test')).toMatchObject({ authentic: true });
  expect(authentic('nowhere.signed.test')).toMatchObject({ kind: 'nxdomain', authentic: true });
  expect(authentic('unsigned.signed.test')).toMatchObject({ authentic: false });
  expect(authentic('to-unsigned.signed.test')).toMatchObject({ authentic: false });
  expect(authentic('plain.test')).toMatchObject({ authentic: false });
  expect(new Zone({ a: { A: '192.0.2.1' } }, { authentic: true }).lookup('a', 'A')).toMatchObject({ authentic: true });
});

it('checks its options', () => {
  expect(() => new Zone({}, { ttl: 1.5 })).toThrow('option "ttl"');
  expect(() => new Zone({}, JSON.parse('{"authentic":"yes"}'))).toThrow('option "authentic"');
  expect(new Zone({ a: { A: '192.0.2.1' } }, { ttl: 7 }).lookup('a', 'A')).toMatchObject({ ttl: 7 });
});
