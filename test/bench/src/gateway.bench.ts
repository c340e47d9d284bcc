/**
 * The gateway with `relayAcl` and `dnsbl` on warm caches, beside a bare `smtp-server` that takes everything: both discard the
 * body in the same function; then both hand it to a real `smtp-sink`, the bare one through nodemailer's pool. Without TLS,
 * messages of 5 KB, 20 connections. The client is Postfix's `smtp-source`; servers, client and sink are processes of their
 * own, and rounds of both servers alternate.
 *
 * With one message a connection the 100 ms that `smtp-server` waits before each greeting decide what a second holds, so CPU
 * time a message is what is compared there.
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const CONNECTIONS = 20;
const BYTES = 5_120;
const WARM_ROUNDS = 5;
const KINDS = ['bare', 'gateway'] as const;
type Kind = (typeof KINDS)[number];

const hasSource = installed('smtp-source');
if (!hasSource) console.log('smtp-source is not installed (Debian: postfix): a small client of Node takes its place.');

/** The servers behind one figure. */
type Servers = Readonly<Record<Kind, { readonly child: ChildProcess; readonly port: number }>>;

interface Round {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

function installed(program: string): boolean {
  return !spawnSync(program, [], { stdio: 'ignore' }).error;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function ask(child: ChildProcess, key: 'port' | 'cpuMs'): Promise<number> {
  const [message]: unknown[] = await once(child, 'message');
  if (typeof message === 'object' && message !== null && key in message) return Number(Reflect.get(message, key));
  throw new TypeError(`no ${key} in ${JSON.stringify(message)}`);
}

async function start(kind: Kind, sinkPort?: number): Promise<Servers[Kind]> {
  const program = fileURLToPath(new URL('./gateway-server.ts', import.meta.url));
  const child = fork(program, [kind, ...(sinkPort === undefined ? [] : [String(sinkPort)])]);
  return { child, port: await ask(child, 'port') };
}

async function cpuMs({ child }: Servers[Kind]): Promise<number> {
  child.send({});
  return ask(child, 'cpuMs');
}

/** Sends so many messages and waits until the last one is in. */
async function send(port: number, messages: number, keep: boolean): Promise<void> {
  const own = fileURLToPath(new URL('./mail-source.ts', import.meta.url));
  const source = ['-s', CONNECTIONS, '-m', messages, '-l', BYTES, '-f', 'a@client.example', '-t', 'b@example.org'];
  const client = hasSource
    ? spawn('smtp-source', [...(keep ? ['-d'] : []), ...source.map(String), `127.0.0.1:${port}`], { stdio: 'inherit' })
    : spawn(process.execPath, [own, ...[port, CONNECTIONS, messages, BYTES, keep ? 'keep' : 'close'].map(String)], {
        stdio: 'inherit',
      });
  const [status]: unknown[] = await once(client, 'exit');
  if (status !== 0) throw new Error(`the client ended with ${String(status)}`);
}

async function round(server: Servers[Kind], messages: number, keep: boolean): Promise<Round> {
  const before = await cpuMs(server);
  const startedAt = performance.now();
  await send(server.port, messages, keep);
  const seconds = (performance.now() - startedAt) / 1_000;
  return { perSecond: messages / seconds, cpuMicros: ((await cpuMs(server)) - before) * (1_000 / messages) };
}

async function compare(
  title: string,
  servers: Servers,
  rounds: number,
  messages: number,
  keep: boolean,
): Promise<void> {
  const measured: Record<Kind, Round[]> = { bare: [], gateway: [] };
  // Until the machine code is there, which takes some ten thousand messages.
  for (let each = 0; each < WARM_ROUNDS; each += 1)
    for (const kind of KINDS) await round(servers[kind], messages, keep);
  for (let each = 0; each < rounds; each += 1) {
    for (const kind of each % 2 === 0 ? KINDS : KINDS.toReversed()) {
      measured[kind].push(await round(servers[kind], messages, keep));
    }
  }
  const of = (kind: Kind, what: keyof Round): number => median(measured[kind].map((one) => one[what]));
  const ratio = (what: keyof Round): string => (of('gateway', what) / of('bare', what)).toFixed(2);
  console.log(`\n${title} (medians of ${rounds} rounds of ${messages} messages)`);
  for (const kind of KINDS) {
    const rate = `${of(kind, 'perSecond').toFixed(0).padStart(6)} messages/s`;
    console.log(`  ${kind.padEnd(8)}${rate}  ${of(kind, 'cpuMicros').toFixed(0).padStart(6)} µs of CPU a message`);
  }
  console.log(`  gateway / bare: ${ratio('perSecond')} of the messages/s, ${ratio('cpuMicros')} × the CPU a message`);
}

function stop(servers: Servers): void {
  for (const kind of KINDS) servers[kind].child.disconnect();
}

async function both(sinkPort?: number): Promise<Servers> {
  return { bare: await start('bare', sinkPort), gateway: await start('gateway', sinkPort) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** `smtp-sink` on a free port, once it answers. */
async function startSink(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const port = await freePort();
  // As root it wants to know whom to run as.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('smtp-sink', [...user, `127.0.0.1:${port}`, '1000'], { stdio: 'inherit' });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const up = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (up) return { child, port };
    await sleep(50);
  }
  throw new Error('smtp-sink does not answer');
}

const discarding = await both();
await compare('Both discard the body, 100 messages a connection', discarding, 15, 2_000, true);
await compare('Both discard the body, one message a connection', discarding, 5, 1_000, false);
stop(discarding);

if (installed('smtp-sink')) {
  const sink = await startSink();
  const forwarding = await both(sink.port);
  await compare('Both pass it on to smtp-sink, 100 messages a connection', forwarding, 9, 2_000, true);
  stop(forwarding);
  sink.child.kill();
} else {
  console.log('smtp-sink is not installed (Debian: postfix): no figure with a server behind.');
}
