import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { RealServer, type RunningServer } from './real-server.ts';

export const redisServer: RealServer = new RealServer('redis-server');
export const redisCli: RealServer = new RealServer('redis-cli', 'redis-tools');

const run = promisify(execFile);

/** One Redis of the test's own, which keeps nothing on disk. */
export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  #running: RunningServer;

  private constructor(port: number, args: readonly string[], running: RunningServer) {
    this.port = port;
    this.#args = args;
    this.#running = running;
  }

  /** @param args - more of the command line, after `--port` and the like */
  static async start(...args: readonly string[]): Promise<RedisServer> {
    const port = await freePort();
    return new RedisServer(port, args, await launch(port, args));
  }

  /** As `start`, for a node of a cluster, which listens on a second port as well. */
  static async startNode(...args: readonly string[]): Promise<RedisServer> {
    for (;;) {
      const port = await freePort();
      const bus = await freePort();
      if (port !== bus) {
        const all = ['--cluster-port', String(bus), ...args];
        return new RedisServer(port, all, await launch(port, all));
      }
    }
  }

  /** What `redis-cli` prints. */
  async command(...args: readonly string[]): Promise<string> {
    return await command(this.port, args);
  }

  /** It takes connections and bytes, and answers nothing. */
  hang(): void {
    this.#running.signal('SIGSTOP');
  }

  goOn(): void {
    this.#running.signal('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#running.signal('SIGKILL');
    await this.#running.stop();
  }

  /** With nothing in it: all that it held is lost. */
  async startAgain(): Promise<void> {
    this.#running = await launch(this.port, this.#args);
  }

  async close(): Promise<void> {
    this.goOn();
    await this.#running.stop();
  }
}

async function command(port: number, args: readonly string[]): Promise<string> {
  const { stdout } = await run(redisCli.path ?? 'redis-cli', ['-p', String(port), ...args]);
  return stdout.trim();
}

function launch(port: number, args: readonly string[]): Promise<RunningServer> {
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/tmp'];
  return redisServer.start([...own, ...args], async () => {
    return await command(port, ['PING']).then(
      (pong) => pong === 'PONG',
      () => false,
    );
  });
}
