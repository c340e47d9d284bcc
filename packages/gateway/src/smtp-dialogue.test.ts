import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { SmtpDialogue } from './smtp-dialogue.ts';

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A dialogue, and the server's end of it. */
async function pair(): Promise<{ dialogue: SmtpDialogue; server: Socket; heard: () => string }> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const connection = once(listener, 'connection');
  const socket = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1');
  const [server]: Socket[] = await connection;
  if (server === undefined) throw new Error('no connection');
  server.on('error', () => {});
  cleanups.push(
    () => listener.close(),
    () => server.destroy(),
    () => socket.destroy(),
  );
  let text = '';
  server.on('data', (chunk) => {
    text += String(chunk);
  });
  return { dialogue: new SmtpDialogue(socket), server, heard: () => text };
}

describe('SmtpDialogue', () => {
  it('sends commands in one go, and gives each its reply in order', async () => {
    const { dialogue, server, heard } = await pair();
    const replies = dialogue.commands(['ONE', 'TWO'], 5_000);
    const third = dialogue.command('THREE', 5_000);
    await once(server, 'data');
    server.write('250-1\r\n250 one\r\n550 two\r\n354 three\r\n');
    expect(await replies).toMatchObject([
      { kind: 'reply', reply: { code: 250, text: '1\none' } },
      { kind: 'reply', reply: { code: 550 } },
    ]);
    expect(await third).toMatchObject({ kind: 'reply', reply: { code: 354 } });
    expect(heard()).toBe('ONE\r\nTWO\r\nTHREE\r\n');
    expect(dialogue.expecting).toBe(false);
    expect(dialogue.lost).toBeUndefined();
  });

  it('ends everything that is waited for when a reply is late', async () => {
    const { dialogue } = await pair();
    let lost = 0;
    dialogue.onLost(() => {
      lost++;
    });
    const replies = [dialogue.command('ONE', 20), dialogue.command('TWO', 60_000), dialogue.expect()];
    expect(await Promise.all(replies)).toEqual(Array.from({ length: 3 }, () => ({ kind: 'lost', reason: 'timeout' })));
    expect(await dialogue.command('THREE', 20)).toEqual({ kind: 'lost', reason: 'timeout' });
    dialogue.destroy();
    expect(lost).toBe(1);
  });

  it('ends when the server says what nobody asked for', async () => {
    const { dialogue, server } = await pair();
    const lost = new Promise<void>((resolve) => dialogue.onLost(resolve));
    server.write('421 4.4.2 Bye\r\n');
    await lost;
    expect(dialogue.lost).toEqual({ kind: 'lost', reason: 'garbage' });
  });

  it.each([
    ['ends', (server: Socket) => server.end()],
    ['resets', (server: Socket) => server.resetAndDestroy()],
  ])('is lost when the server %s', async (_, leave) => {
    const { dialogue, server } = await pair();
    const reply = dialogue.command('ONE', 5_000);
    await once(server, 'data');
    leave(server);
    expect(await reply).toEqual({ kind: 'lost', reason: 'closed' });
  });

  it('lets the sender wait for a server that does not read, and no longer than its time', async () => {
    const { dialogue, server } = await pair();
    server.pause();
    const chunk = Buffer.alloc(1_000_000);
    // Until the buffers on the way are full.
    while (dialogue.lost === undefined) await dialogue.send(chunk, 30);
    expect(dialogue.lost).toEqual({ kind: 'lost', reason: 'timeout' });
  });

  it('says QUIT and hangs up', async () => {
    const { dialogue, server, heard } = await pair();
    dialogue.quit();
    dialogue.quit();
    await once(server, 'end');
    expect(heard()).toBe('QUIT\r\n');
    expect(dialogue.lost).toEqual({ kind: 'lost', reason: 'given-up' });
  });
});
