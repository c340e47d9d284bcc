import { decode } from 'dns-packet';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeQuery, isReplyTo } from './dns-query.ts';
import { RandomNumbers } from './random-numbers.ts';
import type { RecordType } from './resolver.ts';

const types: readonly RecordType[] = ['A', 'AAAA', 'TXT', 'MX', 'PTR', 'CNAME', 'NS', 'SOA', 'SRV', 'TLSA', 'CAA'];
const label = fc.string({ unit: fc.constantFrom(...'abcxyz0189-_/*'), minLength: 1, maxLength: 63 });
const name = fc
  .array(label, { maxLength: 6 })
  .map((labels) => labels.join('.'))
  .filter((text) => text.length <= 253);

/** The query's own octets as the server sends them back. */
function replyTo(query: Buffer, change: (reply: Buffer) => void = () => {}): Buffer {
  const reply = Buffer.from(query);
  reply.writeUInt16BE(0x8180, 2);
  change(reply);
  return reply;
}

describe('encodeQuery', () => {
  it('writes what dns-packet reads', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        name,
        fc.constantFrom(...types),
        fc.boolean(),
        fc.boolean(),
        (id, text, type, edns, mixed) => {
          const query = encodeQuery(id, { name: text, type }, edns, mixed ? new RandomNumbers() : undefined);
          const packet = decode(query);
          expect(packet).toMatchObject({ id, type: 'query', opcode: 'QUERY', flag_rd: true, flag_ad: true });
          expect(packet).toMatchObject({ flag_aa: false, flag_tc: false, flag_ra: false, flag_cd: false });
          expect(packet.answers).toEqual([]);
          expect(packet.authorities).toEqual([]);
          const [question, ...others] = packet.questions ?? [];
          expect(others).toEqual([]);
          expect(question).toMatchObject({ type, class: 'IN' });
          expect(question?.name.toLowerCase()).toBe(text === '' ? '.' : text);
          const [opt, ...more] = packet.additionals ?? [];
          expect(more).toEqual([]);
          if (edns) expect(opt).toMatchObject({ type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options: [] });
          else expect(opt).toBeUndefined();
        },
      ),
    );
  });

  it('draws the case of the letters when asked to', () => {
    const random = new RandomNumbers();
    const question = { name: `${'a'.repeat(60)}.${'b'.repeat(60)}.test`, type: 'A' } as const;
    const texts = new Set(Array.from({ length: 20 }, () => encodeQuery(1, question, true, random).toString('latin1')));
    expect(texts.size).toBe(20);
    expect(encodeQuery(1, question, true, undefined).includes('A')).toBe(false);
  });
});

describe('isReplyTo', () => {
  const query = encodeQuery(0x1234, { name: 'mail.example.com', type: 'MX' }, true, undefined);

  it('takes the reply', () => {
    expect(isReplyTo(query, replyTo(query), true)).toBe(true);
  });

  it.each<[string, (reply: Buffer) => void]>([
    ['with another id', (reply) => reply.writeUInt16BE(0x1235, 0)],
    ['that is a query', (reply) => reply.writeUInt16BE(0x0180, 2)],
    ['of another opcode', (reply) => reply.writeUInt16BE(0x8980, 2)],
    ['without a question', (reply) => reply.writeUInt16BE(0, 4)],
    ['with two questions', (reply) => reply.writeUInt16BE(2, 4)],
    ['about another name', (reply) => reply.write('n', 13)],
    ['about a name with other label lengths', (reply) => reply.writeUInt8(3, 12)],
    ['about another type', (reply) => reply.writeUInt8(16, query.length - 11 - 3)],
    ['about another class', (reply) => reply.writeUInt8(3, query.length - 11 - 1)],
  ])('drops a reply %s', (_what, change) => {
    expect(isReplyTo(query, replyTo(query, change), false)).toBe(false);
  });

  it('drops what is too short', () => {
    const reply = replyTo(query);
    for (let length = 0; length < query.length - 11; length++) {
      expect(isReplyTo(query, reply.subarray(0, length), false)).toBe(false);
    }
  });

  it('takes the name in another case, unless the case was drawn', () => {
    const reply = replyTo(query, (each) => each.write('MAIL', 13));
    expect(isReplyTo(query, reply, false)).toBe(true);
    expect(isReplyTo(query, reply, true)).toBe(false);
  });

  it.each([
    [1, true],
    [4, true],
    [0, false],
    [2, false],
    [3, false],
    [5, false],
  ])('a mere header with RCODE %d: %j', (code, taken) => {
    const header = Buffer.from([0x12, 0x34, 0x80, code, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(isReplyTo(query, header, true)).toBe(taken);
  });
});
