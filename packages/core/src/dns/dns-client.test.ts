import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { getServers, setServers } from 'node:dns';
import { getEventListeners, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type DnsFaultRule, DnsServer, resolverContract, type ZoneData } from '@postern/testing';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DnsClient, type DnsClientOptions } from './dns-client.ts';

const zone: ZoneData = {
  test: { SOA: 'ns.test hostmaster.test 1 2 3 4 60', ttl: 300 },
  'a.test': { A: '192.0.2.1', TXT: 'text' },
  '*.wild.test': { A: '192.0.2.2' },
};
const found = { kind: 'records', records: ['192.0.2.1'] };

const open: AsyncDisposable[] = [];

async function serve(...faults: DnsFaultRule[]): Promise<DnsServer> {
  const server = await DnsServer.start(zone, { faults });
  open.push(server);
  return server;
}

function ask(servers: readonly DnsServer[] | readonly string[], options: DnsClientOptions = {}): DnsClient {
  const addresses = servers.map((server) => (typeof server === 'string' ? server : server.address));
  const client = new DnsClient({ timeoutMs: 5_000, servers: addresses, ...options });
  open.push({ [Symbol.asyncDispose]: async () => client.close() });
  return client;
}

/** Where nobody listens. */
async function closedPort(): Promise<string> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return `127.0.0.1:${port}`;
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

describe('DnsClient keeps the contract of Resolver', () => {
  for (const [how, mixCase] of [
    ['over UDP', false],
    ['over UDP, case drawn', true],
  ] as const) {
    const cases = resolverContract(how, async (contractZone) => {
      const server = await DnsServer.start(contractZone);
      const resolver = new DnsClient({ servers: [server.address], timeoutMs: 1_000, attemptTimeoutMs: 300, mixCase });
      return {
        resolver,
        close: async () => {
          resolver.close();
          await server.close();
        },
      };
    });
    for (const { name, run } of cases) it(name, run);
  }
});

describe('DnsClient asks', () => {
  it('for recursion, for the AD bit, with EDNS of 1,232 octets, and once', async () => {
    const server = await serve();
    expect(await ask([server]).resolve('A.test', 'A')).toMatchObject(found);
    expect([...server.queries]).toMatchObject([
      {
        nameAsSent: 'a.test',
        type: 'A',
        transport: 'udp',
        recursionDesired: true,
        authenticData: true,
        checkingDisabled: false,
        ednsBytes: 1232,
        dnssecOk: false,
      },
    ]);
  });

  it('with ids and ports that change', async () => {
    const server = await serve();
    const client = ask([server]);
    for (let round = 0; round < 10; round++) {
      const names = Array.from({ length: 50 }, (_, index) => `r${round}-${index}.wild.test`);
      await Promise.all(names.map((name) => client.resolve(name, 'A')));
    }
    const queries = [...server.queries];
    expect(new Set(queries.map(({ id }) => id)).size).toBeGreaterThan(450);
    const ports = new Set(queries.map(({ port }) => port));
    expect(ports.size).toBeGreaterThanOrEqual(4);
    for (const port of ports)
      expect(queries.filter((query) => query.port === port).length).toBeLessThanOrEqual(128 + 50);
  });

  it('with the case of each letter drawn, when told to', async () => {
    const server = await serve();
    const client = ask([server], { mixCase: true });
    const name = `${'abcdefghij'.repeat(4)}.wild.test`;
    expect(await client.resolve(name, 'A')).toMatchObject({ kind: 'records' });
    const [query] = server.queries;
    expect(query?.name).toBe(name);
    expect(query?.nameAsSent).not.toBe(name);
  });

  it('over IPv6', async () => {
    const server = await DnsServer.start(zone, { host: '::1' });
    open.push(server);
    expect(await ask([server]).resolve('a.test', 'A')).toMatchObject(found);
  });

  it('thousands of questions at once, and loses none', async () => {
    const server = await serve();
    const client = ask([server], { timeoutMs: 15_000 });
    const names = Array.from({ length: 3_000 }, (_, index) => `h${index}.wild.test`);
    const answers = await Promise.all(names.map((name) => client.resolve(name, 'A')));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['records']));
    expect(new Set([...server.queries].map(({ port }) => port)).size).toBeGreaterThanOrEqual(8);
  });
});

describe('DnsClient drops what does not reply to its question, and waits on', () => {
  it.each(['wrong-id', 'wrong-question', 'wrong-source', 'garbage'] as const)('%s', async (fault) => {
    const honest = await serve({ fault, thenAnswer: true });
    expect(await ask([honest]).resolve('a.test', 'A')).toMatchObject(found);
    expect(honest.queries.count()).toBe(1);

    const liar = await serve({ fault });
    const answer = await ask([liar], { timeoutMs: 100 }).resolve('a.test', 'A');
    expect(answer).toMatchObject({ kind: 'failure', reason: 'timeout' });
  });

  it('a reply that does not repeat the case that was drawn', async () => {
    const lower = (query: Uint8Array): Uint8Array => {
      // The header and the record of EDNS are no text: an octet of the id that reads as a letter must stay what it is.
      const end = query.indexOf(0, 12);
      const reply = Buffer.from(query);
      reply.write(reply.toString('latin1', 12, end).toLowerCase(), 12, 'latin1');
      reply.writeUInt16BE(0x8183, 2);
      return reply;
    };
    const server = await serve({ fault: 'raw', reply: lower });
    const name = `${'abcdefghij'.repeat(4)}.wild.test`;
    expect(await ask([server]).resolve(name, 'A')).toMatchObject({ kind: 'nxdomain' });
    const client = ask([server], { mixCase: true, timeoutMs: 100 });
    expect(await client.resolve(name, 'A')).toMatchObject({ kind: 'failure', reason: 'timeout' });
  });

  it('records that belong to another name', async () => {
    const server = await serve({ fault: 'wrong-owner' });
    // Not `nodata`, which would be taken for an answer: that a DNS list knows nothing of a client, for one.
    const answer = await ask([server], { timeoutMs: 500 }).resolve('a.test', 'A');
    expect(answer).toMatchObject({ kind: 'failure', reason: 'malformed' });
  });

  it('a reply that comes after the deadline', async () => {
    const server = await serve({ fault: 'delay', delayMs: 1_100, name: 'a.test' });
    const client = ask([server], { timeoutMs: 1_000 });
    expect(await client.resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'timeout' });
    expect(await client.resolve('b.wild.test', 'A')).toMatchObject({ kind: 'records' });
  });
});

describe('DnsClient and a server that sends anything', () => {
  it('answers every lookup, whatever comes', async () => {
    const change = fc.record({ at: fc.nat(60), octet: fc.nat(255) });
    const replies = fc.array(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.array(change, { maxLength: 4 })), {
      minLength: 1,
      maxLength: 4,
    });
    const server = await serve();
    const client = ask([server], { timeoutMs: 30, attemptTimeoutMs: 10 });
    await fc.assert(
      fc.asyncProperty(replies, async (list) => {
        const reply = (query: Uint8Array): Uint8Array[] =>
          list.map((each) => {
            if (each instanceof Uint8Array) return Buffer.concat([query.subarray(0, 2), each]);
            const changed = Buffer.from([...query, 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2, 3, 4]);
            changed.writeUInt16BE(0x8180, 2);
            changed.writeUInt16BE(1, 6);
            for (const { at, octet } of each) changed[at % changed.length] = octet;
            return changed;
          });
        server.setFaults([{ fault: 'raw', reply }]);
        const answer = await client.resolve('a.test', 'A');
        expect(['records', 'nodata', 'nxdomain', 'failure']).toContain(answer.kind);
      }),
      { numRuns: 100 },
    );
  });
});

describe('DnsClient with several servers', () => {
  it.each(['servfail', 'refused', 'malformed', 'drop', 'formerr', 'notimp'] as const)(
    'asks the next one after %s',
    async (fault) => {
      const bad = await serve({ fault });
      const good = await serve();
      const client = ask([bad, good], { attemptTimeoutMs: fault === 'drop' ? 500 : 5_000 });
      expect(await client.resolve('a.test', 'A')).toMatchObject(found);
      expect(bad.queries.count()).toBeGreaterThan(0);
      expect(good.queries.count()).toBe(1);
    },
  );

  it('asks the next one at once when nobody listens, and then that one first', async () => {
    const good = await serve();
    const client = ask([await closedPort(), good.address]);
    expect(await client.resolve('a.test', 'A')).toMatchObject(found);
    expect(await client.resolve('a.test', 'TXT')).toMatchObject({ records: ['text'] });
  });

  it('tries a silent one last for a while, and then again', async () => {
    const first = await serve({ fault: 'drop', times: 1 });
    const second = await serve();
    const client = ask([first, second], { attemptTimeoutMs: 50 });
    let skippedMs = 0;
    const clock = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => clock() + skippedMs);

    await client.resolve('a.test', 'A');
    await client.resolve('b.wild.test', 'A');
    expect([first.queries.count(), second.queries.count()]).toEqual([1, 2]);
    skippedMs = 1_001;
    await client.resolve('c.wild.test', 'A');
    await client.resolve('d.wild.test', 'A');
    expect([first.queries.count(), second.queries.count()]).toEqual([3, 2]);
  });

  it('still takes the answer of a slow one', async () => {
    const slow = await serve({ fault: 'delay', delayMs: 150 });
    const silent = await serve({ fault: 'drop' });
    const client = ask([slow, silent], { attemptTimeoutMs: 50 });
    expect(await client.resolve('a.test', 'A')).toMatchObject(found);
    expect(silent.queries.count()).toBeGreaterThan(0);
  });

  it.each([
    ['servfail', 'servfail'],
    ['refused', 'refused'],
    ['malformed', 'malformed'],
    ['formerr', 'servfail'],
    ['notimp', 'servfail'],
  ] as const)('fails when all say %s, each asked in turn', async (fault, reason) => {
    const servers = [await serve({ fault }), await serve({ fault })];
    const answer = await ask(servers).resolve('a.test', 'A');
    expect(answer).toMatchObject({ kind: 'failure', reason, detail: expect.stringContaining('udp://127.0.0.1:') });
    for (const server of servers) expect(server.queries.count()).toBe(reason === fault ? 1 : 2);
  });

  it('says more of a server that replied than of one that cannot be reached', async () => {
    const server = await serve({ fault: 'servfail' });
    for (const servers of [
      [await closedPort(), server.address],
      [server.address, await closedPort()],
    ]) {
      expect(await ask(servers).resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'servfail' });
    }
  });

  it('fails at once when nobody can be reached', async () => {
    const answer = await ask([await closedPort(), await closedPort()], { timeoutMs: 600_000 }).resolve('a.test', 'A');
    expect(answer).toMatchObject({ kind: 'failure', reason: 'network' });
  });

  it('asks a lost question again', async () => {
    const server = await serve({ fault: 'drop', times: 2 });
    expect(await ask([server], { attemptTimeoutMs: 30 }).resolve('a.test', 'A')).toMatchObject(found);
    expect(new Set([...server.queries].map(({ id }) => id)).size).toBe(3);
  });

  it('asks a silent server three times and no more', async () => {
    const server = await serve({ fault: 'drop' });
    const answer = await ask([server], { attemptTimeoutMs: 20, timeoutMs: 200 }).resolve('a.test', 'A');
    expect(answer).toMatchObject({ kind: 'failure', reason: 'timeout' });
    expect(server.queries.count()).toBe(3);
  });
});

describe('DnsClient and EDNS', () => {
  it('does without it where it is not understood, and remembers that', async () => {
    const server = await serve({ fault: 'formerr-on-edns' });
    const client = ask([server]);
    expect(await client.resolve('a.test', 'A')).toMatchObject(found);
    expect(await client.resolve('a.test', 'TXT')).toMatchObject({ kind: 'records' });
    expect([...server.queries].map(({ ednsBytes }) => ednsBytes)).toEqual([1232, undefined, undefined]);
  });

  it('does without it after a mere header', async () => {
    const header = (query: Uint8Array): Uint8Array =>
      Buffer.from([...query.subarray(0, 2), 0x80, 1, ...Array(8).fill(0)]);
    const server = await serve({ fault: 'raw', reply: header, times: 1 });
    expect(await ask([server]).resolve('a.test', 'A')).toMatchObject(found);
    expect([...server.queries].map(({ ednsBytes }) => ednsBytes)).toEqual([1232, undefined]);
  });
});

describe('DnsClient and aliases', () => {
  /** What a server says that follows no alias itself: the CNAME record of `h<n>.test` leads to `h<n+1>.test`. */
  function hop(end: number): (query: Uint8Array) => Uint8Array {
    return (query) => {
      const number = Number(Buffer.from(query.subarray(14, 14 + (query[12] ?? 0) - 1)).toString());
      const reply = Buffer.from(query.subarray(0, query.length - 11));
      reply.writeUInt16BE(0x81a0, 2);
      reply.writeUInt16BE(1, 6);
      reply.writeUInt16BE(0, 10);
      const label = `h${number + 1}`;
      const data =
        number === end
          ? Buffer.from([0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 7])
          : Buffer.concat([
              Buffer.from([0, 5, 0, 1, 0, 0, 0, 100 - number, 0, label.length + 7, label.length]),
              Buffer.from(`${label}\x04test\0`, 'latin1'),
            ]);
      return Buffer.concat([reply, Buffer.from([0xc0, 0x0c]), data]);
    };
  }

  it('asks for the target when the reply ends with an alias', async () => {
    const server = await serve({ fault: 'raw', reply: hop(8) });
    expect(await ask([server]).resolve('h0.test', 'A')).toEqual({
      kind: 'records',
      records: ['192.0.2.7'],
      ttl: 9,
      authentic: true,
      canonicalName: 'h8.test',
    });
    expect(server.queries.count()).toBe(9);
  });

  it('gives up after eight', async () => {
    const server = await serve({ fault: 'raw', reply: hop(Number.POSITIVE_INFINITY) });
    expect(await ask([server]).resolve('h0.test', 'A')).toMatchObject({ kind: 'failure', reason: 'malformed' });
    expect(server.queries.count()).toBe(9);
  });

  it('does not ask for a name that text cannot show', async () => {
    const dotted = (query: Uint8Array): Uint8Array => {
      const reply = Buffer.from(query.subarray(0, query.length - 11));
      reply.writeUInt16BE(0x8180, 2);
      reply.writeUInt16BE(1, 6);
      reply.writeUInt16BE(0, 10);
      return Buffer.concat([reply, Buffer.from('\xc0\x0c\0\x05\0\x01\0\0\0\x09\0\x05\x03a.b\0', 'latin1')]);
    };
    const server = await serve({ fault: 'raw', reply: dotted });
    expect(await ask([server]).resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'malformed' });
    expect(server.queries.count()).toBe(1);
  });
});

describe('DnsClient and the AD bit', () => {
  it('believes a server on loopback', async () => {
    const server = await serve({ fault: 'authentic' });
    expect(await ask([server]).resolve('a.test', 'A')).toMatchObject({ authentic: true });
  });
});

describe('DnsClient under load', () => {
  it('lets lookups wait for their turn, in their order', async () => {
    const server = await serve();
    const client = ask([server], { maxInFlight: 1 });
    const names = Array.from({ length: 10 }, (_, index) => `n${index}.wild.test`);
    await Promise.all(names.map((name) => client.resolve(name, 'A')));
    expect([...server.queries].map(({ name }) => name)).toEqual(names);
  });

  it('refuses what would have to wait behind too many', async () => {
    const server = await serve();
    const client = ask([server], { maxInFlight: 1, maxQueued: 1 });
    const answers = await Promise.all(['a', 'b', 'c'].map((label) => client.resolve(`${label}.wild.test`, 'A')));
    expect(answers).toMatchObject([{ kind: 'records' }, { kind: 'records' }, { kind: 'failure', reason: 'network' }]);
  });

  it('counts the waiting into the deadline, and ends it when the caller gives up', async () => {
    const server = await serve({ fault: 'drop' });
    const client = ask([server], { maxInFlight: 1, timeoutMs: 60 });
    const controller = new AbortController();
    const running = client.resolve('a.test', 'A');
    const late = client.resolve('b.wild.test', 'A');
    const aborted = client.resolve('c.wild.test', 'A', { signal: controller.signal });
    controller.abort();
    expect(await aborted).toMatchObject({ reason: 'aborted' });
    expect(await running).toMatchObject({ reason: 'timeout' });
    expect(await late).toMatchObject({ reason: 'timeout' });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('takes one signal for many lookups without a warning', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): number => warnings.push(warning);
    process.on('warning', onWarning);
    const server = await serve();
    const { signal } = new AbortController();
    const client = ask([server]);
    const names = Array.from({ length: 100 }, (_, index) => `s${index}.wild.test`);
    await Promise.all(names.map((name) => client.resolve(name, 'A', { signal })));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });
});

describe('DnsClient ends', () => {
  it('lookups under way and waiting when it is closed, and later ones at once', async () => {
    const server = await serve({ fault: 'drop' });
    const client = ask([server], { maxInFlight: 1 });
    const lookups = [client.resolve('a.test', 'A'), client.resolve('b.wild.test', 'A')];
    client.close();
    client.close();
    expect(await Promise.all(lookups)).toMatchObject([{ reason: 'aborted' }, { reason: 'aborted' }]);
    expect(await client.resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'aborted' });
  });

  it('with `using`', async () => {
    const server = await serve();
    let kept: DnsClient;
    {
      using client = new DnsClient({ servers: [server.address] });
      kept = client;
      expect(await client.resolve('a.test', 'A')).toMatchObject(found);
    }
    expect(await kept.resolve('a.test', 'A')).toMatchObject({ reason: 'aborted' });
  });

  it('keeps the process alive for its lookups, and no longer', async () => {
    const silent = await serve({ fault: 'drop', name: 'silent.test' });
    const program = `
      const { DnsClient } = await import(process.argv[1]);
      const servers = process.argv.slice(2);
      for (const server of servers) {
        const client = new DnsClient({ servers: [server], timeoutMs: 800 });
        const first = await client.resolve('a.test', 'A');
        const second = await client.resolve('silent.test', 'A');
        console.log(first.kind, second.reason);
      }`;
    const child = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      program,
      fileURLToPath(new URL('dns-client.ts', import.meta.url)),
      silent.address,
      `tcp://${silent.address}`,
    ]);
    const printed: string[] = [];
    child.stdout.on('data', (text) => printed.push(String(text)));
    child.stderr.on('data', (text) => printed.push(String(text)));
    const [code] = await once(child, 'exit');
    expect(printed.join('')).toBe('records timeout\nrecords timeout\n');
    expect(code).toBe(0);
  });
});

describe('DnsClient without servers', () => {
  it('asks the system’s, and loopback when it has none', async () => {
    const before = getServers();
    try {
      const server = await serve();
      setServers([server.address]);
      using named = new DnsClient();
      expect(await named.resolve('a.test', 'A')).toMatchObject(found);
      setServers([]);
      using unnamed = new DnsClient({ timeoutMs: 50 });
      const answer = await unnamed.resolve('a.test', 'A');
      expect(answer).toMatchObject({ kind: 'failure', detail: expect.stringContaining('udp://127.0.0.1:53') });
    } finally {
      setServers(before);
    }
  });
});

describe('the options of DnsClient', () => {
  it.each([
    [{ servers: [] }, RangeError, /"servers" must be a list of one or more/],
    [{ servers: 'localhost' }, TypeError, /"servers" must be a list/],
    [{ servers: [53] }, TypeError, /"servers" must be a list/],
    [{ servers: ['localhost'] }, RangeError, /"localhost" in "servers" is not an address of a DNS server/],
    [{ servers: [{ url: 'tls://x..y' }] }, RangeError, /"tls:\/\/x\.\.y" in "servers" is not an address/],
    [{ servers: [{ address: '127.0.0.1' }] }, TypeError, /"url"/],
    [{ servers: [{ url: 'tls://127.0.0.1', ca: 5 }] }, TypeError, /"ca" must be PEM/],
    [{ servers: [{ url: 'tls://127.0.0.1', name: 'x' }] }, TypeError, /unknown option "name"/],
    [{ timeoutMs: 0 }, RangeError, /"timeoutMs" must be a whole number from 1 to 600000/],
    [{ timeoutMs: '5s' }, TypeError, /"timeoutMs"/],
    [{ attemptTimeoutMs: Number.NaN }, RangeError, /"attemptTimeoutMs"/],
    [{ trustedValidators: ['resolver.test'] }, TypeError, /"trustedValidators" must be a list of IP addresses/],
    [{ maxInFlight: 100_000 }, RangeError, /"maxInFlight"/],
    [{ maxSockets: 0 }, RangeError, /"maxSockets"/],
    [{ timeout: 5 }, TypeError, /unknown option "timeout"/],
    ['127.0.0.1', TypeError, /options must be an object/],
  ])('refuses %j', (options, type, message) => {
    expect(() => Reflect.construct(DnsClient, [options])).toThrow(type);
    expect(() => Reflect.construct(DnsClient, [options])).toThrow(message);
  });
});
