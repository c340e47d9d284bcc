import { formatReplyText, HeaderBounds, MemoryStore, type SmtpReply, systemResolver } from '@postern/core';
import type { SMTPServer, SMTPServerOptions, SMTPServerSession } from 'smtp-server';
import { Bystanders } from './bystanders.ts';
import { toBackend } from './deliver-function.ts';
import type { GatewayHouse } from './gateway-house.ts';
import { type GatewayOptions, readGatewayOptions } from './gateway-options.ts';
import type { GatewaySession } from './gateway-session.ts';
import { SpoolSpace } from './message-spool.ts';
import { ReportDesk } from './report-desk.ts';
import { type ConnectionFacts, SessionFacts } from './session-facts.ts';
import { SessionIds } from './session-id.ts';
import { SessionMachine } from './session-machine.ts';
import { type ServerOptions, smtpServerOptions } from './smtp-server-adapter.ts';
import type { SmtpServerDoor } from './smtp-server-door.ts';
import { watchSockets } from './socket-watch.ts';

/** Checks, composed into a mail gateway. Made by `createGateway`. */
export interface Gateway {
  /** Begins a session, whatever the transport; `smtpServerOptions` does that for `smtp-server`. */
  session(facts: ConnectionFacts): GatewaySession;
  /**
   * Options for nodemailer's `smtp-server`, with every hook of it wired to this gateway.
   *
   * AUTH is offered only where some check judges logins, and only under TLS unless `allowInsecureAuth` is set; STARTTLS only
   * with a certificate.
   *
   * @param extra - further options of `smtp-server`: `key`, `cert`, `secure`, `authMethods`, `maxClients`, `useProxy`, …
   * @throws TypeError for an option that the gateway sets itself
   */
  smtpServerOptions(extra?: ServerOptions): SMTPServerOptions;
  /**
   * Watches the sockets of a server for what its hooks cannot see: sessions that last too long, clients that bring nothing
   * forward, messages that trickle in. Only there can a check end a session for commands that the server refuses by itself
   * at once, and not only at the next MAIL, RCPT or AUTH. It also keeps a client's broken connection from ending the process, as an `error`
   * of the server that nobody listens to would.
   */
  attach(server: SMTPServer): void;
  /** Ends every session and watches no server any more. Resolves when each session has been reported. */
  close(): Promise<void>;
}

/**
 * Composes checks into a gateway: for each command of a client it says what to reply, and mail that every check agreed to
 * goes to `deliver`, whose answer is the client's.
 *
 * It fails closed: a recipient is refused with 550 5.7.1 unless some check permits it, a permission never cancels another
 * check's refusal, and a check that throws, hangs or answers rubbish defers with 451 4.3.0. Nothing is accepted that
 * `deliver` has not accepted.
 *
 * @throws TypeError or RangeError that names the option and what it takes
 *
 * @example
 * ```ts
 * import type { Check } from '@postern/core';
 * import { createGateway } from '@postern/gateway';
 * import { SMTPServer } from 'smtp-server';
 *
 * const ourDomain: Check = {
 *   name: 'our-domain',
 *   cost: 'local',
 *   start: () => ({
 *     recipient: (_transaction, path) =>
 *       path.domain === 'example.org'
 *         ? { finding: { kind: 'example/ours', summary: 'The recipient is ours.' }, permit: 'local' }
 *         : undefined,
 *   }),
 * };
 * const gateway = createGateway({
 *   hostname: 'mx.example.org',
 *   checks: [ourDomain],
 *   deliver: async (transaction, bytes) => {
 *     for await (const chunk of bytes) process.stdout.write(chunk);
 *   },
 *   onReport: (report) => console.log(report.id, report.outcome),
 * });
 * const server = new SMTPServer(gateway.smtpServerOptions());
 * gateway.attach(server);
 * server.listen(2525, '127.0.0.1');
 * ```
 */
export function createGateway(options: GatewayOptions): Gateway {
  const settings = readGatewayOptions(options);
  const { clock, spoolMemoryBytes, maxMessageBytes, spoolTotalBytes, spoolDirectory } = settings;
  const bystanders = new Bystanders();
  const house: GatewayHouse = {
    settings,
    context: {
      resolver: settings.resolver ?? systemResolver(),
      store: settings.store ?? new MemoryStore({ clock }),
      clock,
    },
    backend: toBackend(settings.deliver),
    spools: new SpoolSpace({
      memoryBytes: spoolMemoryBytes,
      maxMessageBytes,
      totalBytes: spoolTotalBytes,
      directory: spoolDirectory,
    }),
    messageBounds: {
      newlines: settings.bareNewlines,
      maxReceivedFields: settings.maxReceivedFields,
      header: new HeaderBounds({ maxHeaderBytes: settings.maxHeaderBytes, maxFields: settings.maxHeaderFields }),
    },
    desk: new ReportDesk(settings.onReport, bystanders),
    bystanders,
  };
  const ids = new SessionIds();
  const sessions = new Set<SessionMachine>();
  const doors = new WeakMap<SMTPServerSession, SmtpServerDoor>();
  const servers = new Set<SMTPServer>();
  const watches = new Set<() => void>();
  /** Who waits for the last session to end. */
  const closers: (() => void)[] = [];

  const session = (facts: ConnectionFacts): GatewaySession => {
    const known = new SessionFacts(ids.next(), settings.service, facts, clock.now());
    const machine = new SessionMachine(house, known, () => {
      sessions.delete(machine);
      if (sessions.size === 0) for (const resolve of closers.splice(0)) resolve();
    });
    sessions.add(machine);
    return machine;
  };

  const hangUp = (of: SMTPServerSession, reply: SmtpReply): void => {
    for (const { connections } of servers) {
      for (const connection of connections) {
        if (connection.session === of) connection.send(reply.code, formatReplyText(reply));
      }
    }
  };

  return {
    session,
    smtpServerOptions: (extra) => smtpServerOptions({ ...settings, session, hangUp, doors }, extra),
    attach: (server) => {
      servers.add(server);
      watches.add(watchSockets(server, (each) => doors.get(each), settings));
    },
    close: async () => {
      for (const unwatch of watches) unwatch();
      watches.clear();
      servers.clear();
      for (const each of sessions) each.close();
      if (sessions.size > 0) {
        await new Promise<void>((resolve) => {
          closers.push(resolve);
        });
      }
    },
  };
}
