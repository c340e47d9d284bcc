import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Acquired, DialoguePool, type PooledDialogue } from './dialogue-pool.ts';
import type { Opened } from './open-dialogue.ts';
import { SmtpDialogue } from './smtp-dialogue.ts';

/** A server that only holds connections, and knows which are open. */
let server: Server;
let port: number;
const sockets = new Set<Socket>();

beforeEach(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('end', () => socket.end());
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});

const never = new AbortController().signal;
const any = { fresh: false, signal: never };
const bounds = { maxConnections: 2, idleTimeoutMs: 60_000, waitMs: 60_000 };

async function open(): Promise<Opened> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return { kind: 'open', dialogue: new SmtpDialogue(socket), extensions: new Map() };
}

async function acquired(promise: Promise<Acquired>): Promise<PooledDialogue> {
  const result = await promise;
  if (result.kind !== 'acquired') throw new Error(result.reason);
  return result.member;
}

/** Until the server has so many connections. */
async function connections(count: number): Promise<void> {
  while (sockets.size !== count) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('DialoguePool', () => {
  it('gives the same session again, and says so', async () => {
    const pool = new DialoguePool(open, bounds);
    const first = await acquired(pool.acquire(any));
    expect(first.reused).toBe(false);
    pool.release(first);
    const second = await acquired(pool.acquire(any));
    expect(second.dialogue).toBe(first.dialogue);
    expect(second.reused).toBe(true);
    pool.release(second);
    expect((await acquired(pool.acquire({ fresh: true, signal: never }))).dialogue).not.toBe(first.dialogue);
  });

  it('opens no more than its bound, and serves those who wait in their order', async () => {
    const pool = new DialoguePool(open, bounds);
    const [a, b] = [await acquired(pool.acquire(any)), await acquired(pool.acquire(any))];
    const order: string[] = [];
    const third = acquired(pool.acquire(any)).then((member) => {
      order.push('third');
      return member;
    });
    const fourth = acquired(pool.acquire(any)).then((member) => {
      order.push('fourth');
      return member;
    });
    pool.release(a);
    pool.release(b);
    expect((await third).dialogue).toBe(a.dialogue);
    expect((await fourth).dialogue).toBe(b.dialogue);
    expect(order).toEqual(['third', 'fourth']);
    await connections(2);
  });

  it('opens another one in place of one that was lost, for whoever waits', async () => {
    const pool = new DialoguePool(open, { ...bounds, maxConnections: 1 });
    const first = await acquired(pool.acquire(any));
    const second = acquired(pool.acquire(any));
    first.dialogue.destroy();
    pool.release(first);
    expect((await second).dialogue).not.toBe(first.dialogue);
  });

  it('does not give away one that the server has closed while it was unused', async () => {
    const pool = new DialoguePool(open, bounds);
    const first = await acquired(pool.acquire(any));
    await connections(1);
    pool.release(first);
    const lost = new Promise<void>((resolve) => {
      const waiting = setInterval(() => {
        if (first.dialogue.lost === undefined) return;
        clearInterval(waiting);
        resolve();
      }, 2);
    });
    for (const socket of sockets) socket.end();
    await lost;
    expect((await acquired(pool.acquire(any))).reused).toBe(false);
  });

  it('makes room for somebody who needs a fresh one', async () => {
    const pool = new DialoguePool(open, { ...bounds, maxConnections: 1 });
    const first = await acquired(pool.acquire(any));
    const fresh = acquired(pool.acquire({ fresh: true, signal: never }));
    pool.release(first);
    expect((await fresh).reused).toBe(false);
    expect(first.dialogue.lost).toBeDefined();
  });

  it('says busy to who has waited long enough, and to nobody else', async () => {
    const pool = new DialoguePool(open, { ...bounds, maxConnections: 1, waitMs: 20 });
    const first = await acquired(pool.acquire(any));
    expect(await pool.acquire(any)).toEqual({ kind: 'failed', reason: 'busy' });
    pool.release(first);
    expect((await acquired(pool.acquire(any))).dialogue).toBe(first.dialogue);
  });

  it('lets who gives up leave at once, and keeps what is opened for the next one', async () => {
    const pool = new DialoguePool(open, bounds);
    const controller = new AbortController();
    const waiting = pool.acquire({ fresh: false, signal: controller.signal });
    controller.abort();
    expect(await waiting).toEqual({ kind: 'failed', reason: 'given-up' });
    expect(await pool.acquire({ fresh: false, signal: controller.signal })).toEqual({
      kind: 'failed',
      reason: 'given-up',
    });
    await connections(1);
    await acquired(pool.acquire(any));
    await connections(1);
  });

  it('tells each failure to one who waits, and tries again for the next one', async () => {
    const results: Opened['kind'][] = ['failed', 'open', 'failed'];
    const flaky = async (): Promise<Opened> =>
      results.shift() === 'open' ? open() : { kind: 'failed', reason: 'misconfigured', detail: 'EAUTH 535' };
    const pool = new DialoguePool(flaky, { ...bounds, maxConnections: 1 });
    const answers = await Promise.all([pool.acquire(any), pool.acquire(any)]);
    expect(answers.map(({ kind }) => kind)).toEqual(['failed', 'acquired']);
    expect(await pool.acquire({ fresh: true, signal: AbortSignal.timeout(20) })).toMatchObject({ kind: 'failed' });
  });

  it('closes an unused one after its time', async () => {
    const pool = new DialoguePool(open, { ...bounds, idleTimeoutMs: 10 });
    const first = await acquired(pool.acquire(any));
    pool.release(first);
    await connections(1);
    await connections(0);
    expect(first.dialogue.lost).toEqual({ kind: 'lost', reason: 'given-up' });
  });

  it('is closed when everything in use was given back', async () => {
    const pool = new DialoguePool(open, bounds);
    const [used, idle] = [await acquired(pool.acquire(any)), await acquired(pool.acquire(any))];
    pool.release(idle);
    const waiting = new DialoguePool(open, { ...bounds, maxConnections: 1 });
    await acquired(waiting.acquire(any));
    const queued = waiting.acquire(any);
    void waiting.close();
    expect(await queued).toEqual({ kind: 'failed', reason: 'closed' });
    let closed = false;
    const closing = pool.close().then(() => {
      closed = true;
    });
    await connections(2);
    expect(closed).toBe(false);
    expect(await pool.acquire(any)).toEqual({ kind: 'failed', reason: 'closed' });
    pool.release(used);
    await closing;
    await pool.close();
    await connections(1);
  });
});
