import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type SecureClientSessionOptions,
} from 'node:http2';
import type { ConnectionOwner, DnsConnection } from './connection-transport.ts';
import { encodeQuery, isReplyTo } from './dns-query.ts';
import type { DnsExchange } from './dns-transport.ts';
import { Silence } from './silence.ts';

const IDLE_MS = 10_000;
/** RFC 8484 §6: a DNS message has at most 65,535 octets. */
const MAX_MESSAGE_BYTES = 65_535;
const MEDIA_TYPE = 'application/dns-message';

/** RFC 9110 §8.3.1: parameters may follow, and case does not matter. */
function isDnsMessage(contentType: string | undefined): boolean {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === MEDIA_TYPE;
}

/** RFC 9111 §5.1: whole seconds. */
function ageOf(value: string | string[] | undefined): number {
  const seconds = typeof value === 'string' ? Number(value) : 0;
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds : 0;
}

/** DNS over HTTPS (RFC 8484): POST over HTTP/2, which §5.2 names as the minimum; one session, one stream a query. */
export class HttpsConnection implements DnsConnection {
  readonly #session: ClientHttp2Session;
  readonly #path: string;
  readonly #owner: ConnectionOwner;
  readonly #silence = new Silence();
  readonly #pending = new Map<DnsExchange, ClientHttp2Stream>();
  #served = false;
  #connected = false;
  #retired = false;
  #over = false;

  constructor(url: URL, tls: SecureClientSessionOptions, owner: ConnectionOwner) {
    this.#path = url.pathname + url.search;
    this.#owner = owner;
    const session = connect(url.origin, { ...tls, settings: { enablePush: false } });
    this.#session = session;
    session.unref();
    session.setTimeout(IDLE_MS);
    session.on('connect', () => {
      this.#connected = true;
      session.unref();
      this.#silence.restart();
    });
    session.on('goaway', () => this.retire());
    session.on('timeout', () => this.#end('the connection has been silent'));
    session.on('error', (error) => this.#end(error.message));
    session.on('close', () => this.#end('the connection was closed'));
  }

  get usable(): boolean {
    const { closed, destroyed } = this.#session;
    if (this.#over || this.#retired || closed || destroyed) return false;
    return this.#pending.size === 0 || !this.#silence.isTooLong;
  }

  send(exchange: DnsExchange): void {
    // RFC 8484 §4.1: the id is 0, so that equal questions are equal requests.
    const query = encodeQuery(0, exchange.question, exchange.edns, undefined);
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': this.#path,
      accept: MEDIA_TYPE,
      'content-type': MEDIA_TYPE,
      'content-length': query.length,
    });
    if (this.#pending.size === 0) this.#silence.restart();
    this.#pending.set(exchange, stream);

    let status = 0;
    let contentType: string | undefined;
    let ageSeconds = 0;
    const chunks: Buffer[] = [];
    let length = 0;
    let complete = false;
    let detail = 'the connection was closed';
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0;
      contentType = headers['content-type'];
      ageSeconds = ageOf(headers.age);
    });
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_MESSAGE_BYTES) chunks.push(chunk);
      else stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('end', () => {
      complete = true;
    });
    stream.on('error', (error) => {
      detail = error.message;
    });
    stream.on('close', () => {
      if (!this.#pending.delete(exchange)) return;
      if (complete) this.#silence.restart();
      if (length > MAX_MESSAGE_BYTES) {
        exchange.failed('malformed', 'the reply is longer than a DNS message can be');
      } else if (!complete || stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
        // RFC 9113 §8.7: what the server refused for having too many streams may be asked again.
        const refused = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
        this.#owner.lost(exchange, detail, this.#served || refused);
      } else if (status !== 200) {
        exchange.failed(status >= 500 ? 'servfail' : 'refused', `the server answered with HTTP status ${status}`);
      } else if (!isDnsMessage(contentType)) {
        exchange.failed('malformed', `the reply is not of type ${MEDIA_TYPE}`);
      } else {
        const message = Buffer.concat(chunks, length);
        this.#served = true;
        if (isReplyTo(query, message, false)) exchange.replied(message, ageSeconds);
        else exchange.failed('malformed', 'the reply is not one to the question');
      }
      this.#closeIfUnwanted();
    });
    stream.end(query);
  }

  forget(exchange: DnsExchange): void {
    const stream = this.#pending.get(exchange);
    if (stream === undefined) return;
    this.#pending.delete(exchange);
    stream.close(constants.NGHTTP2_CANCEL);
    this.#closeIfUnwanted();
  }

  retire(): void {
    this.#retired = true;
    this.#closeIfUnwanted();
  }

  close(): void {
    this.#over = true;
    this.#pending.clear();
    this.#session.destroy();
  }

  /** An attempt to connect that nobody waits for any more would keep the process alive until the system gives up. */
  #closeIfUnwanted(): void {
    if (this.#pending.size === 0 && (this.#retired || !this.#connected)) this.#end('nobody waits for it');
  }

  #end(detail: string): void {
    if (this.#over) return;
    this.#over = true;
    const lost = [...this.#pending.keys()];
    this.#pending.clear();
    this.#session.destroy();
    this.#owner.ended(this);
    for (const exchange of lost) this.#owner.lost(exchange, detail, this.#served);
  }
}
