import type { Socket } from 'node:net';
import type { DnsChannel, DnsResponder } from './dns-responder.ts';

/** Serves one connection on which messages stand behind their length (RFC 1035 §4.2.2, RFC 7766, RFC 7858). */
export function serveDnsStream(socket: Socket, transport: 'tcp' | 'tls', responder: DnsResponder): void {
  const channel: DnsChannel = {
    transport,
    address: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
    // One write, so that length and message are not two packets (RFC 7766 §8).
    send: (message) => void socket.write(framed(message)),
    sendSlowly: (message, everyMs) => {
      writeSlowly(framed(message), everyMs, responder, (byte) => void socket.write(byte));
    },
    close: () => socket.destroy(),
  };
  let pending: Buffer = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      responder.receive(pending.subarray(2, end), channel);
      pending = pending.subarray(end);
    }
  });
}

/** Writes one byte every so often, until all are written or the server is closed. */
export function writeSlowly(
  bytes: Buffer,
  everyMs: number,
  responder: DnsResponder,
  write: (byte: Buffer) => void,
  done?: () => void,
): void {
  if (bytes.length === 0) {
    done?.();
    return;
  }
  write(bytes.subarray(0, 1));
  responder.later(everyMs, () => writeSlowly(bytes.subarray(1), everyMs, responder, write, done));
}

function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(2 + message.length);
  bytes.writeUInt16BE(message.length, 0);
  bytes.set(message, 2);
  return bytes;
}
