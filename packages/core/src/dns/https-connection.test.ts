import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import { createCertificate } from '@postern/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { DnsClient } from './dns-client.ts';

const tls = createCertificate();
const open: { close(): void }[] = [];

/** What a server makes of the query; without an OPT record, whose place the answer takes. */
function answerTo(query: Buffer): Buffer {
  const reply = Buffer.from(query.subarray(0, query.length - 11));
  reply.writeUInt16BE(0x8180, 2);
  reply.writeUInt16BE(1, 6);
  reply.writeUInt16BE(0, 10);
  return Buffer.concat([reply, Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 100, 0, 4, 192, 0, 2, 1])]);
}

/** A client of a server that answers each request as `respond` says. */
async function clientOf(
  respond: (stream: ServerHttp2Stream, query: Buffer) => void,
  maxConcurrentStreams = 100,
): Promise<DnsClient> {
  const server: Http2SecureServer = createSecureServer({ ...tls, settings: { maxConcurrentStreams } }, () => {});
  server.on('session', (session) => open.push({ close: () => session.destroy() }));
  server.on('stream', async (stream) => {
    stream.on('error', () => {});
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    respond(stream, Buffer.concat(chunks));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const client = new DnsClient({ servers: [{ url: `https://127.0.0.1:${address.port}/dns-query`, ca: tls.cert }] });
  open.push({ close: () => server.close() }, client);
  return client;
}

const headers = { ':status': 200, 'content-type': 'application/dns-message' };

afterEach(() => {
  for (const each of open.splice(0).reverse()) each.close();
});

describe('HttpsConnection', () => {
  it.each([
    ['30', 70],
    ['0', 100],
    ['1000', 0],
    ['-5', 100],
    ['soon', 100],
    ['1e9', 0],
  ])('takes the age %j off the TTL', async (age, ttl) => {
    const client = await clientOf((stream, query) => {
      stream.respond({ ...headers, age });
      stream.end(answerTo(query));
    });
    expect(await client.resolve('a.test', 'A')).toMatchObject({ kind: 'records', records: ['192.0.2.1'], ttl });
  });

  it('takes a content type with parameters and in any case', async () => {
    const client = await clientOf((stream, query) => {
      stream.respond({ ...headers, 'content-type': 'Application/DNS-Message; charset=x' });
      stream.end(answerTo(query));
    });
    expect(await client.resolve('a.test', 'A')).toMatchObject({ kind: 'records' });
  });

  it.each([
    [
      'of another type',
      (stream: ServerHttp2Stream, query: Buffer) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        stream.end(answerTo(query));
      },
    ],
    [
      'without a type',
      (stream: ServerHttp2Stream, query: Buffer) => {
        stream.respond({ ':status': 200 });
        stream.end(answerTo(query));
      },
    ],
    [
      'without octets',
      (stream: ServerHttp2Stream) => {
        stream.respond(headers);
        stream.end();
      },
    ],
    [
      'without end',
      (stream: ServerHttp2Stream) => {
        stream.respond(headers);
        const chunk = Buffer.alloc(16_384);
        const more = (): void => {
          while (!stream.destroyed && stream.write(chunk)) {}
        };
        stream.on('drain', more);
        more();
      },
    ],
  ])('calls a reply %s malformed', async (_what, respond) => {
    const client = await clientOf(respond);
    expect(await client.resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'malformed' });
  });

  it('fails when the server resets the stream', async () => {
    const client = await clientOf((stream) => stream.close(2));
    expect(await client.resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'network' });
  });

  it('asks again what a server refused that takes few streams at once', async () => {
    const sessions = new Set<unknown>();
    const client = await clientOf((stream, query) => {
      sessions.add(stream.session);
      stream.respond(headers);
      stream.end(answerTo(query));
    }, 3);
    const names = Array.from({ length: 200 }, (_, index) => `n${index}.test`);
    const answers = await Promise.all(names.map((name) => client.resolve(name, 'A')));
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['records']));
    expect(sessions.size).toBe(1);
  });

  it('opens another connection after GOAWAY', async () => {
    const sessions = new Set<unknown>();
    const client = await clientOf((stream, query) => {
      sessions.add(stream.session);
      stream.respond(headers);
      stream.end(answerTo(query));
      stream.session?.goaway();
    });
    for (const name of ['a.test', 'b.test', 'c.test']) {
      expect(await client.resolve(name, 'A')).toMatchObject({ kind: 'records' });
    }
    expect(sessions.size).toBeGreaterThan(1);
  });
});
