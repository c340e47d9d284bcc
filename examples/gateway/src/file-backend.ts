import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SMTPServer } from 'smtp-server';

/** A mail server behind the gateway that keeps each message as a file. */
export interface FileBackend {
  readonly port: number;
  /** Closes the port and every connection, as a crash does. */
  pause(): Promise<void>;
  /** Listens on the same port again. */
  resume(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts an SMTP server on loopback. A message is written beside its place and renamed into it when it is complete, so
 * that a file that ends in `.eml` is a whole message.
 *
 * @param directory - made when it is not there
 */
export async function startFileBackend(directory: string): Promise<FileBackend> {
  await mkdir(directory, { recursive: true });
  let server = await listen(directory, 0);
  const port = portOf(server);
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  return {
    port,
    pause: close,
    resume: async () => {
      server = await listen(directory, port);
    },
    close,
  };
}

async function listen(directory: string, port: number): Promise<SMTPServer> {
  let count = 0;
  const server = new SMTPServer({
    name: 'backend.postern.example',
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    // Connections that the gateway keeps for its next message are closed at once.
    closeTimeout: 1,
    onData(stream, _session, callback) {
      const name = join(directory, `${new Date().toISOString().replaceAll(':', '-')}-${process.pid}-${++count}`);
      pipeline(stream, createWriteStream(`${name}.part`))
        .then(() => rename(`${name}.part`, `${name}.eml`))
        .then(
          () => callback(null, 'Kept'),
          async (error: Error) => {
            await rm(`${name}.part`, { force: true });
            callback(error);
          },
        );
    },
  });
  server.on('error', (error) => console.error(`backend: ${error.message}`));
  server.listen(port, '127.0.0.1');
  await once(server.server, 'listening');
  return server;
}

function portOf(server: SMTPServer): number {
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('The backend listens on no port');
  return address.port;
}
