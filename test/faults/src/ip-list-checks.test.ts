import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CachingResolver, type Check } from '@postern/core';
import {
  type AutoBanOptions,
  autoBan,
  type BanJournal,
  DomainList,
  domainList,
  IpList,
  ipList,
  openBanJournal,
  spamTraps,
} from '@postern/ip-list';
import { verifyReverseDns } from '@postern/rdns';
import { relayAcl } from '@postern/relay-acl';
import { type DriverReply, FakeClock, SmtpDriver, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { GatewayServer, type GatewayServerOptions } from './gateway-server.ts';

const MINUTE_MS = 60_000;
const OWNER = '127.0.0.9';
const STRANGER = '127.0.0.66';

/** Who logs in with the right password, and who does not. */
const logins: Check = {
  name: 'logins',
  cost: 'local',
  start: () => ({
    authenticate: (attempt) =>
      'password' in attempt && attempt.password === 'right'
        ? { finding: { kind: 'test/login', summary: 'A login.' }, user: attempt.user }
        : { finding: { kind: 'test/no-login', summary: 'A wrong password.' }, verdict: 'reject' },
  }),
};

const relay = relayAcl({ localDomains: ['example.org'], trustedNetworks: [OWNER] });

/** A gateway, its clients, and a folder for a journal; a test moves its time. */
class Scene implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly gateway: GatewayServer;
  readonly #clients: SmtpDriver[] = [];

  private constructor(clock: FakeClock, gateway: GatewayServer) {
    this.clock = clock;
    this.gateway = gateway;
  }

  static async start(
    checks: readonly Check[],
    more: Partial<GatewayServerOptions> = {},
    clock: FakeClock = new FakeClock(),
  ): Promise<Scene> {
    const deliver: GatewayServerOptions['deliver'] = async (_transaction, bytes) => {
      for await (const _ of bytes);
    };
    const options = { deliver, clock, checks: [logins, relay, ...checks], ...more };
    return new Scene(clock, await GatewayServer.start(options, { allowInsecureAuth: true }));
  }

  /** A client from an address of this machine, and how it is greeted. */
  async connect(localAddress = STRANGER): Promise<{ client: SmtpDriver; greeting: DriverReply }> {
    const client = await SmtpDriver.connect({ port: this.gateway.port, localAddress, timeoutMs: 20_000 });
    this.#clients.push(client);
    return { client, greeting: await client.reply() };
  }

  /** A client that has said EHLO, and logged in if it has a password. */
  async greeted(localAddress?: string, password?: string): Promise<SmtpDriver> {
    const { client, greeting } = await this.connect(localAddress);
    expect(greeting.code).toBe(220);
    await client.command('EHLO client.example');
    if (password !== undefined) {
      expect((await login(client, password)) === 235).toBe(password === 'right');
    }
    return client;
  }

  /** Resolves when so many reports are out: what they cause is under way. */
  async expectReports(count: number): Promise<void> {
    await expect.poll(() => this.gateway.reports.length, { timeout: 20_000 }).toBe(count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.gateway[Symbol.asyncDispose]();
  }
}

/** The code of each reply to a mail to that recipient, up to the first that refuses. */
async function send(client: SmtpDriver, recipient: string, from = 'x@spam.example', header = ''): Promise<number> {
  await client.command(`MAIL FROM:<${from}>`);
  const { code } = await client.command(`RCPT TO:<${recipient}>`);
  if (code === 250) return (await client.data(`${header}Subject: hi\r\n\r\nHello\r\n`)).code;
  await client.command('RSET');
  return code;
}

/** The code of the reply to a login. */
async function login(client: SmtpDriver, password: string): Promise<number> {
  return (await client.command(`AUTH PLAIN ${Buffer.from(`\0ann\0${password}`).toString('base64')}`)).code;
}

async function withJournal(
  clock: FakeClock,
  use: (open: () => Promise<BanJournal<IpList>>, file: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-bans-'));
  try {
    const file = join(folder, 'bans.jsonl');
    await use(() => openBanJournal({ file, list: new IpList({ clock }), clock }), file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function isBanned(list: IpList, address = STRANGER): () => boolean {
  return () => list.actionOf(address) === 'block';
}

describe('ipList at a gateway', () => {
  const feed = IpList.from([['127.0.0.64/26', { reason: 'secret reason' }]]);

  it('refuses recipients, so that a login or a mail to the postmaster is still possible', async () => {
    await using scene = await Scene.start([ipList(feed)]);
    const client = await scene.greeted();
    await client.command('MAIL FROM:<ann@client.example>');
    const refused = await client.command('RCPT TO:<bob@example.org>');
    expect(refused).toMatchObject({ code: 550, enhanced: '5.7.1' });
    expect(refused.text).toContain(`Your address ${STRANGER} is on the local block list`);
    expect(refused.text).not.toContain('secret');
    expect(await client.command('RCPT TO:<postmaster@example.org>')).toMatchObject({ code: 250 });
    expect(await send(await scene.greeted(STRANGER, 'right'), 'far@elsewhere.example')).toBe(250);
    expect(await send(await scene.greeted('127.0.0.1'), 'bob@example.org')).toBe(250);
  });

  it('refuses users too, when it applies to everyone', async () => {
    await using scene = await Scene.start([ipList(feed, { appliesTo: 'everyone' })]);
    expect(await send(await scene.greeted(STRANGER, 'right'), 'far@elsewhere.example')).toBe(550);
  });

  it('refuses in the greeting when the gateway enforces at once', async () => {
    await using scene = await Scene.start([ipList(feed)], { enforceAt: 'stage' });
    const { client, greeting } = await scene.connect();
    expect(greeting).toMatchObject({ code: 554, enhanced: '5.7.1' });
    await client.closed;
  });

  it('disconnects before a password can be tried', async () => {
    await using scene = await Scene.start([ipList(feed, { onListed: 'disconnect' })]);
    const { client, greeting } = await scene.connect();
    expect(greeting).toMatchObject({ code: 421, enhanced: '4.7.0' });
    await client.closed;
  });

  it('makes trusted networks of what it allows, and no open relay', async () => {
    const partners = IpList.from([[STRANGER, { action: 'allow' }]]);
    const strict: Check = {
      name: 'strict',
      appliesTo: 'strangers',
      start: () => ({ connect: () => ({ finding: { kind: 'test/strict', summary: 'No.' }, verdict: 'reject' }) }),
    };
    await using scene = await Scene.start([ipList(partners, { name: 'partners', trust: true }), ipList(feed), strict]);
    const client = await scene.greeted();
    expect(await send(client, 'bob@example.org')).toBe(250);
    expect(await send(client, 'far@elsewhere.example')).toBe(550);
    expect(await send(await scene.greeted('127.0.0.1'), 'bob@example.org')).toBe(550);
  });
});

describe('domainList at a gateway', () => {
  it('refuses by HELO, MAIL FROM, From and the name of the client', async () => {
    const list = DomainList.from(['registrable:spam.example', 'client.example']);
    const resolver = new ZoneResolver({
      '66.0.0.127.in-addr.arpa': { PTR: 'mx.spam.example' },
      'mx.spam.example': { A: STRANGER },
    });
    const byPlace = domainList(list, { places: ['mail-from', 'from'], reverseNames: verifyReverseDns });
    await using scene = await Scene.start([byPlace], { resolver: new CachingResolver(resolver) });
    const client = await scene.greeted('127.0.0.1');
    expect(await send(client, 'bob@example.org', 'x@a.spam.example')).toBe(550);
    expect(await send(client, 'bob@example.org', 'x@fine.example', 'From: <x@spam.example>\r\n')).toBe(550);
    expect(await send(client, 'bob@example.org', 'x@fine.example', 'From: <x@fine.example>\r\n')).toBe(250);
    expect(await send(await scene.greeted(), 'bob@example.org', 'x@fine.example')).toBe(550);

    await using strict = await Scene.start([domainList(list)]);
    expect(await send(await strict.greeted(), 'bob@example.org', 'x@fine.example')).toBe(550);
    const places = [...scene.gateway.reports, ...strict.gateway.reports].map(
      ({ opinions }) => opinions.find(({ check }) => check === 'domain-list')?.finding['place'],
    );
    expect(places).toEqual(['mail-from', 'from', undefined, 'reverse-name', 'helo']);
  });
});

describe('autoBan at a gateway', () => {
  it('bans who is refused again and again, for a while, and a restart changes nothing', async () => {
    const clock = new FakeClock();
    await withJournal(clock, async (open, file) => {
      const checksOf = (bans: BanJournal<IpList>): readonly Check[] => [
        ipList(bans.list, { onListed: 'disconnect' }),
        autoBan({ list: bans, on: ['relay-acl'], refusals: 3, banMs: 10 * MINUTE_MS, ignore: [] }),
      ];
      {
        await using bans = await open();
        await using scene = await Scene.start(checksOf(bans), {}, clock);
        for (let count = 0; count < 3; count += 1) {
          expect(bans.list.size).toBe(0);
          expect(await send(await scene.greeted(), `victim${count}@elsewhere.example`)).toBe(550);
          await scene.expectReports(count + 1);
        }
        await expect.poll(isBanned(bans.list), { timeout: 20_000 }).toBe(true);
        expect((await scene.connect()).greeting.code).toBe(421);
        expect(await send(await scene.greeted('127.0.0.1'), 'bob@example.org')).toBe(250);
      }
      const written = await readFile(file, 'utf8');
      expect(written).toContain(`"add":"${STRANGER}"`);
      expect(written).toContain('relay-acl/denied');
      expect(written).not.toContain('victim');

      await using again = await open();
      await using scene = await Scene.start(checksOf(again), {}, clock);
      expect((await scene.connect()).greeting.code).toBe(421);
      clock.advance(10 * MINUTE_MS);
      expect(await send(await scene.greeted(), 'bob@example.org')).toBe(250);
    });
  });

  it('ends what goes on already', async () => {
    const clock = new FakeClock();
    const bans = new IpList({ clock });
    const checks = [ipList(bans), autoBan({ list: bans, on: ['relay-acl/denied'], refusals: 1, ignore: [] })];
    await using scene = await Scene.start(checks, {}, clock);
    const open = await scene.greeted();
    expect(await send(open, 'bob@example.org')).toBe(250);
    expect(await send(await scene.greeted(), 'far@elsewhere.example')).toBe(550);
    await expect.poll(isBanned(bans), { timeout: 20_000 }).toBe(true);
    expect(await send(open, 'bob@example.org')).toBe(550);
    clock.advance(10 * MINUTE_MS);
    expect(await send(open, 'bob@example.org')).toBe(250);
  });

  it('does not make its own bans last for ever, and bans once for what many sessions do at once', async () => {
    const clock = new FakeClock();
    const bans = new IpList({ clock });
    const events: string[] = [];
    const ban = autoBan({
      list: bans,
      on: ['relay-acl', 'ip-list'],
      refusals: 3,
      ignore: [],
      onBan: ({ outcome }) => events.push(outcome),
    });
    await using scene = await Scene.start([ipList(bans), ban], {}, clock);
    const clients = await Promise.all(Array.from({ length: 8 }, () => scene.greeted()));
    await Promise.all(clients.map((client) => send(client, 'far@elsewhere.example')));
    await Promise.all(clients.map((client) => send(client, 'bob@example.org')));
    await scene.expectReports(16);
    await expect.poll(isBanned(bans), { timeout: 20_000 }).toBe(true);
    expect(events).toEqual(['listed']);
    expect(bans.lookup(STRANGER)?.expiresAt).toBe(clock.now() + 10 * MINUTE_MS);
  });

  it('counts passwords that are wrong, and spares who has the right one or is trusted', async () => {
    const clock = new FakeClock();
    const bans = new IpList({ clock });
    const picky: Check = {
      name: 'picky',
      cost: 'local',
      start: () => ({ mail: () => ({ finding: { kind: 'test/picky', summary: 'No.' }, verdict: 'reject' }) }),
    };
    const ban = autoBan({ list: bans, on: ['picky'], failedLogins: true, refusals: 4, ignore: [] });
    await using scene = await Scene.start([picky, ban], {}, clock);
    for (let count = 0; count < 6; count += 1) {
      expect(await send(await scene.greeted('127.0.0.3', 'right'), 'bob@example.org')).toBe(550);
      expect(await send(await scene.greeted(OWNER), 'bob@example.org')).toBe(550);
    }
    await scene.expectReports(12);
    const guesser = await scene.greeted(STRANGER, 'wrong');
    for (let count = 0; count < 2; count += 1) await login(guesser, 'wrong');
    expect(bans.size).toBe(0);
    await login(guesser, 'wrong');
    await expect.poll(isBanned(bans), { timeout: 20_000 }).toBe(true);
    expect([...bans].map(({ prefix }) => prefix)).toEqual([`${STRANGER}/32`]);
    expect(bans.lookup(STRANGER)?.evidence).toMatchObject({ kinds: { 'test/no-login': 4 } });
  });
});

describe('autoBan at a gateway with failedLogins', () => {
  const guessing = (
    more: Partial<AutoBanOptions> = {},
  ): { bans: IpList; checks: readonly Check[]; clock: FakeClock } => {
    const clock = new FakeClock();
    const bans = new IpList({ clock });
    const ban = autoBan({ list: bans, on: [], failedLogins: true, refusals: 4, ignore: [], ...more });
    return { bans, clock, checks: [ipList(bans, { onListed: 'disconnect' }), ban] };
  };

  it('counts what is guessed behind the last transaction', async () => {
    const { bans, checks, clock } = guessing();
    await using scene = await Scene.start(checks, {}, clock);
    const client = await scene.greeted();
    for (let round = 0; round < 2; round += 1) {
      await client.command('MAIL FROM:<x@spam.example>');
      await client.command('RSET');
      expect(await login(client, 'wrong')).toBe(550);
    }
    expect(await login(client, 'wrong')).toBe(550);
    await scene.expectReports(2);
    expect(bans.size).toBe(0);
    await login(client, 'wrong');
    await expect.poll(isBanned(bans), { timeout: 20_000 }).toBe(true);
    expect(bans.lookup(STRANGER)?.evidence).toMatchObject({ refusals: 4, kinds: { 'test/no-login': 4 } });
    expect((await scene.connect()).greeting.code).toBe(421);
  });

  it('counts the login that ends a session, and one guess in each of many sessions', async () => {
    const { bans, checks, clock } = guessing();
    await using scene = await Scene.start(checks, { maxFailedLogins: 1 }, clock);
    for (let count = 0; count < 4; count += 1) {
      expect(bans.size).toBe(0);
      expect(await login(await scene.greeted(), 'wrong')).toBe(421);
    }
    await expect.poll(isBanned(bans), { timeout: 20_000 }).toBe(true);
  });

  it('takes nothing back for a login that succeeds between guesses', async () => {
    const { bans, checks, clock } = guessing();
    await using scene = await Scene.start(checks, {}, clock);
    for (let count = 0; count < 2; count += 1) {
      const client = await scene.greeted();
      for (let guess = 0; guess < 2; guess += 1) expect(await login(client, 'wrong')).toBe(550);
      expect(await login(client, 'right')).toBe(235);
    }
    await expect.poll(isBanned(bans), { timeout: 20_000 }).toBe(true);
  });

  it('ends the sessions in which others guess on', async () => {
    const { bans, checks, clock } = guessing();
    await using scene = await Scene.start(checks, {}, clock);
    const [first, second] = [await scene.greeted(), await scene.greeted()];
    for (let guess = 0; guess < 4; guess += 1) await login(first, 'wrong');
    await expect.poll(isBanned(bans), { timeout: 20_000 }).toBe(true);
    expect(await login(second, 'wrong')).toBe(421);
    await second.closed;
  });

  it('counts no login that could not be judged', async () => {
    const { bans, checks, clock } = guessing({ refusals: 1 });
    const broken: Check = {
      name: 'broken',
      start: () => ({
        authenticate: () => {
          throw new Error('no database');
        },
      }),
    };
    await using scene = await Scene.start([], { checks: [broken, relay, ...checks] }, clock);
    const client = await scene.greeted();
    expect(await login(client, 'wrong')).toBe(451);
    await client.command('QUIT');
    await scene.expectReports(1);
    expect(bans.size).toBe(0);
  });
});

describe('spamTraps at a gateway', () => {
  const trap = 'sales-2009@example.org';

  it('bans who sends to a trap, among other recipients, and keeps the evidence in the journal', async () => {
    const clock = new FakeClock();
    await withJournal(clock, async (open, file) => {
      await using bans = await open();
      const traps = spamTraps({ addresses: ['sales-*@example.org'], list: bans, banMs: 60 * MINUTE_MS, ignore: [] });
      await using scene = await Scene.start([ipList([new IpList(), bans.list]), traps], {}, clock);
      const client = await scene.greeted();
      await client.command('MAIL FROM:<x@spam.example>');
      expect(await client.command(`RCPT TO:<${trap}>`)).toMatchObject({ code: 550, enhanced: '5.1.1' });
      expect(await client.command('RCPT TO:<bob@example.org>')).toMatchObject({ code: 250 });
      expect(bans.list.size).toBe(0);
      expect(await client.data('Subject: hi\r\n\r\nHello\r\n')).toMatchObject({ code: 250 });
      await expect.poll(isBanned(bans.list), { timeout: 20_000 }).toBe(true);
      expect(await send(client, 'bob@example.org')).toBe(550);
      await expect.poll(() => readFile(file, 'utf8'), { timeout: 20_000 }).toContain(trap);
      clock.advance(60 * MINUTE_MS);
      expect(await send(await scene.greeted(), 'bob@example.org')).toBe(250);
    });
  });

  it('can take the mail and mark it', async () => {
    const clock = new FakeClock();
    const bans = new IpList({ clock });
    const traps = spamTraps({ addresses: ['trap-*@example.org'], list: bans, answer: 'quarantine', ignore: [] });
    await using scene = await Scene.start([traps], {}, clock);
    expect(await send(await scene.greeted(), 'trap-7@example.org')).toBe(250);
    await scene.expectReports(1);
    expect(scene.gateway.reports[0]).toMatchObject({ outcome: 'quarantined' });
    await expect.poll(isBanned(bans), { timeout: 20_000 }).toBe(true);
  });

  it('spares the postmaster, bounces, users, trusted clients, and what the operator says of an address', async () => {
    const clock = new FakeClock();
    await withJournal(clock, async (open) => {
      await using bans = await open();
      await bans.add('127.0.0.5', { action: 'allow', reason: 'a partner' });
      const outcomes: string[] = [];
      const traps = spamTraps({
        addresses: [trap, '*@old.example.org'],
        list: bans,
        ignore: ['127.0.0.4'],
        onBan: ({ outcome, prefix }) => outcomes.push(`${outcome} ${prefix}`),
      });
      await using scene = await Scene.start([traps], {}, clock);
      expect(await send(await scene.greeted('127.0.0.2'), trap, '')).toBe(550);
      expect(await send(await scene.greeted('127.0.0.3', 'right'), trap)).toBe(550);
      expect(await send(await scene.greeted('127.0.0.4'), trap)).toBe(550);
      expect(await send(await scene.greeted('127.0.0.5'), trap)).toBe(550);
      expect(await send(await scene.greeted(OWNER), trap)).toBe(550);
      await send(await scene.greeted('127.0.0.6'), 'postmaster@old.example.org');
      expect(await send(await scene.greeted(), trap)).toBe(550);
      await expect.poll(isBanned(bans.list), { timeout: 20_000 }).toBe(true);
      await expect.poll(() => outcomes.length, { timeout: 20_000 }).toBe(2);
      expect(outcomes.toSorted()).toEqual(['kept 127.0.0.5', `listed ${STRANGER}`]);
      expect([...bans.list]).toHaveLength(2);
    });
  });
});
