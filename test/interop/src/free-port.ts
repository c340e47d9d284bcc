import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

async function udpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

async function isFreeForTcp(port: number): Promise<boolean> {
  const server = createServer();
  const listening = once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.listen(port, '127.0.0.1');
  const free = await listening;
  if (free) {
    server.close();
    await once(server, 'close');
  }
  return free;
}

/** A port of 127.0.0.1 that nobody used a moment ago, by UDP or TCP, for a server that cannot be told to take any. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await udpPort();
    if (await isFreeForTcp(port)) return port;
  }
}
