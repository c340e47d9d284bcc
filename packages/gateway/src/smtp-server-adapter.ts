import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Awaitable, andThen, type Clock, formatReplyText, type SmtpReply, type TlsFacts } from '@postern/core';
import type { SMTPServerOptions, SMTPServerSession } from 'smtp-server';
import type { GatewaySession } from './gateway-session.ts';
import type { ConnectionFacts } from './session-facts.ts';
import { SmtpServerDoor } from './smtp-server-door.ts';

/** The options of `smtp-server` that the gateway sets: its hooks, and what it must not do because the gateway does it. */
export type GatewayOwnOption =
  | 'onConnect'
  | 'onSecure'
  | 'onAuth'
  | 'onMailFrom'
  | 'onRcptTo'
  | 'onData'
  | 'onClose'
  | 'size'
  | 'maxRecipients'
  | 'authOptional'
  | 'hideENHANCEDSTATUSCODES'
  | 'hideDSN'
  | 'lmtp';

const OWN_OPTIONS: Readonly<Record<GatewayOwnOption, true>> = {
  onConnect: true,
  onSecure: true,
  onAuth: true,
  onMailFrom: true,
  onRcptTo: true,
  onData: true,
  onClose: true,
  size: true,
  maxRecipients: true,
  authOptional: true,
  hideENHANCEDSTATUSCODES: true,
  hideDSN: true,
  lmtp: true,
};

/** What a user may still set of `smtp-server`. */
export type ServerOptions = Omit<SMTPServerOptions, GatewayOwnOption>;

/** What the adapter needs of the gateway. */
export interface AdapterHost {
  readonly hostname: string;
  readonly maxMessageBytes: number;
  readonly commandTimeoutMs: number;
  readonly clock: Clock;
  session(facts: ConnectionFacts): GatewaySession;
  /** Sends the reply and ends the connection of this session, on whatever attached server it is. */
  hangUp(session: SMTPServerSession, reply: SmtpReply): void;
  /** The doors of all servers, by the server's session. */
  readonly doors: WeakMap<SMTPServerSession, SmtpServerDoor>;
}

/** A reply as a hook of `smtp-server` gives it. */
class RefusedReply extends Error {
  readonly responseCode: number;

  constructor(reply: SmtpReply) {
    super(formatReplyText(reply));
    this.responseCode = reply.code;
  }
}

/**
 * Options for `smtp-server` with every hook wired to the gateway.
 *
 * AUTH is offered only where some check judges logins, and only under TLS unless `allowInsecureAuth` is set; STARTTLS only
 * with a certificate. WIZ, SHELL and KILL are switched off.
 *
 * @throws TypeError for an option that the gateway sets itself
 */
export function smtpServerOptions(host: AdapterHost, extra: ServerOptions = {}): SMTPServerOptions {
  for (const name of Object.keys(OWN_OPTIONS)) {
    if (name in extra) throw new TypeError(`smtpServerOptions: option "${name}" is set by the gateway`);
  }
  const hasCertificate = ['key', 'cert', 'pfx', 'SNICallback', 'sniOptions', 'secured'].some((name) => name in extra);
  const disabled = [...(extra.disabledCommands ?? []), 'WIZ', 'SHELL', 'KILL', ...(hasCertificate ? [] : ['STARTTLS'])];
  const { doors } = host;

  const open = (server: SMTPServerSession, tls?: TlsFacts): SmtpServerDoor => {
    const door = new SmtpServerDoor(
      server,
      (facts) => host.session(facts),
      host.clock,
      tls,
      (reply) => host.hangUp(server, reply),
    );
    doors.set(server, door);
    return door;
  };
  const offerLogin = (server: SMTPServerSession, door: SmtpServerDoor): void => {
    // Replaces the server's list for this session. Only where it has to: the server normalizes it at every command.
    if (door.session.judgesLogins && (server.secure || extra.allowInsecureAuth === true)) {
      server.disabledCommands = disabled;
    }
  };

  return {
    disableReverseLookup: true,
    // RFC 5321 §4.5.3.2.7: a server waits at least five minutes for the next command.
    socketTimeout: host.commandTimeoutMs,
    ...extra,
    name: host.hostname,
    size: host.maxMessageBytes,
    disabledCommands: [...disabled, 'AUTH'],
    // Unauthenticated MAIL is refused by the gateway, with its reply. This server's own refusal has no code of RFC 3463.
    authOptional: true,
    // Our replies bring their own codes; this server would put one that it guessed before them.
    hideENHANCEDSTATUSCODES: true,

    onConnect(server, callback) {
      // With implicit TLS, onSecure comes next and knows more.
      if (server.secure) return callback();
      const door = open(server);
      offerLogin(server, door);
      answer(door, door.connect(), callback);
    },

    onSecure(socket, server, callback) {
      const tls = tlsFactsOf(socket);
      const present = doors.get(server);
      if (present !== undefined) {
        present.startTls(tls);
        offerLogin(server, present);
        return callback();
      }
      const door = open(server, tls);
      offerLogin(server, door);
      answer(door, door.connect(), callback);
    },

    onAuth(auth, server, callback) {
      // XCLIENT LOGIN: a name without proof. The session goes on as that of a stranger.
      if (auth.method === 'XCLIENT') return callback(null);
      const door = doors.get(server);
      if (door === undefined) return callback(new RefusedReply(NO_SESSION));
      andThen(door.authenticate(auth), (reply) => {
        if (reply.code === 235) callback(null, { user: door.session.facts.user });
        else callback(refusal(door, reply));
      });
    },

    onMailFrom(address, server, callback) {
      const door = doors.get(server);
      answer(door, door?.mail(address) ?? NO_SESSION, callback);
    },

    onRcptTo(address, server, callback) {
      const door = doors.get(server);
      answer(door, door?.recipient(address) ?? NO_SESSION, callback);
    },

    onData(stream, server, callback) {
      const door = doors.get(server);
      if (door === undefined) return callback(new RefusedReply(NO_SESSION));
      door.data(stream, (reply) => {
        if (reply.code < 400) callback(null, formatReplyText(reply));
        else callback(refusal(door, reply));
      });
    },

    onClose(server) {
      const door = doors.get(server);
      const farewell = server.error;
      if (door?.session.farewell !== undefined || farewell?.startsWith('421') !== true) return door?.close();
      // Not one of ours: too early, too idle, too much that it does not understand.
      door?.close({ kind: 'gateway/server-closed', summary: `The server ended the session: ${farewell}` });
    },
  };
}

const NO_SESSION: SmtpReply = { code: 421, enhanced: '4.3.0', text: 'The session could not be opened' };

function answer(
  door: SmtpServerDoor | undefined,
  reply: Awaitable<SmtpReply>,
  callback: (error?: Error | null) => void,
): void {
  andThen(reply, (given) => (given.code < 400 ? callback() : callback(refusal(door, given))));
}

function refusal(door: SmtpServerDoor | undefined, reply: SmtpReply): RefusedReply {
  const refused = new RefusedReply(reply);
  door?.tells(reply, refused.message);
  return refused;
}

/** With TLS that somebody else terminates (`secured`), the socket knows nothing of it. */
function tlsFactsOf(socket: Socket): TlsFacts {
  if (!(socket instanceof TLSSocket)) return { protocol: 'unknown', cipher: 'unknown', servername: undefined };
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher()?.name ?? 'unknown',
    servername: socket.servername || undefined,
  };
}
