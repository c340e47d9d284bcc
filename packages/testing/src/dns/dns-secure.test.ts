import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { decode, encode } from 'dns-packet';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCertificate } from '../certificate.ts';
import { DnsServer } from './dns-server.ts';

const tls = createCertificate();
let server: DnsServer;
beforeAll(async () => {
  server = await DnsServer.start({ 'a.test': { A: '192.0.2.1' }, 'network.test': 'network' }, { tls });
});
afterAll(() => server.close());
beforeEach(() => {
  server.setFaults([]);
  server.queries.clear();
});

const message = (name: string): Buffer => encode({ id: 4711, questions: [{ name, type: 'A' }] });
const answer = { id: 4711, answers: [{ name: 'a.test', type: 'A', data: '192.0.2.1' }] };

describe('DNS over TLS', () => {
  async function ask(name: string, ALPNProtocols?: string[]): Promise<Buffer> {
    const [host = '', port = ''] = server.tlsAddress?.split(':') ?? [];
    const socket = connectTls({ host, port: Number(port), ca: tls.cert, ...(ALPNProtocols && { ALPNProtocols }) });
    await once(socket, 'secureConnect');
    const bytes = message(name);
    socket.write(Buffer.concat([Buffer.of(0, bytes.length), bytes]));
    let reply = Buffer.alloc(0);
    for await (const chunk of socket) {
      reply = Buffer.concat([reply, chunk]);
      if (reply.length >= 2 && reply.length >= reply.readUInt16BE(0) + 2) break;
    }
    return reply.subarray(2);
  }

  it('answers, with and without the name of the protocol', async () => {
    expect(decode(await ask('a.test'))).toMatchObject(answer);
    expect(decode(await ask('a.test', ['dot']))).toMatchObject(answer);
    expect(server.queries.entries).toMatchObject([{ transport: 'tls' }, { transport: 'tls' }]);
  });

  it('has the faults of streams', async () => {
    server.setFaults([{ fault: 'close', transport: 'tls' }]);
    expect(await ask('a.test')).toHaveLength(0);
    server.setFaults([{ fault: 'slow', everyMs: 1 }]);
    expect(decode(await ask('a.test'))).toMatchObject(answer);
  });
});

describe('DNS over HTTPS', () => {
  interface Reply {
    readonly status: number | undefined;
    readonly type: string | undefined;
    readonly body: Buffer;
  }

  /** Over HTTP/1.1. */
  function fetch1(path: string, method = 'GET', type = 'application/dns-message', body?: Uint8Array): Promise<Reply> {
    const url = new URL(path, server.httpsUrl);
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': type, 'content-length': body.length };
      const sent = request(url, { method, headers, ca: tls.cert, agent: false }, (response) => {
        response.toArray().then((chunks) => {
          resolve({
            status: response.statusCode,
            type: response.headers['content-type'],
            body: Buffer.concat(chunks),
          });
        }, reject);
      });
      sent.on('error', reject).end(body);
    });
  }

  /** Over HTTP/2. */
  async function fetch2(body: Buffer): Promise<Buffer> {
    const session = connectHttp2(server.httpsUrl ?? '', { ca: tls.cert });
    const stream = session.request({
      ':path': '/dns-query',
      ':method': 'POST',
      'content-type': 'application/dns-message',
    });
    let status: number | undefined;
    stream.on('response', (headers) => {
      status = headers[':status'];
    });
    stream.end(body);
    try {
      const chunks = await stream.toArray();
      // A connection that is closed just ends the stream.
      if (status === undefined) throw new Error('no response');
      return Buffer.concat(chunks);
    } finally {
      session.close();
    }
  }

  const get = (name: string): Promise<Reply> => fetch1(`/dns-query?dns=${message(name).toString('base64url')}`);

  it('answers GET and POST, over HTTP/1.1 and HTTP/2', async () => {
    const type = 'application/dns-message';
    const got = await get('a.test');
    expect(got).toMatchObject({ status: 200, type });
    expect(decode(got.body)).toMatchObject(answer);
    const posted = await fetch1('/dns-query', 'POST', type, message('a.test'));
    expect(decode(posted.body)).toMatchObject(answer);
    expect(decode(await fetch2(message('a.test')))).toMatchObject(answer);
    expect(server.queries.entries.map(({ transport }) => transport)).toEqual(['https', 'https', 'https']);
  });

  it('refuses what RFC 8484 does not know', async () => {
    const type = 'application/dns-message';
    expect(await fetch1('/other')).toMatchObject({ status: 404 });
    expect(await fetch1('/dns-query')).toMatchObject({ status: 400 });
    expect(await fetch1('/dns-query', 'PUT', type, message('a.test'))).toMatchObject({ status: 405 });
    expect(await fetch1('/dns-query', 'POST', 'text/plain', message('a.test'))).toMatchObject({ status: 415 });
    expect(await fetch1('/dns-query', 'POST', type, Buffer.alloc(65_536))).toMatchObject({ status: 413 });
  });

  it('has its faults', async () => {
    server.setFaults([{ fault: 'http-status', status: 503 }]);
    expect(await get('a.test')).toMatchObject({ status: 503 });
    server.setFaults([{ fault: 'slow', everyMs: 1 }]);
    expect(decode((await get('a.test')).body)).toMatchObject(answer);
    server.setFaults([{ fault: 'wrong-id', thenAnswer: true }]);
    expect(decode((await get('a.test')).body)).toMatchObject({ id: 4711 ^ 0xffff });
    server.setFaults([{ fault: 'close' }]);
    await expect(get('a.test')).rejects.toThrow();
    await expect(fetch2(message('a.test'))).rejects.toThrow();
    server.setFaults([]);
    await expect(get('network.test')).rejects.toThrow();
  });
});

it('has neither without a certificate, and does not start with a broken one', async () => {
  await using plain = await DnsServer.start({});
  expect([plain.tlsAddress, plain.httpsUrl]).toEqual([undefined, undefined]);
  await expect(DnsServer.start({}, { tls: { key: 'no', cert: 'no' } })).rejects.toThrow();
});
