import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { encode, type Packet, RECURSION_DESIRED } from 'dns-packet';
import type { DnsServer } from './dns-server.ts';

/** `ok`, or the code of the error. */
export const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    ({ code: reason }) => reason,
  );

/** Sends one datagram and takes what comes back, from whatever port, until a second question has its answer. */
export async function datagrams(server: DnsServer, message: Uint8Array): Promise<{ bytes: Buffer; port: number }[]> {
  const socket = createSocket('udp4');
  const replies: { bytes: Buffer; port: number }[] = [];
  const over = new Promise<void>((resolve) => {
    socket.on('message', (bytes, { port }) => {
      if (bytes.length > 1 && bytes.readUInt16BE(0) === 1) resolve();
      else replies.push({ bytes, port });
    });
  });
  socket.send(message, server.port, '127.0.0.1');
  socket.send(question('signed.test', { id: 1 }), server.port, '127.0.0.1');
  await over;
  socket.close();
  return replies;
}

/** Sends one datagram and takes the first that comes back. */
export async function datagram(server: DnsServer, message: Uint8Array): Promise<Buffer> {
  const socket = createSocket('udp4');
  socket.send(message, server.port, '127.0.0.1');
  const [bytes] = await once(socket, 'message');
  socket.close();
  return bytes;
}

/** A query about an A record, id 4711. */
export function question(name: string, packet: Packet = {}): Buffer {
  return encode({ id: 4711, flags: RECURSION_DESIRED, questions: [{ name, type: 'A' }], ...packet });
}

/** The OPT record of a query. */
export function edns(udpPayloadSize: number, more: { ednsVersion?: number; flag_do?: boolean } = {}): Packet {
  const { ednsVersion = 0, flag_do = false } = more;
  const flags = flag_do ? 0x8000 : 0;
  return {
    additionals: [
      { type: 'OPT', name: '.', udpPayloadSize, extendedRcode: 0, ednsVersion, flags, flag_do, options: [] },
    ],
  };
}
