import type { Socket } from 'node:net';
import type { Clock } from '@postern/core';
import type { SMTPServer, SMTPServerSession } from 'smtp-server';
import type { MessageReceiver } from './gateway-session.ts';
import type { SmtpServerDoor } from './smtp-server-door.ts';

/** How long a client may take. */
export interface WatchLimits {
  readonly sessionTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly minBytesPerSecond: number;
  readonly clock: Clock;
}

/** How often every session is looked at, and over how long the rate of a message is averaged. */
const LOOK_EVERY_MS = 1_000;
const RATE_WINDOW_MS = 60_000;
/** A connection that never became a session, or does not end with it, ends so much later. */
const GRACE_MS = 10_000;

/** What was seen of a session when something last changed. */
interface Sight {
  progress: number | undefined;
  /** Since when it has been the client's turn without progress. */
  idleSince: number;
  message: MessageReceiver | undefined;
  /** How many bytes of the message had come, and when that was. */
  bytes: number;
  measuredAt: number;
}

/**
 * Ends sessions that go beyond the limits with 421 4.4.2 (RFC 5321 §4.5.3.2: what a client may take is bounded). One look at
 * all sessions a second, instead of timers for each of them. Time in which the client waits for us does not count against
 * its rate or its idleness.
 *
 * Returns a function that ends the watch.
 */
export function watchSockets(
  server: SMTPServer,
  doorOf: (session: SMTPServerSession) => SmtpServerDoor | undefined,
  limits: WatchLimits,
): () => void {
  const { clock, sessionTimeoutMs } = limits;
  const sockets = new Map<Socket, number>();
  const sights = new WeakMap<SmtpServerDoor, Sight>();

  const onConnection = (socket: Socket): void => {
    sockets.set(socket, clock.now());
    socket.once('close', () => sockets.delete(socket));
  };
  const look = (): void => {
    const now = clock.now();
    for (const connection of server.connections) {
      const door = doorOf(connection.session);
      const reason = door === undefined ? undefined : overstep(door, sights, limits, now);
      if (reason !== undefined) connection.send(421, `4.4.2 ${reason}`);
    }
    // The sockets below, whatever runs on them: PROXY header, TLS handshake, a session that does not want to end.
    for (const [socket, openedAt] of sockets) {
      if (now - openedAt > sessionTimeoutMs + GRACE_MS) socket.destroy();
    }
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  server.server.on('connection', onConnection);
  // A client's broken connection is an event of every day; without a listener it would end the process. So this one stays
  // even when the watch ends: connections can break for as long as the server lives.
  server.on('error', (error: Error) => {
    const isClients = 'remoteAddress' in error || 'meta' in error;
    if (!isClients && server.listenerCount('error') === 1) throw error;
  });
  return () => {
    clearInterval(timer);
    server.server.off('connection', onConnection);
  };
}

/** What the client took too long for. */
function overstep(
  door: SmtpServerDoor,
  sights: WeakMap<SmtpServerDoor, Sight>,
  { sessionTimeoutMs, commandTimeoutMs, minBytesPerSecond }: WatchLimits,
  now: number,
): string | undefined {
  if (now - door.openedAt > sessionTimeoutMs) return 'The session took too long, please reconnect';
  const { progress, arriving: message } = door;
  const bytes = message?.byteLength ?? 0;
  const sight = sights.get(door);
  if (sight === undefined) {
    sights.set(door, { progress, idleSince: door.openedAt, message, bytes, measuredAt: now });
    return undefined;
  }
  if (progress === undefined || progress !== sight.progress) {
    sight.progress = progress;
    sight.idleSince = now;
  } else if (now - sight.idleSince > commandTimeoutMs) {
    return 'Nothing came for too long';
  }
  if (message === undefined || message !== sight.message) {
    sight.message = message;
    sight.bytes = bytes;
    sight.measuredAt = now;
  } else if (now - sight.measuredAt >= RATE_WINDOW_MS) {
    const rate = ((bytes - sight.bytes) * 1_000) / (now - sight.measuredAt);
    if (rate < minBytesPerSecond) return 'The message came too slowly';
    sight.bytes = bytes;
    sight.measuredAt = now;
  }
  return undefined;
}
