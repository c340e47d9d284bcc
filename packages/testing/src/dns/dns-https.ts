import { constants, createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { Server } from 'node:net';
import type { Certificate } from '../certificate.ts';
import type { DnsChannel, DnsResponder } from './dns-responder.ts';
import { writeSlowly } from './dns-stream.ts';

const PATH = '/dns-query';
const MEDIA_TYPE = 'application/dns-message';
/** RFC 1035 §4.2.2: no DNS message is longer. */
const LONGEST_MESSAGE = 65_535;

/** DNS over HTTPS (RFC 8484), over HTTP/2 and, for clients without it, HTTP/1.1. */
export function createDnsHttpServer(tls: Certificate, responder: DnsResponder): Server {
  return createSecureServer({ ...tls, allowHTTP1: true }, (request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    receive(request, response, responder).catch(() => closeConnection(request));
  });
}

async function receive(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  responder: DnsResponder,
): Promise<void> {
  const sendStatus = (status: number): void => {
    response.writeHead(status).end();
  };
  const url = new URL(request.url, 'https://localhost');
  if (url.pathname !== PATH) return sendStatus(404);
  let message: Buffer;
  if (request.method === 'GET') {
    message = Buffer.from(url.searchParams.get('dns') ?? '', 'base64url');
  } else if (request.method === 'POST') {
    if (request.headers['content-type'] !== MEDIA_TYPE) return sendStatus(415);
    const body = await bodyOf(request);
    if (body === undefined) return sendStatus(413);
    message = body;
  } else {
    return sendStatus(405);
  }
  if (message.length < 12) return sendStatus(400);
  responder.receive(message, channelOf(request, response, responder, sendStatus));
}

async function bodyOf(request: Http2ServerRequest): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LONGEST_MESSAGE) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function channelOf(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  responder: DnsResponder,
  sendStatus: (status: number) => void,
): DnsChannel {
  const begin = (message: Uint8Array): void => {
    response.writeHead(200, { 'content-type': MEDIA_TYPE, 'content-length': message.length });
  };
  return {
    transport: 'https',
    address: request.socket.remoteAddress ?? '',
    port: request.socket.remotePort ?? 0,
    send: (message) => {
      // An exchange has one response; a forged one before it leaves no room for the true one.
      if (response.headersSent) return;
      begin(message);
      response.end(message);
    },
    sendSlowly: (message, everyMs) => {
      begin(message);
      writeSlowly(
        Buffer.from(message),
        everyMs,
        responder,
        (byte) => void response.write(byte),
        () => response.end(),
      );
    },
    sendStatus,
    close: () => closeConnection(request),
  };
}

/** Under HTTP/2 `socket` stands for one stream only. */
function closeConnection(request: Http2ServerRequest): void {
  if (request.httpVersionMajor === 2) request.stream.session?.destroy(undefined, constants.NGHTTP2_INTERNAL_ERROR);
  else request.socket.destroy();
}
