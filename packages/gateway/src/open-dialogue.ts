import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { ReplyReader, type SmtpReply } from '@postern/core';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { SmtpDialogue } from './smtp-dialogue.ts';

/**
 * How a connection is encrypted. `none`: not at all. `opportunistic`: if the server offers STARTTLS, with any certificate
 * (RFC 7435). `required`: STARTTLS with a valid certificate, or no connection. `implicit`: TLS from the first byte with a
 * valid certificate (RFC 8314).
 */
export type TlsMode = 'none' | 'opportunistic' | 'required' | 'implicit';

/** Where to connect to, and how. */
export interface DialogueTarget {
  readonly host: string;
  readonly port: number;
  /** Our name, for EHLO. */
  readonly name: string;
  readonly tls: TlsMode;
  readonly tlsOptions: ConnectionOptions;
  readonly auth: { readonly user: string; readonly pass: string } | undefined;
  /** Milliseconds for all of it: name, connection, greeting, TLS, EHLO, login. */
  readonly connectTimeoutMs: number;
}

/** Extensions that the server offers (RFC 5321 §4.1.1.1): keyword in upper case, parameters as sent. */
export type Extensions = ReadonlyMap<string, string>;

/** `unreachable`: no SMTP session came about. `misconfigured`: TLS or the login failed. */
export interface OpenFailure {
  readonly kind: 'failed';
  readonly reason: 'unreachable' | 'misconfigured';
  /** Codes for the operator: `ECONNREFUSED`, `EAUTH 535`. No text of the server's, which could repeat what we sent. */
  readonly detail: string;
}

export type Opened =
  | { readonly kind: 'open'; readonly dialogue: SmtpDialogue; readonly extensions: Extensions }
  | OpenFailure;

/**
 * Establishes an SMTP session with nodemailer's `SMTPConnection`, which knows how to connect, to greet, to start TLS and to
 * log in, and takes its socket over: from then on the commands are ours. nodemailer's own `send` takes a message with all
 * its recipients at once, and does not tell whether the final dot was on its way when the connection broke.
 */
export async function openDialogue(target: DialogueTarget): Promise<Opened> {
  const established = await establish(target);
  if (established.kind === 'failed') return established;
  const dialogue = new SmtpDialogue(established.socket);
  let [ehlo] = new ReplyReader().write(Buffer.from(`${established.ehlo}\n`)) ?? [];
  if (ehlo?.code !== 250) {
    // STARTTLS was offered and then refused, and we may go on without: the last reply was that to STARTTLS.
    const heard = await dialogue.command(`EHLO ${target.name}`, target.connectTimeoutMs);
    ehlo = heard.kind === 'reply' ? heard.reply : undefined;
  }
  if (ehlo?.code !== 250 || dialogue.lost !== undefined) {
    dialogue.destroy();
    return { kind: 'failed', reason: 'unreachable', detail: 'EPROTOCOL' };
  }
  return { kind: 'open', dialogue, extensions: extensionsOf(ehlo) };
}

type Established = { readonly kind: 'established'; readonly socket: Socket; readonly ehlo: string };

function establish(target: DialogueTarget): Promise<Established | OpenFailure> {
  const { host, port, name, tls, connectTimeoutMs } = target;
  const connection = new SMTPConnection({
    host,
    port,
    name,
    secure: tls === 'implicit',
    ignoreTLS: tls === 'none',
    requireTLS: tls === 'required',
    opportunisticTLS: tls === 'opportunistic',
    // RFC 7435 §3: encryption without authentication is better than none, where none would be the alternative.
    tls: tls === 'opportunistic' ? { rejectUnauthorized: false, ...target.tlsOptions } : target.tlsOptions,
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    dnsTimeout: connectTimeoutMs,
    socketTimeout: connectTimeoutMs,
    // A failed attempt leaves nothing behind.
    socketCloseTimeout: 0,
    logger: false,
  });
  return new Promise((resolve) => {
    let over = false;
    const settle = (result: Established | OpenFailure): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      resolve(result);
      if (result.kind === 'failed') connection.close();
    };
    const fail = (error: unknown): void => settle(openFailure(error));
    // nodemailer's own time-outs count each step, and a server that sends a byte now and then never reaches the last one.
    const timer = setTimeout(() => fail({ code: 'ETIMEDOUT' }), connectTimeoutMs).unref();
    // Stays for the life of the socket: nodemailer tells each error of it here, and an 'error' nobody listens to is thrown.
    connection.on('error', fail);
    connection.on('end', () => fail({ code: 'ECONNECTION' }));
    connection.connect((error) => {
      if (error !== undefined && error !== null) return fail(error);
      const ehlo = connection.lastServerResponse;
      const takeOver = (): void => {
        const socket = connection._socket;
        if (over || !socket || ehlo === false) {
          fail({ code: 'ECONNECTION' });
          return;
        }
        // What nodemailer does when the socket ends or fails stays; its reader and its clock go.
        socket.removeAllListeners('data');
        socket.setTimeout(0);
        settle({ kind: 'established', socket, ehlo });
      };
      if (target.auth === undefined) return takeOver();
      // A copy: nodemailer writes into it.
      connection.login({ ...target.auth }, (refused) => (refused === null ? takeOver() : fail(refused)));
    });
  });
}

function openFailure(error: unknown): OpenFailure {
  const { code, originalCode, responseCode } = codesOf(error);
  // Those of OpenSSL and of node:tls have an underscore, those of the system have none: CERT_HAS_EXPIRED, ECONNRESET.
  const ofTls = code === 'ETLS' || originalCode === 'EPROTO' || originalCode.includes('_');
  const reason = code === 'EAUTH' || ofTls ? 'misconfigured' : 'unreachable';
  return { kind: 'failed', reason, detail: [code, originalCode, responseCode].filter((part) => part !== '').join(' ') };
}

/** The codes that nodemailer puts on its errors; never their message, which repeats what the server said. */
function codesOf(error: unknown): { code: string; originalCode: string; responseCode: string } {
  const values =
    typeof error === 'object' && error !== null ? new Map<string, unknown>(Object.entries(error)) : new Map();
  const text = (name: string): string => {
    const value: unknown = values.get(name);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  return {
    code: text('code') || 'ECONNECTION',
    originalCode: text('originalCode'),
    responseCode: text('responseCode'),
  };
}

function extensionsOf({ text }: SmtpReply): Extensions {
  const extensions = new Map<string, string>();
  for (const line of text.split('\n').slice(1)) {
    const space = line.indexOf(' ');
    if (space === -1) extensions.set(line.trim().toUpperCase(), '');
    else extensions.set(line.slice(0, space).toUpperCase(), line.slice(space + 1).trim());
  }
  return extensions;
}
