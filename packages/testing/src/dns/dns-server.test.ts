import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { AUTHENTIC_DATA, CHECKING_DISABLED, decode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DnsServer } from './dns-server.ts';
import { code, datagram, datagrams, edns, question } from './raw-exchange.ts';
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
    const reply = await datagram(server, question('SiGned.TEST', { flags: RECURSION_DESIRED | CHECKING_DISABLED }));
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
    const reply = await datagram(server, query);
    expect(decode(reply).answers).toMatchObject([
      { name: 'all.test', data: { preference: 10, exchange: 'mx1.all.test' } },
      { name: 'all.test', data: { preference: 20, exchange: 'mx2.all.test' } },
    ]);
    // Two owners of 2 bytes each instead of 10, two exchanges of 6 instead of 14.
    expect(reply.length).toBe(12 + 14 + 2 * (2 + 10 + 2 + 6) + 11);
  });

  it('carries the SOA with an absence, its TTL the negative one (RFC 2308 §3)', async () => {
    const { authorities, answers } = decode(await datagram(server, question('no.such.test')));
    expect(answers).toEqual([]);
    expect(authorities).toMatchObject([{ type: 'SOA', name: 'test', ttl: 900, data: { minimum: 900 } }]);
  });

  it('is cut at 512 bytes without EDNS, at what EDNS allows, and never longer than 1,232 bytes', async () => {
    const ask = (more: Packet) =>
      datagram(server, question('', { questions: [{ name: 'big.test', type: 'TXT' }], ...more }));
    expect(decode(await ask({}))).toMatchObject({ flag_tc: true, answers: [] });
    expect(decode(await ask(edns(800)))).toMatchObject({ flag_tc: true, additionals: [{ type: 'OPT' }] });
    expect(decode(await ask(edns(1232)))).toMatchObject({ flag_tc: false, answers: [{ type: 'TXT' }] });
    server.zone.set('big.test', { TXT: 'x'.repeat(1300) });
    expect(decode(await ask(edns(4096)))).toMatchObject({ flag_tc: true });
    server.zone.set('big.test', { TXT: 'x'.repeat(1100) });
  });

  it('sets AD for validated answers to those who ask (RFC 6840 §5.8)', async () => {
    const ad = async (name: string, more: Packet = {}) => decode(await datagram(server, question(name, more))).flag_ad;
    expect(await ad('signed.test')).toBe(false);
    expect(await ad('signed.test', { flags: AUTHENTIC_DATA })).toBe(true);
    expect(await ad('signed.test', edns(1232, { flag_do: true }))).toBe(true);
    expect(await ad('all.test', { flags: AUTHENTIC_DATA })).toBe(false);
  });

  it('refuses what it does not serve', async () => {
    const rcode = async (message: Uint8Array) => Reflect.get(decode(await datagram(server, message)), 'rcode');
    expect(await rcode(question('all.test', { questions: [{ name: 'all.test', type: 'A', class: 'CH' }] }))).toBe(
      'REFUSED',
    );
    expect(await rcode(question('all.test', { questions: [{ name: 'all.test', type: 'AXFR' }] }))).toBe('NOTIMP');
    expect(await rcode(question('all.test', { flags: 2 << 11 }))).toBe('NOTIMP');
    expect(await rcode(question('all.test', { questions: [] }))).toBe('FORMERR');
    expect(await rcode(Buffer.from('hello world!'))).toBe('FORMERR');
    // A name that points into the header, where the id begins with the octet of the root.
    const pointing = Buffer.concat([question('', { id: 2 }).subarray(0, 12), Buffer.from([0xc0, 0, 0, 1, 0, 1])]);
    expect(await rcode(pointing)).toBe('FORMERR');
    const badVersion = decode(await datagram(server, question('all.test', edns(1232, { ednsVersion: 1 }))));
    expect(badVersion.additionals).toMatchObject([{ extendedRcode: 1 }]);
  });

  it('knows names also of types that it cannot hold', async () => {
    const ask = async (name: string) =>
      decode(await datagram(server, question('', { questions: [{ name, type: 'HINFO' }] })));
    expect(await ask('all.test')).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: [{ name: 'all.test' }] });
    expect(await ask('nowhere.test')).toMatchObject({ rcode: 'NXDOMAIN' });
    expect(await ask('www.test')).toMatchObject({ rcode: 'NOERROR', answers: [{ type: 'CNAME' }, { type: 'CNAME' }] });
    expect(server.queries.count('www.test', 'HINFO')).toBe(1);
  });

  it('never answers a reply, nor what has no header', async () => {
    expect(await datagrams(server, question('all.test', { type: 'response' }))).toEqual([]);
    expect(await datagrams(server, Buffer.from('short'))).toEqual([]);
    expect(server.queries.entries.map(({ id }) => id)).toEqual([1, 1]);
  });
});

it('knows what it was asked', async () => {
  await datagram(
    server,
    question('All.Test', { flags: RECURSION_DESIRED | AUTHENTIC_DATA, ...edns(1232, { flag_do: true }) }),
  );
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
  await datagram(server, dotted);
  expect(server.queries.count('\\.xx.test', 'A')).toBe(1);
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

it.each([
  ['{"fault":[]}', 'unknown option "fault"'],
  ['{"faults":"drop"}', '"faults" must be an array'],
  ['{"port":65536}', '"port" must be'],
  ['{"host":1}', '"host" must be a string'],
  ['{"tls":{"key":"x"}}', '"tls" must be an object with "key" and "cert"'],
])('refuses the options %s', async (json, message) => {
  await expect(DnsServer.start({}, JSON.parse(json))).rejects.toThrow(message);
});
