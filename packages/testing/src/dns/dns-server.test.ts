import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { AUTHENTIC_DATA, CHECKING_DISABLED, decode, encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DnsFaultRule } from './dns-fault.ts';
import { DnsServer } from './dns-server.ts';
import { Zone } from './zone.ts';

const zone = new Zone({
  test: { SOA: 'ns.test h\\.m.test 1 2h 1h 2w 15m', ttl: 3600 },
  'all.test': {
    A: ['192.0.2.1', '192.0.2.2'],
    AAAA: ['2001:db8::1', '::ffff:192.0.2.3'],
    TXT: ['v=spf1 -all', ['two ', 'strings'], '\u00ff\0'],
    MX: ['10 mx1.all.test', '20 mx2.all.test'],
    NS: ['ns.test', '.'],
    SRV: '1 2 25 mx1.all.test',
    TLSA: '3 1 1 00aaff',
    CAA: ['128 issue "ca.test"', '0 iodef "mailto:a@all.test"'],
    SOA: 'ns.test h\\.m.test 1 2 3 4 5',
    ttl: 60,
  },
  'null.test': { MX: '0 .' },
  '1.2.0.192.in-addr.arpa': { PTR: ['mail.test', 'other.test'] },
  'www.test': { CNAME: 'alias.test' },
  'alias.test': { CNAME: 'all.test' },
  'gone.test': { CNAME: 'nowhere.test' },
  'loop.test': { CNAME: 'loop.test' },
  'big.test': { TXT: 'x'.repeat(1100) },
  'huge.test': { TXT: Array.from({ length: 70 }, (_, index) => String(index).padEnd(1000, 'x')) },
  'signed.test': { A: '192.0.2.1', authentic: true },
  'silent.test': 'timeout',
  'servfail.test': 'servfail',
  'refused.test': 'refused',
  'malformed.test': 'malformed',
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

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    ({ code: reason }) => reason,
  );

/** Sends one datagram and takes what comes back, from whatever port, until a second question has its answer. */
async function datagrams(message: Uint8Array): Promise<{ bytes: Buffer; port: number }[]> {
  const socket = createSocket('udp4');
  const replies: { bytes: Buffer; port: number }[] = [];
  const over = new Promise<void>((resolve) => {
    socket.on('message', (bytes, { port }) => {
      if (bytes.length > 1 && bytes.readUInt16BE(0) === 1) resolve();
      else replies.push({ bytes, port });
    });
  });
  socket.send(message, server.port, '127.0.0.1');
  socket.send(question('signed.test', { id: 1 }), server.port, '127.0.0.1');
  await over;
  socket.close();
  return replies;
}

async function datagram(message: Uint8Array): Promise<Buffer> {
  const socket = createSocket('udp4');
  socket.send(message, server.port, '127.0.0.1');
  const [bytes] = await once(socket, 'message');
  socket.close();
  return bytes;
}

function question(name: string, packet: Packet = {}): Buffer {
  return encode({ id: 4711, flags: RECURSION_DESIRED, questions: [{ name, type: 'A' }], ...packet });
}

function edns(udpPayloadSize: number, more: { ednsVersion?: number; flag_do?: boolean } = {}): Packet {
  const { ednsVersion = 0, flag_do = false } = more;
  const flags = flag_do ? 0x8000 : 0;
  return {
    additionals: [
      { type: 'OPT', name: '.', udpPayloadSize, extendedRcode: 0, ednsVersion, flags, flag_do, options: [] },
    ],
  };
}

describe('what c-ares reads', () => {
  it('is every record type', async () => {
    expect(await resolver.resolve4('all.test', { ttl: true })).toEqual([
      { address: '192.0.2.1', ttl: 60 },
      { address: '192.0.2.2', ttl: 60 },
    ]);
    expect(await resolver.resolve6('ALL.test')).toEqual(['2001:db8::1', '::ffff:192.0.2.3']);
    expect(await resolver.resolveTxt('all.test')).toHaveLength(3);
    expect((await resolver.resolveTxt('all.test'))[1]).toEqual(['two ', 'strings']);
    expect(await resolver.resolveMx('all.test')).toMatchObject([
      { priority: 10, exchange: 'mx1.all.test' },
      { priority: 20, exchange: 'mx2.all.test' },
    ]);
    expect(await resolver.resolveMx('null.test')).toMatchObject([{ priority: 0, exchange: '' }]);
    expect(await resolver.resolveNs('all.test')).toEqual(['ns.test', '']);
    expect(await resolver.resolveSrv('all.test')).toMatchObject([
      { priority: 1, weight: 2, port: 25, name: 'mx1.all.test' },
    ]);
    expect(await resolver.resolveTlsa('all.test')).toMatchObject([{ certUsage: 3, selector: 1, match: 1 }]);
    expect(await resolver.resolveCaa('all.test')).toMatchObject([
      { critical: 128, issue: 'ca.test' },
      { critical: 0, iodef: 'mailto:a@all.test' },
    ]);
    expect(await resolver.resolveSoa('all.test')).toMatchObject({ hostmaster: 'h\\.m.test', serial: 1, minttl: 5 });
    expect(await resolver.reverse('192.0.2.1')).toEqual(['mail.test', 'other.test']);
  });

  it('is what a CNAME leads to', async () => {
    expect(await resolver.resolve4('www.test')).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await resolver.resolveCname('www.test')).toEqual(['alias.test']);
    expect(await code(resolver.resolve4('gone.test'))).toBe('ENOTFOUND');
    expect(await code(resolver.resolve4('loop.test'))).toBe('ESERVFAIL');
  });

  it('is absence and failure', async () => {
    expect(await code(resolver.resolve6('signed.test'))).toBe('ENODATA');
    expect(await code(resolver.resolve4('nowhere.test'))).toBe('ENOTFOUND');
    expect(await code(resolver.resolve4('silent.test'))).toBe('ETIMEOUT');
    expect(await code(resolver.resolve4('servfail.test'))).toBe('ESERVFAIL');
    expect(await code(resolver.resolve4('refused.test'))).toBe('EREFUSED');
    expect(await code(resolver.resolve4('malformed.test'))).toBe('EBADRESP');
  });

  it('comes over TCP when it is long', async () => {
    expect((await resolver.resolveTxt('big.test'))[0]?.join('')).toBe('x'.repeat(1100));
    expect(server.queries.entries.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
    // 70 KB fit no DNS message.
    expect(await code(resolver.resolveTxt('huge.test'))).toBe('ESERVFAIL');
  });

  it('changes with the zone', async () => {
    server.zone.set('new.test', { A: '192.0.2.7' });
    expect(await resolver.resolve4('new.test')).toEqual(['192.0.2.7']);
    server.zone.delete('new.test');
    expect(await code(resolver.resolve4('new.test'))).toBe('ENOTFOUND');
  });

  it('also comes from ::1', async () => {
    await using six = await DnsServer.start({ a: { A: '192.0.2.1' } }, { host: '::1' });
    resolver.setServers([six.address]);
    expect(await resolver.resolve4('a')).toEqual(['192.0.2.1']);
    expect(six.queries.entries[0]).toMatchObject({ address: '::1' });
  });
});

describe('the message', () => {
  it('repeats id, question with its letters, RD and CD, and is recursive', async () => {
    const reply = await datagram(question('SiGned.TEST', { flags: RECURSION_DESIRED | CHECKING_DISABLED }));
    expect(decode(reply)).toMatchObject({ id: 4711, questions: [{ name: 'SiGned.TEST', type: 'A' }] });
    expect(decode(reply)).toMatchObject({
      flag_rd: true,
      flag_cd: true,
      flag_ra: true,
      flag_aa: false,
      flag_tc: false,
    });
    expect(decode(reply).additionals).toEqual([]);
  });

  it('compresses names, so that readers of replies meet pointers', async () => {
    const query = question('all.test', { questions: [{ name: 'all.test', type: 'MX' }], ...edns(1232) });
    const reply = await datagram(query);
    expect(decode(reply).answers).toMatchObject([
      { name: 'all.test', data: { preference: 10, exchange: 'mx1.all.test' } },
      { name: 'all.test', data: { preference: 20, exchange: 'mx2.all.test' } },
    ]);
    // Two owners of 2 bytes each instead of 10, two exchanges of 6 instead of 14.
    expect(reply.length).toBe(12 + 14 + 2 * (2 + 10 + 2 + 6) + 11);
  });

  it('carries the SOA with an absence, its TTL the negative one (RFC 2308 §3)', async () => {
    const { authorities, answers } = decode(await datagram(question('no.such.test')));
    expect(answers).toEqual([]);
    expect(authorities).toMatchObject([{ type: 'SOA', name: 'test', ttl: 900, data: { minimum: 900 } }]);
  });

  it('is cut at 512 bytes without EDNS, at what EDNS allows, and never longer than 1,232 bytes', async () => {
    const ask = (more: Packet) => datagram(question('', { questions: [{ name: 'big.test', type: 'TXT' }], ...more }));
    expect(decode(await ask({}))).toMatchObject({ flag_tc: true, answers: [] });
    expect(decode(await ask(edns(800)))).toMatchObject({ flag_tc: true, additionals: [{ type: 'OPT' }] });
    expect(decode(await ask(edns(1232)))).toMatchObject({ flag_tc: false, answers: [{ type: 'TXT' }] });
    server.zone.set('big.test', { TXT: 'x'.repeat(1300) });
    expect(decode(await ask(edns(4096)))).toMatchObject({ flag_tc: true });
    server.zone.set('big.test', { TXT: 'x'.repeat(1100) });
  });

  it('sets AD for validated answers to those who ask (RFC 6840 §5.8)', async () => {
    const ad = async (name: string, more: Packet = {}) => decode(await datagram(question(name, more))).flag_ad;
    expect(await ad('signed.test')).toBe(false);
    expect(await ad('signed.test', { flags: AUTHENTIC_DATA })).toBe(true);
    expect(await ad('signed.test', edns(1232, { flag_do: true }))).toBe(true);
    expect(await ad('all.test', { flags: AUTHENTIC_DATA })).toBe(false);
  });

  it('refuses what it does not serve', async () => {
    const rcode = async (message: Uint8Array) => Reflect.get(decode(await datagram(message)), 'rcode');
    expect(await rcode(question('all.test', { questions: [{ name: 'all.test', type: 'A', class: 'CH' }] }))).toBe(
      'REFUSED',
    );
    expect(await rcode(question('all.test', { questions: [{ name: 'all.test', type: 'AXFR' }] }))).toBe('NOTIMP');
    expect(await rcode(question('all.test', { flags: 2 << 11 }))).toBe('NOTIMP');
    expect(await rcode(question('all.test', { questions: [] }))).toBe('FORMERR');
    expect(await rcode(Buffer.from('hello world!'))).toBe('FORMERR');
    const badVersion = decode(await datagram(question('all.test', edns(1232, { ednsVersion: 1 }))));
    expect(badVersion.additionals).toMatchObject([{ extendedRcode: 1 }]);
  });

  it('knows names also of types that it cannot hold', async () => {
    const ask = async (name: string) => decode(await datagram(question('', { questions: [{ name, type: 'HINFO' }] })));
    expect(await ask('all.test')).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: [{ name: 'all.test' }] });
    expect(await ask('nowhere.test')).toMatchObject({ rcode: 'NXDOMAIN' });
    expect(await ask('www.test')).toMatchObject({ rcode: 'NOERROR', answers: [{ type: 'CNAME' }, { type: 'CNAME' }] });
    expect(server.queries.count('www.test', 'HINFO')).toBe(1);
  });

  it('never answers a reply, nor what has no header', async () => {
    expect(await datagrams(question('all.test', { type: 'response' }))).toEqual([]);
    expect(await datagrams(Buffer.from('short'))).toEqual([]);
    expect(server.queries.entries.map(({ id }) => id)).toEqual([1, 1]);
  });
});

it('knows what it was asked', async () => {
  await datagram(question('All.Test', { flags: RECURSION_DESIRED | AUTHENTIC_DATA, ...edns(1232, { flag_do: true }) }));
  expect(server.queries.entries).toEqual([
    {
      name: 'all.test',
      nameAsSent: 'All.Test',
      type: 'A',
      transport: 'udp',
      id: 4711,
      address: '127.0.0.1',
      port: expect.any(Number),
      recursionDesired: true,
      authenticData: true,
      checkingDisabled: false,
      ednsBytes: 1232,
      dnssecOk: true,
    },
  ]);
  const dotted = question('xxx.test');
  dotted[13] = 0x2e;
  await datagram(dotted);
  expect(server.queries.count('\\.xx.test', 'A')).toBe(1);
});

describe('faults', () => {
  const strike = (...rules: DnsFaultRule[]): void => server.setFaults(rules);

  it.each(['servfail', 'refused', 'formerr', 'notimp', 'nxdomain'] as const)('%s', async (fault) => {
    strike({ fault });
    const reply = decode(await datagram(question('all.test')));
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
    expect(await datagrams(question('all.test'))).toEqual([]);
    expect(await code(resolver.resolve4('all.test'))).toBe('EREFUSED');
  });

  it('drop', async () => {
    strike({ fault: 'drop', times: 1 });
    expect(await code(resolver.resolve4('all.test'))).toBe('ETIMEOUT');
    expect(server.queries.count('all.test')).toBe(1);
  });

  it('truncate over UDP, whole over TCP', async () => {
    strike({ fault: 'truncate' });
    expect(decode(await datagram(question('all.test', edns(1232))))).toMatchObject({ flag_tc: true, answers: [] });
    expect(await resolver.resolve4('all.test')).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('wrong-id, wrong-question, wrong-source: forged, then the true answer', async () => {
    strike({ fault: 'wrong-id', name: 'all.test', thenAnswer: true });
    const byId = (await datagrams(question('all.test'))).map(({ bytes }) => decode(bytes));
    expect(byId).toMatchObject([
      { id: 4711 ^ 0xffff, rcode: 'NXDOMAIN' },
      { id: 4711, rcode: 'NOERROR' },
    ]);
    strike({ fault: 'wrong-question', name: 'all.test', thenAnswer: true });
    const byQuestion = (await datagrams(question('all.test', edns(1232)))).map(({ bytes }) => decode(bytes));
    expect(byQuestion).toMatchObject([
      { id: 4711, questions: [{ name: 'forged.invalid', type: 'A' }], additionals: [{ type: 'OPT' }] },
      { id: 4711, questions: [{ name: 'all.test' }] },
    ]);
    strike({ fault: 'wrong-source', name: 'all.test', thenAnswer: true });
    const bySource = await datagrams(question('all.test'));
    expect(new Set(bySource.map(({ port }) => port === server.port))).toEqual(new Set([true, false]));
    const forged = bySource.find(({ port }) => port !== server.port);
    expect(forged && decode(forged.bytes)).toMatchObject({ id: 4711, rcode: 'NXDOMAIN' });
  });

  it('wrong-owner', async () => {
    strike({ fault: 'wrong-owner' });
    const reply = decode(await datagram(question('all.test')));
    expect(reply).toMatchObject({ questions: [{ name: 'all.test' }], answers: [{ name: 'forged.invalid' }, {}] });
  });

  it('malformed, garbage and raw', async () => {
    strike({ fault: 'malformed' });
    const cut = await datagram(question('all.test'));
    expect(cut.readUInt16BE(0)).toBe(4711);
    expect(() => decode(cut)).toThrow();
    strike({ fault: 'garbage', name: 'all.test', thenAnswer: true });
    expect(await datagrams(question('all.test'))).toHaveLength(2);
    strike({ fault: 'raw', name: 'all.test', reply: (query) => [query.subarray(0, 2), Buffer.from('x')] });
    const raw = await datagrams(question('all.test'));
    expect(raw.map(({ bytes }) => bytes.toString('hex'))).toEqual(['1267', '78']);
    strike({ fault: 'raw', name: 'all.test', reply: (query) => query });
    expect(await datagrams(question('all.test'))).toMatchObject([{ bytes: question('all.test') }]);
  });

  it('authentic, and formerr-on-edns', async () => {
    strike({ fault: 'authentic' });
    expect(decode(await datagram(question('all.test'))).flag_ad).toBe(true);
    strike({ fault: 'formerr-on-edns' });
    expect(decode(await datagram(question('all.test')))).toMatchObject({ rcode: 'NOERROR' });
    const old = decode(await datagram(question('all.test', edns(1232))));
    expect(old).toMatchObject({ rcode: 'FORMERR', additionals: [] });
  });

  it('refuse what cannot be meant', async () => {
    expect(() => strike({ fault: 'drop', name: 'a..b' })).toThrow(RangeError);
    expect(() => strike({ fault: 'drop', probability: 2 })).toThrow(RangeError);
    expect(() => strike({ fault: 'drop', times: -1 })).toThrow(RangeError);
    await expect(DnsServer.start({}, { faults: [{ fault: 'drop', probability: Number.NaN }] })).rejects.toThrow(
      RangeError,
    );
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
    expect(decode(await datagram(question('all.test')))).toMatchObject({ rcode: 'NOERROR' });
    server.setFaults([{ fault: 'wrong-source' }, { fault: 'truncate' }]);
    const [reply] = await stream([framed(question('all.test'))], 1);
    expect(reply && decode(reply)).toMatchObject({ rcode: 'NOERROR', flag_tc: false });
  });
});

describe('a closed server', () => {
  it('is gone at once, with its connections and its late replies', async () => {
    server.setFaults([{ fault: 'delay', delayMs: 60_000 }]);
    const { port } = server;
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(Buffer.concat([Buffer.from([0, question('a').length]), question('a')]));
    await expect.poll(() => server.queries.count()).toBe(1);
    const closed = once(socket, 'close');
    await Promise.all([server.close(), server.close(), closed]);
    // Its port is free for both again.
    await using again = await DnsServer.start({}, { port });
    expect(again.port).toBe(port);
  });

  it('leaves nothing open when it cannot start', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    await expect(DnsServer.start({}, { port: address.port })).rejects.toThrow('EADDRINUSE');
    other.close();
    await once(other, 'close');
    await using again = await DnsServer.start({}, { port: address.port });
    expect(again.port).toBe(address.port);
  });
});
