import { Resolver } from 'node:dns/promises';
import type { RecordData, RecordType } from '@postern/core';
import { type Answer, decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readQuery } from './dns-query.ts';
import { writeAnswer } from './dns-reply.ts';
import { DnsServer } from './dns-server.ts';
import { Zone } from './zone.ts';
import type { NameData } from './zone-data.ts';

const label = fc.stringMatching(/^[a-z_][a-z0-9-]{0,20}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
const octets = (maxLength: number) =>
  fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength });
const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const some = <T>(records: fc.Arbitrary<T>) => fc.array(records, { minLength: 1, maxLength: 4 });

/** Literals of every type, each as a zone takes it. */
const arbitraryData: fc.Arbitrary<{ type: RecordType; data: NameData }> = fc.oneof(
  some(fc.ipV4()).map((A) => ({ type: 'A' as const, data: { A } })),
  some(fc.ipV6()).map((AAAA) => ({ type: 'AAAA' as const, data: { AAAA } })),
  some(some(octets(255))).map((TXT) => ({ type: 'TXT' as const, data: { TXT } })),
  some(fc.record({ preference: u16, exchange: name })).map((MX) => ({ type: 'MX' as const, data: { MX } })),
  some(name).map((PTR) => ({ type: 'PTR' as const, data: { PTR } })),
  some(name).map((NS) => ({ type: 'NS' as const, data: { NS } })),
  name.map((CNAME) => ({ type: 'CNAME' as const, data: { CNAME } })),
  fc
    .record({ primary: name, mailbox: name, serial: u32, refresh: u8, retry: u16, expire: u16, minimum: u16 })
    .map((SOA) => ({ type: 'SOA' as const, data: { SOA } })),
  some(fc.record({ priority: u16, weight: u16, port: u16, target: name })).map((SRV) => ({
    type: 'SRV' as const,
    data: { SRV },
  })),
  some(
    fc.record({
      usage: u8,
      selector: u8,
      matchingType: u8,
      data: octets(40).map((data) => Buffer.from(data, 'latin1').toString('hex')),
    }),
  ).map((TLSA) => ({ type: 'TLSA' as const, data: { TLSA } })),
  some(
    fc.record({
      critical: fc.boolean(),
      tag: fc.constantFrom('issue', 'iodef'),
      value: fc.stringMatching(/^[ -~]{0,40}$/),
    }),
  ).map((CAA) => ({ type: 'CAA' as const, data: { CAA } })),
);

/** A record as dns-packet reads it, in core's shape. A name that points into the question has the question's letters. */
function recordOf(answer: Answer): RecordData[RecordType] | undefined {
  switch (answer.type) {
    case 'A':
      return answer.data;
    case 'PTR':
    case 'NS':
    case 'CNAME':
      return answer.data.toLowerCase();
    case 'AAAA':
      return new Map(new Zone({ a: { AAAA: answer.data } })).get('a')?.AAAA?.records[0];
    case 'TXT':
      return [answer.data]
        .flat()
        .map((part) => Buffer.from(part).toString('latin1'))
        .join('');
    case 'MX':
      return { preference: answer.data.preference ?? 0, exchange: answer.data.exchange.toLowerCase() };
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = answer.data;
      return { priority, weight, port, target: target.toLowerCase() };
    }
    case 'SOA': {
      const { mname, rname, serial = 0, refresh = 0, retry = 0, expire = 0, minimum = 0 } = answer.data;
      return { primary: mname.toLowerCase(), mailbox: rname.toLowerCase(), serial, refresh, retry, expire, minimum };
    }
    case 'TLSA': {
      const { usage, selector, matchingType, certificate } = answer.data;
      return { usage, selector, matchingType, data: certificate.toString('hex') };
    }
    case 'CAA': {
      const { issuerCritical = false, tag, value } = answer.data;
      return { critical: issuerCritical, tag, value };
    }
    default:
      return undefined;
  }
}

it('writes what an independent reader reads', () => {
  fc.assert(
    fc.property(name, arbitraryData, fc.nat(0x7fff_ffff), (owner, { type, data }, ttl) => {
      const zone = new Zone({ [owner]: { ...data, ttl } });
      const found = zone.lookup(owner, type);
      if (found.kind !== 'records') throw new Error(found.kind);
      const query = encode({ id: 1, questions: [{ name: owner.toUpperCase(), type }] });
      const received = readQuery(query, { transport: 'tcp', address: '127.0.0.1', port: 1 });
      if (received === undefined) throw new Error('not a query');
      const reply = decode(writeAnswer(received, found, { maxBytes: 65_535 }));
      expect(reply.answers?.map(recordOf)).toEqual(found.set.records);
      expect(
        reply.answers?.every((answer) => answer.name.toLowerCase() === owner && 'ttl' in answer && answer.ttl === ttl),
      ).toBe(true);
    }),
    { numRuns: 500 },
  );
});

it('gives c-ares what stands in the zone, whatever it is', async () => {
  await using server = await DnsServer.start({});
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers([server.address]);
  const ascii = fc.stringMatching(/^[ -~]{1,100}$/);
  await fc.assert(
    fc.asyncProperty(
      name.map((each) => `${each}.test`),
      fc.uniqueArray(fc.ipV4(), { minLength: 1, maxLength: 60 }),
      fc.uniqueArray(fc.record({ preference: u16, exchange: name }), { minLength: 1, maxLength: 10 }),
      fc.uniqueArray(fc.array(ascii, { minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 10,
        selector: (strings) => JSON.stringify(strings),
      }),
      async (owner, A, MX, TXT) => {
        server.zone.set(owner, { A, MX, TXT });
        expect(await resolver.resolve4(owner)).toEqual(A);
        const exchanges = await resolver.resolveMx(owner);
        const pairs = (list: readonly { exchange: string; preference: number }[]): Set<string> =>
          new Set(list.map(({ preference, exchange }) => `${preference} ${exchange}`));
        expect(pairs(exchanges.map(({ priority, exchange }) => ({ preference: priority, exchange })))).toEqual(
          pairs(MX),
        );
        expect(await resolver.resolveTxt(owner)).toEqual(TXT);
        server.zone.delete(owner);
      },
    ),
    { numRuns: 50 },
  );
});

it('never fails on what comes over the wire', () => {
  const query = encode({ id: 1, questions: [{ name: 'a.test', type: 'A' }] });
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(fc.nat(query.length - 1), fc.nat(255)).map(([at, value]) => {
      const changed = Buffer.from(query);
      changed[at] = value;
      return changed;
    }),
  );
  const zone = new Zone({ 'a.test': { A: '192.0.2.1' } });
  fc.assert(
    fc.property(noise, (bytes) => {
      const received = readQuery(bytes, { transport: 'udp', address: '127.0.0.1', port: 1 });
      if (received === undefined) return;
      const found = zone.lookup(received.query.name, received.recordType);
      if (found.kind === 'failure') throw new Error(found.detail);
      const reply = writeAnswer(received, found, { maxBytes: 512 });
      expect(reply.subarray(12, received.questionEnd)).toEqual(bytes.subarray(12, received.questionEnd));
    }),
    { numRuns: 2_000 },
  );
});
