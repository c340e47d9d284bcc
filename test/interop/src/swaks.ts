import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { RealServer } from './real-server.ts';

const run = promisify(execFile);

/** "Swiss Army Knife for SMTP", a client, that many administrators test their servers with. */
export const swaksClient: RealServer = new RealServer('swaks');

/** How a run of swaks ended, and the dialogue as it showed it: ` -> ` what it sent, `<- ` and `<**` what it got. */
export interface SwaksRun {
  /** 0: the message was accepted for at least one recipient. 24: none was accepted. 26: the message was refused. */
  readonly exitCode: number;
  readonly dialogue: string;
}

/** Sends a message, as `client.example`, to the server on that port of 127.0.0.1. */
export async function swaks(port: number, ...args: readonly string[]): Promise<SwaksRun> {
  const server = ['--server', `127.0.0.1:${port}`, '--helo', 'client.example'];
  const ended = run(swaksClient.path ?? 'swaks', [...server, ...args]);
  return ended.then(
    ({ stdout, stderr }) => ({ exitCode: 0, dialogue: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ exitCode: Number(code), dialogue: `${stdout}${stderr}` }),
  );
}
