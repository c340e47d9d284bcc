import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { decode } from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DnsFaultRule } from './dns-fault.ts';
import { DnsServer } from './dns-server.ts';
import { code, datagram, datagrams, edns, question } from './raw-exchange.ts';
import { Zone } from './zone.ts';

const zone = new Zone({
  'all.test': { A: ['192.0.2.1', '192.0.2.2'], TXT: 'v=spf1 -all', NS: 'ns.test' },
  'signed.test': { A: '192.0.2.1', authentic: true },
  'network.test': 'network',
});

let server: DnsServer;
let resolver: Resolver;
beforeEach(async () => {
  server = await DnsServer.start(zone);
  resolver = new Resolver({ timeout: 300, tries: 1 });
  resolver.setServers([server.address]);
});
afterEach(() => server.close());

describe('faults', () => {
  const strike = (...rules: DnsFaultRule[]): void => server.setFaults(rules);

  it.each(['servfail', 'refused', 'formerr', 'notimp', 'nxdomain'] as const)('%s', async (fault) => {
    strike({ fault });
    const reply = decode(await datagram(server, question('all.test')));
    expect(reply).toMatchObject({ id: 4711, rcode: fault.toUpperCase(), answers: [] });
  });

  it('strike by name, type, transport and so many times', async () => {
    strike(
      { fault: 'refused', name: 'All.Test.', type: 'A', times: 1 },
      { fault: 'servfail', name: '*.test', type: 'TXT', transport: 'udp' },
    );
    expect(await code(resolver.resolve4('all.test'))).toBe('EREFUSED');
    expect(await code(resolver.resolve4('all.test'))).toBe('ok');
    expect(await code(resolver.resolveTxt('all.test'))).toBe('ESERVFAIL');
    expect(await code(resolver.resolveNs('all.test'))).toBe('ok');
    expect(await code(resolver.resolve4('signed.test'))).toBe('ok');
  });

  it('strike at random as the seed says', async () => {
    const pattern = async (seed: number): Promise<string> => {
      await using other = await DnsServer.start(zone, { seed, faults: [{ fault: 'refused', probability: 0.5 }] });
      resolver.setServers([other.address]);
      let outcomes = '';
      for (let asked = 0; asked < 24; asked++) outcomes += await code(resolver.resolve4('all.test')).then(String);
      return outcomes;
    };
    const first = await pattern(7);
    expect(first).toContain('ok');
    expect(first).toContain('EREFUSED');
    expect(await pattern(7)).toBe(first);
    expect(await pattern(8)).not.toBe(first);
  });

  it('delay, and let another follow', async () => {
    strike({ fault: 'delay', delayMs: 10, name: 'all.test' }, { fault: 'refused', name: 'all.test' });
    // The question behind it has its answer first.
    expect(await datagrams(server, question('all.test'))).toEqual([]);
    expect(await code(resolver.resolve4('all.test'))).toBe('EREFUSED');
  });

  it('drop', async () => {
    strike({ fault: 'drop', times: 1 });
    expect(await code(resolver.resolve4('all.test'))).toBe('ETIMEOUT');
    expect(server.queries.count('all.test')).toBe(1);
  });

  it('truncate over UDP, whole over TCP', async () => {
    strike({ fault: 'truncate' });
    expect(decode(await datagram(server, question('all.test', edns(1232))))).toMatchObject({
      flag_tc: true,
      answers: [],
    });
    expect(await resolver.resolve4('all.test')).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('wrong-id, wrong-question, wrong-source: forged, then the true answer', async () => {
    strike({ fault: 'wrong-id', name: 'all.test', thenAnswer: true });
    const byId = (await datagrams(server, question('all.test'))).map(({ bytes }) => decode(bytes));
    expect(byId).toMatchObject([
      { id: 4711 ^ 0xffff, rcode: 'NXDOMAIN' },
      { id: 4711, rcode: 'NOERROR' },
    ]);
    strike({ fault: 'wrong-question', name: 'all.test', thenAnswer: true });
    const byQuestion = (await datagrams(server, question('all.test', edns(1232)))).map(({ bytes }) => decode(bytes));
    expect(byQuestion).toMatchObject([
      { id: 4711, questions: [{ name: 'forged.invalid', type: 'A' }], additionals: [{ type: 'OPT' }] },
      { id: 4711, questions: [{ name: 'all.test' }] },
    ]);
    strike({ fault: 'wrong-source', name: 'all.test', thenAnswer: true });
    const bySource = await datagrams(server, question('all.test'));
    expect(new Set(bySource.map(({ port }) => port === server.port))).toEqual(new Set([true, false]));
    const forged = bySource.find(({ port }) => port !== server.port);
    expect(forged && decode(forged.bytes)).toMatchObject({ id: 4711, rcode: 'NXDOMAIN' });
  });

  it('wrong-owner', async () => {
    strike({ fault: 'wrong-owner' });
    const reply = decode(await datagram(server, question('all.test')));
    expect(reply).toMatchObject({ questions: [{ name: 'all.test' }], answers: [{ name: 'forged.invalid' }, {}] });
  });

  it('malformed, garbage and raw', async () => {
    strike({ fault: 'malformed' });
    const cut = await datagram(server, question('all.test'));
    expect(cut.readUInt16BE(0)).toBe(4711);
    expect(() => decode(cut)).toThrow();
    strike({ fault: 'garbage', name: 'all.test', thenAnswer: true });
    expect(await datagrams(server, question('all.test'))).toHaveLength(2);
    strike({ fault: 'raw', name: 'all.test', reply: (query) => [query.subarray(0, 2), Buffer.from('x')] });
    const raw = await datagrams(server, question('all.test'));
    expect(raw.map(({ bytes }) => bytes.toString('hex'))).toEqual(['1267', '78']);
    strike({ fault: 'raw', name: 'all.test', reply: (query) => query });
    expect(await datagrams(server, question('all.test'))).toMatchObject([{ bytes: question('all.test') }]);
  });

  it('authentic, and formerr-on-edns', async () => {
    strike({ fault: 'authentic' });
    expect(decode(await datagram(server, question('all.test'))).flag_ad).toBe(true);
    strike({ fault: 'formerr-on-edns' });
    expect(decode(await datagram(server, question('all.test')))).toMatchObject({ rcode: 'NOERROR' });
    const old = decode(await datagram(server, question('all.test', edns(1232))));
    expect(old).toMatchObject({ rcode: 'FORMERR', additionals: [] });
  });

  it.each([
    ['{"fault":"drop","name":"a..b"}', RangeError, '"name" must be a domain name'],
    ['{"fault":"drop","probability":2}', RangeError, '"probability" must be'],
    ['{"fault":"drop","times":-1}', RangeError, '"times" must be'],
    ['{"fault":"dorp"}', TypeError, '"fault" must be one of delay, drop'],
    ['{"fault":"drop","nmae":"a"}', TypeError, 'unknown option "nmae"'],
    ['{"fault":"drop","type":"a"}', TypeError, '"type" must be a record type'],
    ['{"fault":"drop","transport":"dot"}', TypeError, '"transport" must be one of udp'],
    ['{"fault":"drop","thenAnswer":true}', TypeError, 'unknown option "thenAnswer"'],
    ['{"fault":"delay"}', TypeError, '"delayMs" must be milliseconds'],
    ['{"fault":"slow","everyMs":-1}', TypeError, '"everyMs" must be milliseconds'],
    ['{"fault":"http-status","status":100}', TypeError, '"status" must be an HTTP status'],
    ['{"fault":"raw","reply":"x"}', TypeError, '"reply" must be a function'],
  ])('refuse %s', async (json, error, message) => {
    expect(() => strike(JSON.parse(json))).toThrow(error);
    expect(() => strike(JSON.parse(json))).toThrow(message);
    await expect(DnsServer.start({}, { faults: [JSON.parse(json)] })).rejects.toThrow(error);
  });
});

describe('over TCP', () => {
  const framed = (message: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    return Buffer.concat([length, message]);
  };

  /** Writes, and gives everything that comes until so many messages are there or the server closes. */
  async function stream(bytes: readonly Uint8Array[], messages: number): Promise<Buffer[]> {
    const socket = connect(server.port, '127.0.0.1').setNoDelay(true);
    const replies: Buffer[] = [];
    let pending = Buffer.alloc(0);
    for (const each of bytes) {
      await new Promise<void>((resolve) => socket.write(each, () => resolve()));
    }
    for await (const chunk of socket) {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= pending.readUInt16BE(0) + 2) {
        const end = pending.readUInt16BE(0) + 2;
        replies.push(pending.subarray(2, end));
        pending = pending.subarray(end);
      }
      if (replies.length >= messages) break;
    }
    return replies;
  }

  it('reads messages however they are cut, several on one connection', async () => {
    const both = Buffer.concat([framed(question('all.test')), framed(question('signed.test', { id: 2 }))]);
    const replies = await stream(
      [...both].map((byte) => Buffer.of(byte)),
      2,
    );
    expect(replies.map((reply) => decode(reply).id)).toEqual([4711, 2]);
    expect(await stream([both], 2)).toHaveLength(2);
    expect(server.queries.entries[0]).toMatchObject({ transport: 'tcp' });
  });

  it('carries long answers whole', async () => {
    server.zone.set('long.test', { TXT: Array.from({ length: 60 }, (_, index) => String(index).padEnd(1000, 'x')) });
    const [reply] = await stream([framed(question('', { questions: [{ name: 'long.test', type: 'TXT' }] }))], 1);
    expect(reply && decode(reply).answers).toHaveLength(60);
  });

  it('slow, close, and a broken network', async () => {
    server.setFaults([{ fault: 'slow', everyMs: 1 }]);
    expect(await stream([framed(question('signed.test'))], 1)).toHaveLength(1);
    server.setFaults([{ fault: 'close' }]);
    expect(await stream([framed(question('signed.test'))], 1)).toEqual([]);
    server.setFaults([]);
    expect(await stream([framed(question('network.test'))], 1)).toEqual([]);
  });

  it('keeps stream faults from UDP and datagram faults from TCP', async () => {
    server.setFaults([{ fault: 'close' }, { fault: 'slow', everyMs: 1 }, { fault: 'http-status', status: 500 }]);
    expect(decode(await datagram(server, question('all.test')))).toMatchObject({ rcode: 'NOERROR' });
    server.setFaults([{ fault: 'wrong-source' }, { fault: 'truncate' }]);
    const [reply] = await stream([framed(question('all.test'))], 1);
    expect(reply && decode(reply)).toMatchObject({ rcode: 'NOERROR', flag_tc: false });
  });
});
