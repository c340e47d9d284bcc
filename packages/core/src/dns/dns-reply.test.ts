import { type Answer, decode } from 'dns-packet';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp } from '../address/format-ip.ts';
import { parseIp } from '../address/parse-ip.ts';
import { encodeQuery, isReplyTo } from './dns-query.ts';
import { decodeReply } from './dns-reply.ts';
import { RECORD_TYPE_CODES } from './record-type.ts';
import type { RecordType } from './resolver.ts';

/** Writes a message, names compressed as far as they go. */
class Wire {
  readonly octets: number[] = [];
  readonly #known = new Map<string, number>();

  u8(...values: number[]): this {
    this.octets.push(...values);
    return this;
  }

  u16(...values: number[]): this {
    for (const value of values) this.u8(value >> 8, value & 0xff);
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) this.u16(value >>> 16, value & 0xffff);
    return this;
  }

  text(text: string): this {
    return this.u8(...Buffer.from(text, 'latin1'));
  }

  string(text: string): this {
    return this.u8(text.length).text(text);
  }

  name(name: string): this {
    const dot = name.indexOf('.');
    const pointer = this.#known.get(name);
    if (name === '') return this.u8(0);
    if (pointer !== undefined) return this.u16(0xc000 | pointer);
    if (this.octets.length < 0x4000) this.#known.set(name, this.octets.length);
    return this.string(dot < 0 ? name : name.slice(0, dot)).name(dot < 0 ? '' : name.slice(dot + 1));
  }
}

interface TestRecord {
  readonly owner: string;
  readonly type: RecordType | 'OPT';
  readonly data: (wire: Wire) => void;
  readonly ttl?: number;
  readonly class?: number;
}

interface TestReply {
  readonly name?: string;
  readonly type?: RecordType;
  readonly flags?: number;
  readonly answers?: readonly TestRecord[];
  readonly authorities?: readonly TestRecord[];
  readonly additionals?: readonly TestRecord[];
}

function message({ name = 'a.test', type = 'A', flags = 0x8180, ...sections }: TestReply): Buffer {
  const { answers = [], authorities = [], additionals = [] } = sections;
  const wire = new Wire().u16(1, flags, 1, answers.length, authorities.length, additionals.length);
  wire.name(name).u16(RECORD_TYPE_CODES[type], 1);
  for (const record of [...answers, ...authorities, ...additionals]) {
    const code = record.type === 'OPT' ? 41 : RECORD_TYPE_CODES[record.type];
    wire
      .name(record.owner)
      .u16(code, record.class ?? 1)
      .u32(record.ttl ?? 300);
    wire.u16(0);
    const start = wire.octets.length;
    record.data(wire);
    const length = wire.octets.length - start;
    wire.octets[start - 2] = length >> 8;
    wire.octets[start - 1] = length & 0xff;
  }
  return Buffer.from(wire.octets);
}

const a = (owner: string, address: string, ttl?: number): TestRecord => ({
  owner,
  type: 'A',
  data: (wire) => wire.u32(parseIp(address)?.word3 ?? 0),
  ...(ttl === undefined ? {} : { ttl }),
});
const cname = (owner: string, target: string, ttl?: number): TestRecord => ({
  owner,
  type: 'CNAME',
  data: (wire) => wire.name(target),
  ...(ttl === undefined ? {} : { ttl }),
});
const soa = (owner: string, ttl: number, minimum: number): TestRecord => ({
  owner,
  type: 'SOA',
  ttl,
  data: (wire) => wire.name(`ns.${owner}`).name(`hostmaster.${owner}`).u32(1, 2, 3, 4, minimum),
});
const ns = (owner: string): TestRecord => ({ owner, type: 'NS', data: (wire) => wire.name('ns.elsewhere.test') });

function read(reply: TestReply, trusted = false): unknown {
  const { name = 'a.test', type = 'A' } = reply;
  return decodeReply({ name, type }, message(reply), trusted);
}

describe('decodeReply', () => {
  it('gives the records of the name, and the least of their TTLs', () => {
    expect(read({ answers: [a('a.test', '192.0.2.1', 60), a('a.test', '192.0.2.2', 30)] })).toEqual({
      kind: 'records',
      records: ['192.0.2.1', '192.0.2.2'],
      ttl: 30,
      authentic: false,
    });
  });

  it('takes a TTL with the first bit set for 0', () => {
    expect(read({ answers: [a('a.test', '192.0.2.1', 0x80000000)] })).toMatchObject({ kind: 'records', ttl: 0 });
  });

  it('believes the AD bit of a trusted server only', () => {
    const answers = [a('a.test', '192.0.2.1')];
    expect(read({ flags: 0x81a0, answers }, true)).toMatchObject({ authentic: true });
    expect(read({ flags: 0x81a0, answers }, false)).toMatchObject({ authentic: false });
    expect(read({ flags: 0x8180, answers }, true)).toMatchObject({ authentic: false });
    expect(read({ flags: 0x81a3, authorities: [soa('test', 5, 5)] }, true)).toMatchObject({ authentic: true });
  });

  it('follows CNAME records in any order', () => {
    const answers = [a('c.test', '192.0.2.1', 50), cname('b.test', 'C.test', 40), cname('a.test', 'b.TEST', 45)];
    expect(read({ answers })).toEqual({
      kind: 'records',
      records: ['192.0.2.1'],
      ttl: 40,
      authentic: false,
      canonicalName: 'c.test',
    });
  });

  it('gives the CNAME record itself when asked for it', () => {
    expect(read({ type: 'CNAME', answers: [cname('a.test', 'b.test'), cname('b.test', 'c.test')] })).toEqual({
      kind: 'records',
      records: ['b.test'],
      ttl: 300,
      authentic: false,
    });
  });

  it('ignores records of other names, classes and types', () => {
    const answers: TestRecord[] = [
      a('b.test', '192.0.2.9', 1),
      { ...a('a.test', '192.0.2.8', 1), class: 3 },
      { owner: 'a.test', type: 'TXT', ttl: 1, data: (wire) => wire.string('x') },
      { owner: 'a.test', type: 'CNAME', class: 3, data: (wire) => wire.name('b.test') },
      a('a.test', '192.0.2.1'),
    ];
    expect(read({ answers })).toMatchObject({ kind: 'records', records: ['192.0.2.1'], ttl: 300 });
    expect(read({ answers: answers.slice(1, 4) })).toEqual({ kind: 'nodata', ttl: 0, authentic: false });
  });

  it.each([0, 3])('does not take records of other names, and none of its own, for an absence: RCODE %d', (rcode) => {
    // A DNS list whose answers are garbled has not said that it knows nothing of the client.
    expect(read({ answers: [a('b.test', '192.0.2.9')], flags: 0x8180 | rcode })).toEqual({
      kind: 'failure',
      reason: 'malformed',
      detail: 'the reply has records of other names only',
    });
  });

  it('says what an alias leads to when the reply says no more', () => {
    expect(read({ answers: [cname('a.test', 'b.elsewhere', 40), a('c.test', '192.0.2.1')] })).toEqual({
      kind: 'alias',
      target: 'b.elsewhere',
      ttl: 40,
      authentic: false,
    });
    const authorities = [soa('test', 60, 60)];
    expect(read({ answers: [cname('a.test', 'b.elsewhere')], authorities })).toMatchObject({ kind: 'alias' });
  });

  it.each([
    ['to itself', [cname('a.test', 'a.test')]],
    ['in a circle', [cname('a.test', 'b.test'), cname('b.test', 'c.test'), cname('c.test', 'a.test')]],
    [
      'too far',
      Array.from({ length: 17 }, (_, hop) => cname(hop === 0 ? 'a.test' : `h${hop}.test`, `h${hop + 1}.test`)),
    ],
  ])('calls CNAME records that lead %s malformed', (_where, answers) => {
    expect(read({ answers })).toMatchObject({ kind: 'failure', reason: 'malformed' });
  });

  it.each([
    ['its TTL', 60, 900, 60],
    ['its MINIMUM', 3600, 900, 900],
    ['0 for a MINIMUM with the first bit set', 3600, 0x80000000, 0],
  ])('keeps an absence for the lesser of the SOA’s two: %s', (_which, ttl, minimum, expected) => {
    const authorities = [soa('test', ttl, minimum)];
    expect(read({ authorities })).toEqual({ kind: 'nodata', ttl: expected, authentic: false });
    expect(read({ flags: 0x8183, authorities })).toEqual({ kind: 'nxdomain', ttl: expected, authentic: false });
  });

  it('does not keep an absence that no SOA speaks for', () => {
    expect(read({})).toEqual({ kind: 'nodata', ttl: 0, authentic: false });
    expect(read({ flags: 0x8183 })).toEqual({ kind: 'nxdomain', ttl: 0, authentic: false });
    const authorities = [soa('st', 60, 60)];
    expect(read({ authorities })).toEqual({ kind: 'nodata', ttl: 0, authentic: false });
    expect(read({ flags: 0x8183, authorities })).toEqual({ kind: 'nxdomain', ttl: 0, authentic: false });
  });

  it('says of the last name of a chain what the RCODE and the SOA say', () => {
    const answers = [cname('a.test', 'b.elsewhere.test', 20)];
    const authorities = [soa('elsewhere.test', 60, 60)];
    expect(read({ flags: 0x8183, answers, authorities })).toEqual({ kind: 'nxdomain', ttl: 20, authentic: false });
    expect(read({ answers, authorities })).toEqual({ kind: 'nodata', ttl: 20, authentic: false });
  });

  it('does not take a referral for an absence', () => {
    expect(read({ authorities: [ns('test')] })).toMatchObject({ kind: 'failure', reason: 'refused' });
    expect(read({ authorities: [ns('test'), soa('test', 60, 60)] })).toMatchObject({ kind: 'nodata', ttl: 60 });
  });

  it('refuses to say both that a name has records and that it does not exist', () => {
    const answers = [a('a.test', '192.0.2.1')];
    expect(read({ flags: 0x8183, answers })).toMatchObject({ kind: 'failure', reason: 'malformed' });
  });

  it.each([
    [1, { kind: 'edns-refused', detail: 'the server answered FORMERR' }],
    [2, { kind: 'failure', reason: 'servfail', detail: 'the server answered SERVFAIL' }],
    [4, { kind: 'edns-refused', detail: 'the server answered NOTIMP' }],
    [5, { kind: 'failure', reason: 'refused', detail: 'the server answered REFUSED' }],
    [9, { kind: 'failure', reason: 'servfail', detail: 'the server answered NOTAUTH' }],
    [15, { kind: 'failure', reason: 'servfail', detail: 'the server answered RCODE 15' }],
  ])('reads RCODE %d', (code, expected) => {
    expect(read({ flags: 0x8180 | code, answers: [a('a.test', '192.0.2.1')] })).toEqual(expected);
  });

  it('reads the upper bits of the RCODE from the OPT record', () => {
    const opt: TestRecord = { owner: '', type: 'OPT', class: 1232, ttl: 0x01000000, data: () => {} };
    expect(read({ additionals: [opt] })).toEqual({
      kind: 'failure',
      reason: 'servfail',
      detail: 'the server answered RCODE 16',
    });
    expect(read({ additionals: [{ ...opt, ttl: 0x00008000 }] })).toMatchObject({ kind: 'nodata' });
  });

  it('uses nothing of a truncated reply', () => {
    expect(read({ flags: 0x8380, answers: [a('a.test', '192.0.2.1')] })).toEqual({ kind: 'truncated' });
  });

  it('shows labels that are no text escaped, so that they pose as no other name', () => {
    const labels = (wire: Wire): Wire => wire.string('mail.a').string('b\0\\').string('\u00e9 x').u8(0);
    const answers: TestRecord[] = [{ owner: 'a.test', type: 'PTR', data: labels }];
    expect(read({ type: 'PTR', answers })).toMatchObject({ records: ['mail\\.a.b\\000\\\\.\\233\\032x'] });
  });

  it('knows a name with spaces again, repeated in full and behind an alias', () => {
    const name = 'a  b.test';
    const alias: TestRecord = { owner: name, type: 'CNAME', data: (wire) => wire.name('c d.test') };
    for (const answers of [[a(name, '192.0.2.1')], [alias, a('c d.test', '192.0.2.1')]]) {
      expect(decodeReply({ name, type: 'A' }, message({ name, answers }), false)).toMatchObject({
        records: ['192.0.2.1'],
      });
    }
  });

  it('freezes all that it gives', () => {
    const answers: TestRecord[] = [{ owner: 'a.test', type: 'MX', data: (wire) => wire.u16(10).name('mx.test') }];
    const answer = decodeReply({ name: 'a.test', type: 'MX' }, message({ type: 'MX', answers }), false);
    if (answer.kind !== 'records') throw new Error(`not records: ${answer.kind}`);
    for (const each of [answer, answer.records, ...answer.records]) expect(Object.isFrozen(each)).toBe(true);
    expect(Object.isFrozen(read({}))).toBe(true);
  });

  it.each<[string, RecordType, (wire: Wire) => void]>([
    ['A of 3 octets', 'A', (wire) => wire.u8(1, 2, 3)],
    ['A of 5 octets', 'A', (wire) => wire.u8(1, 2, 3, 4, 5)],
    ['AAAA of 4 octets', 'AAAA', (wire) => wire.u32(1)],
    ['MX without a name', 'MX', (wire) => wire.u16(10)],
    ['MX with something behind its name', 'MX', (wire) => wire.u16(10).name('mx.test').u8(0)],
    ['TXT whose string is longer than the record', 'TXT', (wire) => wire.u8(5).text('abc')],
    ['SOA without its numbers', 'SOA', (wire) => wire.name('ns.test').name('x.test').u32(1, 2)],
    ['CAA without a value’s room', 'CAA', (wire) => wire.u8(0, 9).text('issue')],
    ['TLSA of 2 octets', 'TLSA', (wire) => wire.u8(3, 1)],
    ['PTR to itself', 'PTR', (wire) => wire.u16(0xc000 | wire.octets.length)],
    ['PTR ahead', 'PTR', (wire) => wire.u16(0xc000 | (wire.octets.length + 2), 0)],
    ['PTR through its own labels', 'PTR', (wire) => wire.string('x').u16(0xc000 | wire.octets.length)],
    ['PTR of an unknown label type', 'PTR', (wire) => wire.u8(0x41, 0x61, 0)],
    [
      'PTR of more than 255 octets',
      'PTR',
      (wire) => wire.string('x'.repeat(63)).string('x'.repeat(63)).string('x'.repeat(63)).string('x'.repeat(62)).u8(0),
    ],
  ])('calls a reply with this record malformed: %s', (_what, type, data) => {
    expect(read({ type, answers: [{ owner: 'a.test', type, data }] })).toMatchObject({
      kind: 'failure',
      reason: 'malformed',
    });
  });

  it('is done soon with 64 KB of pointers', () => {
    const chain = new Wire().u16(1, 0x8180, 1, 1, 0xffff, 0).name('a.test').u16(1, 1);
    chain.name('a.test').u16(999, 1).u32(0).u16(16_300);
    const first = chain.octets.length;
    for (let at = first; at < first + 16_300; at += 2) chain.u16(0xc000 | (at === first ? 12 : at - 2));
    const last = 0xc000 | (first + 16_298);
    while (chain.octets.length < 65_500) chain.u16(last, RECORD_TYPE_CODES.SOA, 1).u32(0).u16(0);
    const reply = decodeReply({ name: 'a.test', type: 'A' }, Buffer.from(chain.octets), false);
    expect(reply).toMatchObject({ kind: 'failure', reason: 'malformed' });
  });

  it('reads 64 KB of common names, and no longer than that takes when all are as long as can be', () => {
    function exchanges(count: number, owner: (wire: Wire) => Wire): unknown {
      const wire = new Wire().u16(1, 0x8180, 1, count, 0, 0).name('a.test').u16(RECORD_TYPE_CODES.MX, 1);
      for (let index = 0; index < count; index++) owner(wire).u16(RECORD_TYPE_CODES.MX, 1).u32(9).u16(4, index, 0xc00c);
      expect(wire.octets.length).toBeLessThanOrEqual(65_535);
      return decodeReply({ name: 'a.test', type: 'MX' }, Buffer.from(wire.octets), false);
    }
    expect(exchanges(4_000, (wire) => wire.name('a.test'))).toMatchObject({ kind: 'records' });

    // Each label stands before a pointer to the one before.
    const longest = Array.from({ length: 126 }, () => 'x').join('.');
    let place = 0;
    const far = exchanges(3_000, (wire) => {
      if (place === 0) {
        for (let labels = 1; labels < 126; labels++) {
          const name = longest.slice(0, 2 * labels - 1);
          place = wire.octets.length;
          wire.name(name).u16(999, 1).u32(0).u16(0);
        }
      }
      return wire.u16(0xc000 | place);
    });
    expect(far).toMatchObject({ kind: 'failure', detail: expect.stringContaining('too long together') });
  });
});

const hostLabel = fc.constantFrom('a', 'mail', '_dmarc', 'xn--bcher-kva', 'mx-1', 'example', '127');
const hostName = fc.array(hostLabel, { maxLength: 5 }).map((labels) => [...labels, 'test'].join('.'));
const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffffffff);
const ascii = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });
const binary = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 255 });

const dataOf: { readonly [T in RecordType]: fc.Arbitrary<(wire: Wire) => void> } = {
  A: uint32.map((word) => (wire) => wire.u32(word)),
  AAAA: fc
    .array(fc.oneof(fc.constant(0), uint32), { minLength: 4, maxLength: 4 })
    .map((words) => (wire) => wire.u32(...words)),
  TXT: fc.array(binary, { minLength: 1, maxLength: 4 }).map((strings) => (wire) => {
    for (const each of strings) wire.string(each);
  }),
  MX: fc.tuple(uint16, fc.oneof(hostName, fc.constant(''))).map(
    ([preference, exchange]) =>
      (wire) =>
        wire.u16(preference).name(exchange),
  ),
  PTR: hostName.map((name) => (wire) => wire.name(name)),
  CNAME: hostName.map((name) => (wire) => wire.name(name)),
  NS: hostName.map((name) => (wire) => wire.name(name)),
  SOA: fc.tuple(hostName, hostName, fc.array(uint32, { minLength: 5, maxLength: 5 })).map(
    ([primary, mailbox, numbers]) =>
      (wire) =>
        wire
          .name(primary)
          .name(mailbox)
          .u32(...numbers),
  ),
  SRV: fc.tuple(uint16, uint16, uint16, hostName).map(
    ([priority, weight, port, target]) =>
      (wire) =>
        wire.u16(priority, weight, port).name(target),
  ),
  TLSA: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), binary).map(
    ([usage, selector, matching, data]) =>
      (wire) =>
        wire.u8(usage, selector, matching).text(data),
  ),
  CAA: fc.tuple(fc.constantFrom(0, 0x80, 1), ascii, ascii).map(
    ([flags, tag, value]) =>
      (wire) =>
        wire.u8(flags).string(tag).text(value),
  ),
};

/** What dns-packet read, in the shape of `RecordData`. */
function shaped(answer: Answer): unknown {
  const name = (text: string): string => (text === '.' ? '' : text);
  switch (answer.type) {
    case 'A':
      return answer.data;
    case 'AAAA': {
      const ip = parseIp(answer.data);
      if (ip === undefined) throw new Error(`dns-packet gave ${answer.data}`);
      return ip.family === 4 ? `::ffff:${formatIp(ip)}` : formatIp(ip);
    }
    case 'TXT':
      return Buffer.concat([answer.data].flat().map((each) => Buffer.from(each))).toString('latin1');
    case 'MX':
      return { preference: answer.data.preference, exchange: name(answer.data.exchange) };
    case 'PTR':
    case 'CNAME':
    case 'NS':
      return name(answer.data);
    case 'SOA': {
      const { mname: primary, rname: mailbox, serial, refresh, retry, expire, minimum } = answer.data;
      return { primary, mailbox, serial, refresh, retry, expire, minimum };
    }
    case 'SRV':
      return answer.data;
    case 'TLSA': {
      const { usage, selector, matchingType, certificate } = answer.data;
      return { usage, selector, matchingType, data: certificate.toString('hex') };
    }
    case 'CAA':
      return { critical: answer.data.issuerCritical, tag: answer.data.tag, value: answer.data.value };
    default:
      throw new Error(`dns-packet gave a record of type ${answer.type}`);
  }
}

const anyType = fc.constantFrom<RecordType>(
  'A',
  'AAAA',
  'TXT',
  'MX',
  'PTR',
  'CNAME',
  'NS',
  'SOA',
  'SRV',
  'TLSA',
  'CAA',
);
const anyReply = fc.record({ type: anyType, name: hostName }).chain(({ type, name }) =>
  fc.array(dataOf[type], { minLength: 1, maxLength: 6 }).map((list) => ({
    name,
    type,
    answers: list.map((data, index): TestRecord => ({ owner: name, type, data, ttl: 1_000 - index })),
    authorities: [soa('test', 60, 60)],
  })),
);

describe('decodeReply beside dns-packet', () => {
  it('reads records of every type alike', () => {
    fc.assert(
      fc.property(anyReply, (reply) => {
        const bytes = message(reply);
        const expected = (decode(bytes).answers ?? []).map(shaped);
        expect(decodeReply(reply, bytes, false)).toEqual({
          kind: 'records',
          records: expected,
          ttl: 1_001 - reply.answers.length,
          authentic: false,
        });
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('decodeReply on hostile input', () => {
  const kinds = ['records', 'nodata', 'nxdomain', 'failure', 'alias', 'truncated', 'edns-refused'];

  it('never throws on octets that were changed, cut out or put in', () => {
    const change = fc.record({ at: fc.nat(2_000), cut: fc.nat(4), put: fc.uint8Array({ maxLength: 4 }) });
    fc.assert(
      fc.property(anyReply, fc.array(change, { minLength: 1, maxLength: 5 }), (reply, changes) => {
        let bytes = message(reply);
        for (const { at, cut, put } of changes) {
          const start = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + cut)]);
        }
        const query = encodeQuery(1, reply, true, undefined);
        if (isReplyTo(query, bytes, false)) expect(kinds).toContain(decodeReply(reply, bytes, true).kind);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throws on random octets behind a right question', () => {
    fc.assert(
      fc.property(
        anyType,
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        fc.uint8Array({ maxLength: 400 }),
        (type, counts, rest) => {
          const bytes = Buffer.concat([message({ type }), rest]);
          // Small counts, or nothing is read but the first record.
          [3, 7, 9, 11].forEach((at, index) => {
            bytes[at] = (counts[index] ?? 0) & 0x07;
          });
          expect(kinds).toContain(decodeReply({ name: 'a.test', type }, bytes, true).kind);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
