import type { Check } from '@postern/core';
import type { DeliverFunction } from '@postern/gateway';
import { type RateLimitOptions, type RateLimitsCheck, type RateLimitsOptions, rateLimits } from '@postern/rate-limiter';
import { relayAcl } from '@postern/relay-acl';
import { type DriverReply, FakeClock, SmtpDriver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { GatewayServer, type GatewayServerOptions } from './gateway-server.ts';

const MINUTE_MS = 60_000;
const OWNER = '127.0.0.9';

function perClient(count: number): readonly RateLimitOptions[] {
  return [{ name: 'client', per: 'client', count, perMs: MINUTE_MS }];
}

const drop: DeliverFunction = async (_transaction, bytes) => {
  for await (const _ of bytes);
};

/** A gateway with limits, whose time a test moves. */
class Scene implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly check: RateLimitsCheck;
  readonly gateway: GatewayServer;
  readonly #clients: SmtpDriver[] = [];

  private constructor(clock: FakeClock, check: RateLimitsCheck, gateway: GatewayServer) {
    this.clock = clock;
    this.check = check;
    this.gateway = gateway;
  }

  static async start(
    options: RateLimitsOptions,
    { more = [], ...gatewayOptions }: Partial<GatewayServerOptions> & { more?: readonly Check[] } = {},
  ): Promise<Scene> {
    const clock = new FakeClock();
    const check = rateLimits(options);
    const acl = relayAcl({ localDomains: ['example.org'], trustedNetworks: [OWNER] });
    const gateway = await GatewayServer.start({
      deliver: drop,
      clock,
      checks: [acl, check, ...more],
      ...gatewayOptions,
    });
    return new Scene(clock, check, gateway);
  }

  /** A client from the given address of this machine, and how it is greeted. */
  async connect(localAddress = '127.0.0.1'): Promise<{ client: SmtpDriver; greeting: DriverReply }> {
    const client = await SmtpDriver.connect({ port: this.gateway.port, localAddress, timeoutMs: 20_000 });
    this.#clients.push(client);
    return { client, greeting: await client.reply() };
  }

  /** A client that has said EHLO. */
  async greeted(localAddress?: string): Promise<SmtpDriver> {
    const { client, greeting } = await this.connect(localAddress);
    expect(greeting.code).toBe(220);
    await client.command('EHLO client.example');
    return client;
  }

  async expectHeld(held: number): Promise<void> {
    await expect.poll(() => this.check.stats()?.connections.held, { timeout: 20_000 }).toBe(held);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.gateway[Symbol.asyncDispose]();
  }
}

/** A whole mail. The code of each reply, up to the first that refuses. */
async function send(client: SmtpDriver, { mail = '', recipients = 1, body = 'Hello\r\n' } = {}): Promise<number[]> {
  const codes = [(await client.command(`MAIL FROM:<ann@client.example>${mail}`)).code];
  for (let index = 0; index < recipients; index += 1) {
    codes.push((await client.command(`RCPT TO:<bob${index}@example.org>`)).code);
  }
  if (codes.every((code) => code >= 400)) return codes;
  if (codes.some((code) => code === 250) && codes[1] === 250) {
    codes.push((await client.data(`Subject: hi\r\n\r\n${body}`)).code);
  } else {
    await client.command('RSET');
  }
  return codes;
}

describe('limits at a gateway', () => {
  it('hold connections at once: one more is told so, and let in when another has left', async () => {
    await using scene = await Scene.start({ connections: { total: 10, perClient: 2, reserved: 1 } });
    const first = await scene.greeted();
    await scene.greeted();
    const { client, greeting } = await scene.connect();
    expect(greeting).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect(greeting.text).toContain('Too many connections at once from your network, please try again in 30 seconds');
    await client.closed;
    first.reset();
    await scene.expectHeld(1);
    await scene.greeted();
    expect(scene.gateway.reports).toContainEqual(
      expect.objectContaining({
        kind: 'session',
        outcome: 'deferred',
        opinions: [
          expect.objectContaining({
            check: 'rate-limits',
            stage: 'connect',
            enforced: true,
            finding: expect.objectContaining({ kind: 'rate-limiter/connections', limit: 'client' }),
          }),
        ],
      }),
    );
  });

  it('hold connections of a network and of all, and never lock out the owner', async () => {
    await using scene = await Scene.start({ connections: { total: 5, perClient: 2, perNetwork: 3, reserved: 1 } });
    for (let host = 1; host <= 3; host += 1) await scene.greeted(`127.0.0.${host}`);
    expect((await scene.connect('127.0.0.4')).greeting.code).toBe(421);
    await scene.greeted('127.0.1.1');
    expect((await scene.connect('127.0.2.1')).greeting.code).toBe(421);
    await scene.greeted(OWNER);
    expect((await scene.connect(OWNER)).greeting.code).toBe(421);
    expect(scene.check.stats()?.connections.refused).toEqual({ client: 0, network: 1, strangers: 1, total: 1 });
  });

  it('hold connections over time', async () => {
    await using scene = await Scene.start({ connectionRate: perClient(3) });
    for (let count = 0; count < 3; count += 1) await (await scene.greeted()).close();
    const { greeting } = await scene.connect();
    expect(greeting).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect(greeting.text).toContain('You connect too often, please try again in 20 seconds');
    await scene.greeted('127.0.0.2');
    scene.clock.advance(20_000);
    await scene.greeted();
  });

  it('hold messages', async () => {
    await using scene = await Scene.start({ messages: perClient(2) });
    const client = await scene.greeted();
    expect(await send(client)).toEqual([250, 250, 250]);
    expect(await send(client)).toEqual([250, 250, 250]);
    await client.command('MAIL FROM:<ann@client.example>');
    expect(await client.command('RCPT TO:<bob@example.org>')).toMatchObject({ code: 450, enhanced: '4.7.1' });
    expect(await client.command('RCPT TO:<postmaster@example.org>')).toMatchObject({ code: 450 });
    scene.clock.advance(30_000);
    await client.command('RSET');
    expect(await send(client)).toEqual([250, 250, 250]);
  });

  it('hold recipients: those that fit get their mail', async () => {
    await using scene = await Scene.start({ recipients: perClient(3) });
    const client = await scene.greeted();
    expect(await send(client, { recipients: 5 })).toEqual([250, 250, 250, 250, 452, 452, 250]);
    expect(scene.gateway.reports).toMatchObject([
      { outcome: 'accepted', recipients: [{}, {}, {}, { reply: { code: 452, enhanced: '4.5.3' } }, {}] },
    ]);
  });

  it('hold bytes: by what is announced, by what came, and what can never fit', async () => {
    await using scene = await Scene.start({ bytes: perClient(10_000) });
    const client = await scene.greeted();
    expect(await send(client, { mail: ' SIZE=10001' })).toEqual([250, 552]);
    expect(await send(client, { mail: ' SIZE=9000', body: 'x\r\n'.repeat(10) })).toEqual([250, 250, 250]);
    // What was announced and did not come counts for nothing.
    expect(await send(client, { mail: ' SIZE=9900' })).toEqual([250, 250, 250]);
    expect(await send(client, { body: 'x\r\n'.repeat(3_000) })).toEqual([250, 250, 250]);
    expect(await send(client, { mail: ' SIZE=2000' })).toEqual([250, 450]);
    expect(await send(client, { body: 'x\r\n'.repeat(1_000) })).toEqual([250, 250, 450]);
    // The flood counts although it was refused.
    expect(await send(client)).toEqual([250, 450]);
    scene.clock.advance(MINUTE_MS);
    expect(await send(client)).toEqual([250, 250, 250]);
  });

  it('hold bytes that no check saw, behind a bare LF or in a header without an end', async () => {
    for (const flood of [`Subject: hi\r\n\r\nx\n${'x\r\n'.repeat(4_000)}`, 'X: x\r\n'.repeat(40_000)]) {
      await using scene = await Scene.start({ bytes: perClient(10_000) });
      const client = await scene.greeted();
      await client.command('MAIL FROM:<ann@client.example>');
      await client.command('RCPT TO:<bob@example.org>');
      expect((await client.data(flood)).code).toBeGreaterThanOrEqual(500);
      expect(await send(client)).toEqual([250, 450]);
    }
  });

  it('hold strangers whom a check defers without end', async () => {
    const later: Check = {
      name: 'later',
      start: () => ({
        recipient: () => ({ finding: { kind: 'test/later', summary: 'Not now.' }, verdict: 'defer' }),
      }),
    };
    await using scene = await Scene.start({ messages: perClient(3), recipients: perClient(5) }, { more: [later] });
    const client = await scene.greeted();
    const codes: number[] = [];
    for (let count = 0; count < 4; count += 1) codes.push(...(await send(client, { recipients: 2 })));
    expect(codes).toEqual([250, 451, 451, 250, 451, 451, 250, 451, 452, 250, 450, 450]);
  });

  it('hold commands that fail, also those that the server refuses by itself', async () => {
    await using scene = await Scene.start({ failedCommands: perClient(5) });
    const client = await scene.greeted();
    const codes: number[] = [];
    for (const command of ['MAIL', 'RCPT TO:<bob@example.org>', 'NONSENSE', 'VRFY', 'DATA', 'MAIL FROM:x']) {
      codes.push((await client.command(command)).code);
    }
    expect(codes).toEqual([501, 503, 500, 501, 503, 421]);
    await client.closed;
    const { greeting } = await scene.connect();
    expect(greeting).toMatchObject({ code: 421, enhanced: '4.7.0' });
    expect(greeting.text).toContain('Too many commands that fail');
    await scene.greeted('127.0.0.2');
    await scene.greeted(OWNER);
    scene.clock.advance(12_000);
    await scene.greeted();
  });

  it('hold recipients that are refused', async () => {
    await using scene = await Scene.start({ failedRecipients: perClient(3) });
    const client = await scene.greeted();
    await client.command('MAIL FROM:<ann@client.example>');
    const codes: number[] = [];
    for (let guess = 0; guess < 4; guess += 1) {
      codes.push((await client.command(`RCPT TO:<guess${guess}@elsewhere.example>`)).code);
    }
    expect(codes).toEqual([550, 550, 550, 421]);
    await client.closed;
    expect((await scene.connect()).greeting.text).toContain('Too many recipients that are refused');
    await expect.poll(() => scene.gateway.reports[0]?.outcome).toBe('deferred');
    expect(scene.gateway.reports[0]?.opinions).toContainEqual(
      expect.objectContaining({ check: 'rate-limits', stage: 'refusal', enforced: true }),
    );
  });

  it('hold back who fails, and nobody else', async () => {
    await using scene = await Scene.start({ penalty: { afterFailures: 1, delayMs: 5, maxDelayMs: 20, maxHeld: 10 } });
    const client = await scene.greeted();
    await client.command('MAIL FROM:<ann@client.example>');
    for (let guess = 0; guess < 4; guess += 1) {
      expect((await client.command(`RCPT TO:<guess${guess}@elsewhere.example>`)).code).toBe(550);
    }
    await client.command('QUIT');
    await expect.poll(() => scene.gateway.reports.length).toBe(1);
    const held = scene.gateway.reports[0]?.opinions.filter(({ finding }) => finding.kind === 'rate-limiter/held');
    expect(held?.map(({ finding }) => finding['delayMs'])).toEqual([5, 10, 15]);
  });

  it('refuse strangers under load, before the clients whose mail was accepted', async () => {
    let load = 0;
    await using scene = await Scene.start({ overload: { load: () => load, enterAt: 10 } });
    expect(await send(await scene.greeted())).toEqual([250, 250, 250]);
    await expect.poll(() => scene.gateway.reports.length).toBe(1);
    load = 10;
    scene.clock.advance(1_000);
    const { greeting } = await scene.connect('127.0.0.2');
    expect(greeting).toMatchObject({ code: 421, enhanced: '4.3.2' });
    await scene.greeted();
    await scene.greeted(OWNER);
    load = 0;
    scene.clock.advance(1_000);
    await scene.greeted('127.0.0.2');
  });

  it('stay apart in one gateway when they have different names', async () => {
    const inner = rateLimits({ name: 'inner', messages: perClient(1) });
    const outer = rateLimits({ name: 'outer', messages: perClient(2) });
    await using scene = await Scene.start({}, { checks: [relayAcl({ localDomains: ['example.org'] }), outer, inner] });
    const client = await scene.greeted();
    expect(await send(client)).toEqual([250, 250, 250]);
    expect(await send(client)).toEqual([250, 450]);
  });

  it('let go of every connection, however it ends', async () => {
    await using scene = await Scene.start({
      connections: { total: 20, perClient: 20 },
      connectionRate: [],
      failedRecipients: perClient(30),
    });
    const lives: readonly ((client: SmtpDriver) => Promise<unknown>)[] = [
      async (client) => client.reset(),
      async (client) => client.close(),
      (client) => client.command('QUIT'),
      async (client) => {
        await client.command('EHLO client.example');
        client.reset();
      },
      async (client) => {
        await client.command('EHLO client.example');
        await client.send('MAIL FROM:<ann@client.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: half\r\n');
        client.reset();
      },
      async (client) => {
        await client.command('EHLO client.example');
        await send(client);
        client.end();
      },
      (client) => client.command('GET / HTTP/1.1'),
    ];
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(
        lives.map(async (live, index) => {
          const { client } = await scene.connect(`127.0.0.${index + 1}`);
          await live(client);
        }),
      );
      await scene.expectHeld(0);
    }
    const stats = scene.check.stats()?.connections;
    expect(stats?.granted).toBe(4 * lives.length);
    expect(stats?.waiting).toBe(0);
  });
});
