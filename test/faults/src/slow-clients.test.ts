import { type SmtpBackend, smtpBackend } from '@postern/gateway';
import { FakeClock, SmtpDriver, SmtpSink } from '@postern/testing';
import { describe, type ExpectStatic, it } from 'vitest';
import { GatewayServer, type GatewayServerOptions } from './gateway-server.ts';

const MINUTE_MS = 60_000;

/** A gateway whose time a test moves, with a sink behind it, and a client that has got as far as EHLO. */
class Scene implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly sink: SmtpSink;
  readonly gateway: GatewayServer;
  readonly client: SmtpDriver;
  readonly #backend: SmtpBackend;

  private constructor(
    clock: FakeClock,
    sink: SmtpSink,
    backend: SmtpBackend,
    gateway: GatewayServer,
    client: SmtpDriver,
  ) {
    this.clock = clock;
    this.sink = sink;
    this.#backend = backend;
    this.gateway = gateway;
    this.client = client;
  }

  static async start(options: Partial<GatewayServerOptions> = {}): Promise<Scene> {
    const clock = new FakeClock();
    const sink = await SmtpSink.start();
    const backend = smtpBackend({ host: '127.0.0.1', port: sink.port });
    const gateway = await GatewayServer.start({ deliver: backend, clock, ...options });
    const client = await SmtpDriver.connect({ port: gateway.port, timeoutMs: 10_000 });
    await client.reply();
    await client.command('EHLO client.example');
    return new Scene(clock, sink, backend, gateway, client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.gateway[Symbol.asyncDispose]();
    await this.#backend.close();
    await this.sink.close();
  }

  async upToData(expect: ExpectStatic): Promise<void> {
    await this.client.send('MAIL FROM:<ann@client.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n');
    for (let replies = 0; replies < 3; replies += 1) expect((await this.client.reply()).code).toBeLessThan(400);
  }

  /** The server says good-bye of its own accord, and hangs up. */
  async expectFarewell(expect: ExpectStatic, text: string): Promise<void> {
    expect(await this.client.reply()).toMatchObject({
      code: 421,
      enhanced: '4.4.2',
      text: expect.stringContaining(text),
    });
    await this.client.closed;
    await expect.poll(() => this.gateway.reports.length).toBe(1);
    expect(this.sink.transactions.filter(({ finalDot }) => finalDot)).toEqual([]);
  }
}

// Every scene has to wait for the gateway's next look at its sessions, once a second: so they wait together.
describe.concurrent('a client that keeps its connection and brings nothing', () => {
  it('says nothing at all', async ({ expect }) => {
    await using scene = await Scene.start();
    scene.clock.advance(6 * MINUTE_MS);
    await scene.expectFarewell(expect, 'Nothing came for too long');
    expect(scene.gateway.reports).toMatchObject([{ kind: 'session', outcome: 'none' }]);
  });

  it('says the same again and again', async ({ expect }) => {
    await using scene = await Scene.start();
    for (let minutes = 0; minutes < 6; minutes += 1) {
      scene.clock.advance(MINUTE_MS);
      expect((await scene.client.command(minutes % 2 === 0 ? 'NOOP' : 'RSET')).code).toBe(250);
    }
    await scene.expectFarewell(expect, 'Nothing came for too long');
  });

  it('says a command that never ends', async ({ expect }) => {
    await using scene = await Scene.start();
    await scene.client.slow('MAIL FROM:<aaaaaaaaaaaaaaa', 1);
    scene.clock.advance(6 * MINUTE_MS);
    await scene.expectFarewell(expect, 'Nothing came for too long');
  });

  it('names recipients and never comes to the message', async ({ expect }) => {
    await using scene = await Scene.start();
    await scene.client.command('MAIL FROM:<ann@client.example>');
    expect((await scene.client.command('RCPT TO:<bob@example.org>')).code).toBe(250);
    scene.clock.advance(6 * MINUTE_MS);
    await scene.expectFarewell(expect, 'Nothing came for too long');
    expect(scene.gateway.reports).toMatchObject([{ kind: 'transaction', outcome: 'aborted' }]);
    expect(scene.sink.transactions).toMatchObject([{ dataStarted: false }]);
  });

  it('sends a message drop by drop', async ({ expect }) => {
    await using scene = await Scene.start();
    await scene.upToData(expect);
    await scene.client.slow('Subject: slow\r\n\r\n', 1);
    const farewell = scene.expectFarewell(expect, 'The message came too slowly');
    // A minute, as the gateway sees it, whenever it looks: in it some hundred bytes of sixty times sixty-four.
    do scene.clock.advance(MINUTE_MS);
    while ((await scene.client.slow('.'.repeat(100), 5)) === 100);
    await farewell;
    expect(scene.gateway.reports).toMatchObject([{ outcome: 'aborted' }]);
  });

  it('sends a message for longer than a session may last', async ({ expect }) => {
    await using scene = await Scene.start({ sessionTimeoutMs: 10 * MINUTE_MS });
    await scene.upToData(expect);
    scene.clock.advance(11 * MINUTE_MS);
    await scene.expectFarewell(expect, 'The session took too long');
    expect(scene.gateway.reports).toMatchObject([{ outcome: 'aborted' }]);
  });

  it('waits for a backend that takes its time, and is not held to account for that', async ({ expect }) => {
    await using scene = await Scene.start();
    await scene.upToData(expect);
    scene.sink.setFaults([{ stage: 'dot', fault: 'delay', delayMs: 2_500 }]);
    await scene.client.send('Subject: patience\r\n\r\nHello\r\n.\r\n');
    await expect.poll(() => scene.sink.transactions[0]?.finalDot).toBe(true);
    scene.clock.advance(10 * MINUTE_MS);
    expect(await scene.client.reply()).toMatchObject({ code: 250 });
    expect(scene.gateway.reports).toMatchObject([{ outcome: 'accepted' }]);
  });
});
