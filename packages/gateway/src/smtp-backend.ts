import { channel } from 'node:diagnostics_channel';
import { hostname } from 'node:os';
import type { ConnectionOptions } from 'node:tls';
import { type Backend, OptionReader } from '@postern/core';
import { DialoguePool } from './dialogue-pool.ts';
import { type Opened, openDialogue, type TlsMode } from './open-dialogue.ts';
import { SmtpDelivery } from './smtp-delivery.ts';

/** Who we are to the server behind the gateway. Stands in no error, reply or report. */
export interface SmtpBackendLogin {
  readonly user: string;
  readonly pass: string;
}

/** The options of `smtpBackend`. */
export interface SmtpBackendOptions {
  /** Name or address. A name is looked up by the system, so that `/etc/hosts` counts. */
  readonly host: string;
  /** Default 25, or 465 when `tls` is `implicit`. */
  readonly port?: number;
  /**
   * `none`: no TLS. `opportunistic`: STARTTLS if the server offers it, with any certificate (RFC 7435). `required`:
   * STARTTLS with a valid certificate, or no mail. `implicit`: TLS from the first byte with a valid certificate (RFC 8314).
   * Default `required` with `auth`, else `opportunistic`.
   */
  readonly tls?: TlsMode;
  /** For `node:tls`: `ca`, `servername`, `minVersion`, … Default none. */
  readonly tlsOptions?: ConnectionOptions;
  /**
   * Log in as (RFC 4954). A password is only sent over TLS with a valid certificate (`required`, `implicit`), or to
   * `localhost`, `127.0.0.1` or `::1`. Default: no login.
   */
  readonly auth?: SmtpBackendLogin;
  /** What we call ourselves in EHLO. Default `os.hostname()`. */
  readonly name?: string;
  /**
   * The most connections at once; a transaction needs one from its first recipient to its end. Default 50, which is what
   * Postfix takes from one client (`smtpd_client_connection_count_limit`).
   */
  readonly maxConnections?: number;
  /** Milliseconds that an unused connection stays open for the next transaction. Default 30,000. */
  readonly idleTimeoutMs?: number;
  /** Milliseconds for a connection to be ready: waiting for a free one, name, TCP, greeting, TLS, login. Default 20,000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds for the reply to MAIL, RCPT, DATA or RSET. Default 30,000. */
  readonly commandTimeoutMs?: number;
  /** Milliseconds for the server to take one more part of the message. Default 180,000 (RFC 5321 §4.5.3.2.5). */
  readonly dataTimeoutMs?: number;
  /**
   * Milliseconds for the reply to the final dot. Default 600,000 (RFC 5321 §4.5.3.2.6): who gives up early gets the
   * message delivered twice.
   */
  readonly finalTimeoutMs?: number;
}

/** A backend with connections to close. */
export interface SmtpBackend extends Backend, AsyncDisposable {
  /** Takes no more transactions, and resolves when those that run are over and every connection is closed. */
  close(): Promise<void>;
}

/** Published on the channel `postern.gateway.backend` when a connection to a backend did not come about. */
export interface BackendConnectFailure {
  readonly host: string;
  readonly port: number;
  /** `misconfigured`: TLS or the login failed. */
  readonly reason: 'unreachable' | 'misconfigured';
  /** Codes: `ESOCKET ECONNREFUSED`, `EAUTH 535`. */
  readonly detail: string;
}

const failures = channel('postern.gateway.backend');

/**
 * Mail goes on to an SMTP server, recipient by recipient: its replies are the client's replies, and 250 for the message is
 * said only when it has said so. Connections are made through nodemailer and used again for later transactions.
 *
 * - A server that cannot be reached is a 451 4.4.1 for the recipient, one that hangs up or is late a 451 4.4.2, one that is
 *   busy on all `maxConnections` a 451 4.4.5. A failed login or TLS, and a reply that says that we are wrongly configured
 *   (500, 502–504, 530, 534, 535, 538, 555), is a 451 4.3.5: the mail waits until somebody has looked.
 * - Every other 4yz and 5yz is passed on with its code, its enhanced code (or `4.0.0`/`5.0.0`) and its text on one line;
 *   421 as 451.
 * - A server without 8BITMIME gets no message that is not ASCII (554 5.6.3). One without SMTPUTF8 gets no address
 *   (553 5.6.7) and, of a client that announced SMTPUTF8, no header (550 5.6.9) that is not; a domain goes on as A-labels.
 * - The connection broke between the final dot and the reply: 451 4.4.2, and the outcome is `unknown`.
 *
 * The message must have its lines end in CRLF, which the gateway sees to.
 *
 * @throws TypeError, RangeError when an option is not what it should be
 *
 * @example
 * ```ts
 * const backend = smtpBackend({ host: 'mailbox.internal', port: 2525 });
 * const gateway = createGateway({ hostname: 'mx.example.com', checks, resolver, deliver: backend });
 * // …
 * await backend.close();
 * ```
 */
export function smtpBackend(options: SmtpBackendOptions): SmtpBackend {
  const read = new OptionReader('smtpBackend', options);
  const host = read.required('host', isNonEmptyText, 'a host name or an address');
  const auth = read.value('auth', isLogin, 'an object with the strings user and pass');
  const tls = read.oneOf<TlsMode>(
    'tls',
    ['none', 'opportunistic', 'required', 'implicit'],
    auth ? 'required' : 'opportunistic',
  );
  if (auth !== undefined && (tls === 'none' || tls === 'opportunistic') && !loopback.has(host)) {
    read.refuse('tls', '"required" or "implicit" where auth sends a password');
  }
  const port = read.integer('port', tls === 'implicit' ? 465 : 25, { min: 1, max: 65_535 });
  const target = {
    host,
    port,
    tls,
    auth: auth && { user: auth.user, pass: auth.pass },
    tlsOptions: read.value('tlsOptions', isObject, 'an object') ?? {},
    name: read.value('name', isNonEmptyText, 'a host name') ?? hostname(),
    connectTimeoutMs: read.integer('connectTimeoutMs', 20_000, { min: 1 }),
  };
  const bounds = {
    maxConnections: read.integer('maxConnections', 50, { min: 1 }),
    idleTimeoutMs: read.integer('idleTimeoutMs', 30_000, { min: 1 }),
    waitMs: target.connectTimeoutMs,
  };
  const times = {
    commandTimeoutMs: read.integer('commandTimeoutMs', 30_000, { min: 1 }),
    dataTimeoutMs: read.integer('dataTimeoutMs', 180_000, { min: 1 }),
    finalTimeoutMs: read.integer('finalTimeoutMs', 600_000, { min: 1 }),
  };
  read.done();

  const open = async (): Promise<Opened> => {
    const opened = await openDialogue(target);
    if (opened.kind === 'failed' && failures.hasSubscribers) {
      const { reason, detail } = opened;
      failures.publish({ host, port, reason, detail } satisfies BackendConnectFailure);
    }
    return opened;
  };
  const pool = new DialoguePool(open, bounds);
  const close = (): Promise<void> => pool.close();
  return {
    begin: (transaction) => new SmtpDelivery(pool, transaction, times),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

function isNonEmptyText(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]+$/.test(value);
}

function isLogin(value: unknown): value is SmtpBackendLogin {
  if (typeof value !== 'object' || value === null || !('user' in value && 'pass' in value)) return false;
  return typeof value.user === 'string' && typeof value.pass === 'string';
}

function isObject(value: unknown): value is ConnectionOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
