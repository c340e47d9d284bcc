import { createCertificate, type DnsFaultRule, DnsServer, resolverContract, type ZoneData } from '@postern/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { DnsClient, type DnsClientOptions } from './dns-client.ts';

const long = Array.from({ length: 250 }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat(255));
const zone: ZoneData = {
  test: { SOA: 'ns.test hostmaster.test 1 2 3 4 60', ttl: 300 },
  'a.test': { A: '192.0.2.1' },
  'long.test': { TXT: [long] },
  'signed.test': { A: '192.0.2.3', authentic: true },
  '*.wild.test': { A: '192.0.2.2' },
};
const found = { kind: 'records', records: ['192.0.2.1'] };
const tls = createCertificate();

const open: AsyncDisposable[] = [];

async function serve(...faults: DnsFaultRule[]): Promise<DnsServer> {
  const server = await DnsServer.start(zone, { faults, tls });
  open.push(server);
  return server;
}

type Way = 'udp' | 'tcp' | 'tls' | 'https';

function entryOf(server: DnsServer, way: Way, ca = tls.cert): NonNullable<DnsClientOptions['servers']>[number] {
  switch (way) {
    case 'udp':
      return server.address;
    case 'tcp':
      return `tcp://${server.address}`;
    case 'tls':
      return { url: `tls://${server.tlsAddress}`, ca };
    case 'https':
      return { url: `${server.httpsUrl}`, ca };
  }
}

function clientOf(options: DnsClientOptions): DnsClient {
  const client = new DnsClient(options);
  open.push({ [Symbol.asyncDispose]: async () => client.close() });
  return client;
}

function ask(server: DnsServer, way: Way, options: DnsClientOptions = {}): DnsClient {
  return clientOf({ servers: [entryOf(server, way)], ...options });
}

/** The ports from which the server was asked. */
function portsOf(server: DnsServer): Set<number> {
  return new Set([...server.queries].map(({ port }) => port));
}

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

describe.each(['tcp', 'tls', 'https'] as const)('DnsClient over %s', (way) => {
  const cases = resolverContract(way, async (contractZone) => {
    const server = await DnsServer.start(contractZone, { tls });
    const resolver = new DnsClient({ servers: [entryOf(server, way)], timeoutMs: 1_000, attemptTimeoutMs: 300 });
    return {
      resolver,
      close: async () => {
        resolver.close();
        await server.close();
      },
    };
  });
  for (const { name, run } of cases) it(name, run);

  it('asks many questions over one connection, in any order of replies', async () => {
    const server = await serve({ fault: 'delay', delayMs: 50, name: 'n0.wild.test' });
    const client = ask(server, way);
    const names = Array.from({ length: 500 }, (_, index) => `n${index}.wild.test`);
    const finished: string[] = [];
    const answers = await Promise.all(
      names.map((name) => client.resolve(name, 'A').finally(() => finished.push(name))),
    );
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['records']));
    expect(finished.indexOf('n0.wild.test')).toBeGreaterThan(0);
    expect(portsOf(server).size).toBe(1);
    expect(server.queries.count()).toBe(500);
  });

  it('opens another connection when the server has closed the first one', async () => {
    const server = await serve({ fault: 'close', name: 'b.wild.test', times: 1 });
    const client = ask(server, way);
    expect(await client.resolve('a.test', 'A')).toMatchObject(found);
    // The connection has served before, so the question that is lost with it is asked again.
    expect(await client.resolve('b.wild.test', 'A')).toMatchObject({ kind: 'records' });
    expect(portsOf(server).size).toBe(2);
  });

  it('fails when the server closes every connection', async () => {
    const server = await serve({ fault: 'close' });
    const answer = await ask(server, way, { timeoutMs: 600_000 }).resolve('a.test', 'A');
    expect(answer).toMatchObject({ kind: 'failure', reason: 'network' });
  });

  it('takes 64 KB, byte by byte too', async () => {
    const server = await serve({ fault: 'slow', everyMs: 0, name: 'a.test' });
    const client = ask(server, way);
    expect(await client.resolve('long.test', 'TXT')).toMatchObject({ records: [long.join('')] });
    expect(await client.resolve('a.test', 'A')).toMatchObject(found);
  });

  it('does not wait longer than the deadline for a slow reply', async () => {
    const server = await serve({ fault: 'slow', everyMs: 1_000 });
    const answer = await ask(server, way, { timeoutMs: 100 }).resolve('a.test', 'A');
    expect(answer).toMatchObject({ kind: 'failure', reason: 'timeout' });
  });

  it('fails at once when nobody listens', async () => {
    const server = await serve();
    const entry = entryOf(server, way);
    await server.close();
    const answer = await clientOf({ servers: [entry], timeoutMs: 600_000 }).resolve('a.test', 'A');
    expect(answer).toMatchObject({
      kind: 'failure',
      reason: 'network',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('sends EDNS and the AD bit, and believes the AD bit of the reply', async () => {
    const server = await serve();
    expect(await ask(server, way).resolve('signed.test', 'A')).toMatchObject({ authentic: true });
    expect([...server.queries]).toMatchObject([{ transport: way, ednsBytes: 1232, authenticData: true }]);
  });

  it('forgets a lookup that is aborted, and only that one', async () => {
    const server = await serve({ fault: 'delay', delayMs: 30, name: 'a.test' });
    const client = ask(server, way);
    await client.resolve('x.wild.test', 'A');
    const controller = new AbortController();
    const lookups = [client.resolve('a.test', 'A', { signal: controller.signal }), client.resolve('y.wild.test', 'A')];
    controller.abort();
    expect(await Promise.all(lookups)).toMatchObject([{ reason: 'aborted' }, { kind: 'records' }]);
    expect(await client.resolve('a.test', 'A')).toMatchObject(found);
    expect(portsOf(server).size).toBe(1);
  });
});

describe('DnsClient over UDP, when the reply is truncated', () => {
  it('asks the same server over TCP', async () => {
    const server = await serve({ fault: 'truncate', name: 'a.test' });
    const client = ask(server, 'udp');
    expect(await client.resolve('a.test', 'A')).toMatchObject(found);
    expect(await client.resolve('long.test', 'TXT')).toMatchObject({ records: [long.join('')] });
    expect([...server.queries].map(({ transport }) => transport)).toEqual(['udp', 'tcp', 'udp', 'tcp']);
  });

  it('asks the next server when that one cannot be asked over TCP', async () => {
    const first = await serve({ fault: 'truncate' }, { fault: 'close' });
    const second = await serve();
    const client = clientOf({ servers: [first.address, second.address] });
    expect(await client.resolve('a.test', 'A')).toMatchObject(found);
  });
});

describe('DnsClient and forged replies on a stream', () => {
  it.each(['wrong-id', 'wrong-question', 'garbage'] as const)('drops %s and waits on', async (fault) => {
    const server = await serve({ fault, thenAnswer: true });
    for (const way of ['tcp', 'tls'] as const) {
      expect(await ask(server, way).resolve('a.test', 'A')).toMatchObject(found);
    }
  });
});

describe('DnsClient and certificates', () => {
  const stranger = createCertificate({ names: ['resolver.test'] });

  it.each(['tls', 'https'] as const)('asks nothing over %s of a server that it cannot verify', async (way) => {
    const server = await serve();
    const url = way === 'tls' ? `tls://${server.tlsAddress}` : `${server.httpsUrl}`;
    for (const entry of [url, { url, ca: stranger.cert }]) {
      const answer = await clientOf({ servers: [entry], timeoutMs: 600_000 }).resolve('a.test', 'A');
      expect(answer).toMatchObject({
        kind: 'failure',
        reason: 'network',
        detail: expect.stringContaining('certificate'),
      });
    }
    expect(server.queries.count()).toBe(0);
  });

  it.each(['tls', 'https'] as const)('looks for the right name over %s', async (way) => {
    const server = await DnsServer.start(zone, { tls: stranger });
    open.push(server);
    const url = way === 'tls' ? `tls://${server.tlsAddress}` : `${server.httpsUrl}`;
    const ca = stranger.cert;
    expect(await clientOf({ servers: [{ url, ca }] }).resolve('a.test', 'A')).toMatchObject({ reason: 'network' });
    const named = clientOf({ servers: [{ url, ca, servername: 'resolver.test' }] });
    expect(await named.resolve('a.test', 'A')).toMatchObject(found);
  });

  it('finds a server by its name', async () => {
    const server = await serve();
    const { port } = new URL(`https://${server.tlsAddress}`);
    const byName = clientOf({ servers: [{ url: `tls://localhost:${port}`, ca: tls.cert }] });
    expect(await byName.resolve('a.test', 'A')).toMatchObject(found);
  });
});

describe('DnsClient over https', () => {
  it.each([
    [503, 'servfail'],
    [403, 'refused'],
    [302, 'refused'],
  ] as const)('fails on HTTP status %d', async (status, reason) => {
    const server = await serve({ fault: 'http-status', status });
    const answer = await ask(server, 'https').resolve('a.test', 'A');
    expect(answer).toMatchObject({ kind: 'failure', reason, detail: expect.stringContaining(`HTTP status ${status}`) });
  });

  it.each(['wrong-id', 'wrong-question', 'garbage', 'malformed'] as const)('fails on %s', async (fault) => {
    const server = await serve({ fault });
    expect(await ask(server, 'https').resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'malformed' });
  });

  it('asks with the id 0', async () => {
    const server = await serve();
    await ask(server, 'https').resolve('a.test', 'A');
    expect([...server.queries]).toMatchObject([{ id: 0, transport: 'https' }]);
  });
});
