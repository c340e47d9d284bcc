/**
 * The server of the DNS benchmark, in a process of its own: one A record to every question, its octets made ahead, no
 * parsing beyond the end of the name. It tells its parent the port, and ends with it.
 */
import { createSocket } from 'node:dgram';

const HEADER_BYTES = 12;
/** Name (a pointer to the question's), A, IN, a TTL of 60 s, 127.0.0.2. */
const record = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 2]);
/** A response without errors: one question, one answer. */
const flagsAndCounts = Buffer.from([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);

const socket = createSocket({
  type: 'udp4',
  recvBufferSize: 4 * 1_048_576,
  sendBufferSize: 4 * 1_048_576,
  // Addresses come as addresses: without this each reply would wait for the next tick to learn that.
  lookup: (host, _options, callback) => callback(null, host, 4),
});

socket.on('message', (query, client) => {
  let end = HEADER_BYTES;
  for (let length = query[end]; length !== undefined && length !== 0; length = query[end]) end += length + 1;
  end += 5;
  const reply = Buffer.allocUnsafe(end + record.length);
  query.copy(reply, 0, 0, end);
  flagsAndCounts.copy(reply, 2);
  record.copy(reply, end);
  socket.send(reply, client.port, client.address);
});

socket.bind(0, '127.0.0.1', () => process.send?.(socket.address().port));
process.on('disconnect', () => process.exit());
