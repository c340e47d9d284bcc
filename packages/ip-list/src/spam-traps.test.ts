import {
  type CheckRun,
  type Context,
  isRecipientOpinion,
  MemoryStore,
  mailboxPath,
  type Report,
  type Session,
} from '@postern/core';
import { FakeClock, sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BanEvent } from './ban-event.ts';
import { IpList } from './ip-list.ts';
import { type SpamTrapOptions, spamTraps } from './spam-traps.ts';

const signal = new AbortController().signal;
const TRAP = 'trap@example.org';
const HOUR_MS = 3_600_000;

/** One check with its list, whose time a test moves. */
class Scene {
  readonly clock = new FakeClock();
  readonly list = new IpList({ clock: this.clock });
  readonly events: BanEvent[] = [];
  readonly #context: Context = {
    resolver: new ZoneResolver({}),
    store: new MemoryStore({ clock: this.clock }),
    clock: this.clock,
  };
  readonly #check: ReturnType<typeof spamTraps>;

  constructor(options: Partial<SpamTrapOptions> = {}) {
    const { list, events } = this;
    const onBan = (event: BanEvent): unknown => events.push(event);
    this.#check = spamTraps({ addresses: [TRAP], list, onBan, ...options });
  }

  start(session: Session): CheckRun {
    const run = this.#check.start(session, this.#context);
    if (run === undefined) throw new TypeError('the check has nothing to ask');
    return run;
  }

  /** A transaction from beginning to end; the report says what the session says. */
  async transaction(session: Session, recipients: readonly string[], reversePath = 'x@spam.example'): Promise<void> {
    const run = this.start(session);
    const transaction = sampleTransaction({ session, reversePath: mailboxPath(reversePath) });
    for (const recipient of recipients) {
      const opinion = await run.recipient?.(transaction, mailboxPath(recipient), signal);
      expect(opinion === undefined || isRecipientOpinion(opinion)).toBe(true);
    }
    run.report?.(reportOf(session, reversePath));
    run.close?.();
    await settled();
  }
}

function reportOf(session: Session, reversePath: string): Report {
  const { id, service, client, trusted, startedAt, user, helo } = session;
  return {
    version: 1,
    kind: 'transaction',
    id: 't1',
    session: {
      id,
      service,
      client: { address: client.address, port: client.port },
      trusted,
      startedAt,
      ...(helo !== undefined && { helo }),
      ...(user !== undefined && { user }),
    },
    startedAt,
    durationMs: 0,
    reversePath,
    recipients: [],
    opinions: [],
    score: 0,
    outcome: 'rejected',
  };
}

/** A list in memory has it some microtasks later. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

describe('spamTraps', () => {
  it('answers as of a mailbox that is not there', async () => {
    const run = new Scene().start(sampleSession());
    expect(await run.recipient?.(sampleTransaction(), mailboxPath(TRAP), signal)).toEqual({
      finding: {
        kind: 'ip-list/spam-trap',
        summary: 'The recipient trap@example.org is a spam trap.',
        recipient: TRAP,
        pattern: TRAP,
      },
      verdict: 'reject',
      reply: { code: 550, enhanced: '5.1.1', text: 'There is no mailbox with that address here. Check the address.' },
    });
    expect(await run.recipient?.(sampleTransaction(), mailboxPath('bob@example.org'), signal)).toBeUndefined();
  });

  it.each([
    ['permit', { permit: 'local' }],
    ['quarantine', { permit: 'local', verdict: 'quarantine' }],
    ['report', {}],
  ] as const)('answers %s', async (answer, expected) => {
    const run = new Scene({ answer }).start(sampleSession());
    const { finding, ...rest } = (await run.recipient?.(sampleTransaction(), mailboxPath(TRAP), signal)) ?? {};
    expect(finding?.kind).toBe('ip-list/spam-trap');
    expect(rest).toEqual(expected);
  });

  it('lists the client for a while when the transaction is over, with the evidence', async () => {
    const scene = new Scene({ banMs: HOUR_MS });
    const session = sampleSession('192.0.2.7');
    const run = scene.start(session);
    await run.recipient?.(sampleTransaction(), mailboxPath(TRAP), signal);
    await settled();
    expect(scene.list.size).toBe(0);
    run.report?.(reportOf(session, 'x@spam.example'));
    await settled();
    expect(scene.list.lookup('192.0.2.7')).toEqual({
      prefix: '192.0.2.7/32',
      action: 'block',
      reason: 'Sent to a spam trap',
      source: 'spam-traps',
      expiresAt: scene.clock.now() + HOUR_MS,
      evidence: { traps: [TRAP], reversePath: 'x@spam.example', helo: 'client.example', report: 't1' },
    });
    expect(scene.events).toMatchObject([{ outcome: 'listed', check: 'spam-traps', prefix: '192.0.2.7' }]);
    scene.clock.advance(HOUR_MS);
    expect(scene.list.lookup('192.0.2.7')).toBeUndefined();
  });

  it('lists nobody for other recipients, nor twice for one transaction', async () => {
    const scene = new Scene();
    const session = sampleSession();
    await scene.transaction(session, ['bob@example.org']);
    expect(scene.events).toEqual([]);
    const run = scene.start(session);
    await run.recipient?.(sampleTransaction(), mailboxPath(TRAP), signal);
    run.report?.(reportOf(session, 'x@spam.example'));
    run.report?.(reportOf(session, 'x@spam.example'));
    await settled();
    expect(scene.events).toHaveLength(1);
  });

  it('lists the /64 of an IPv6 client, or as much as it is told', async () => {
    const scene = new Scene();
    await scene.transaction(sampleSession('2001:db8:1:2:3::4'), [TRAP]);
    expect([...scene.list].map(({ prefix }) => prefix)).toEqual(['2001:db8:1:2::/64']);
    const narrow = new Scene({ ipv6PrefixLength: 128 });
    await narrow.transaction(sampleSession('2001:db8:1:2:3::4'), [TRAP]);
    expect([...narrow.list].map(({ prefix }) => prefix)).toEqual(['2001:db8:1:2:3::4/128']);
  });

  it('lists of the clients that a translator brings the one alone', async () => {
    const scene = new Scene();
    await scene.transaction(sampleSession('64:ff9b::192.0.2.1'), [TRAP]);
    expect(scene.list.actionOf('64:ff9b::192.0.2.1')).toBe('block');
    expect(scene.list.actionOf('64:ff9b::192.0.2.2')).toBeUndefined();
    await scene.transaction(sampleSession('::ffff:198.51.100.1'), [TRAP]);
    expect(scene.list.actionOf('198.51.100.1')).toBe('block');
    expect(scene.list.actionOf('198.51.100.2')).toBeUndefined();
  });

  it('spares who bounces mail that a forger sent, unless it is told otherwise', async () => {
    const scene = new Scene();
    await scene.transaction(sampleSession(), [TRAP], '');
    expect(scene.list.size).toBe(0);
    const strict = new Scene({ nullSenders: true });
    await strict.transaction(sampleSession(), [TRAP], '');
    expect(strict.list.size).toBe(1);
  });

  it('spares networks that are to be ignored: loopback, or those of the option', async () => {
    const scene = new Scene();
    for (const address of ['127.0.0.1', '::1', 'unix']) await scene.transaction(sampleSession(address), [TRAP]);
    expect(scene.events).toEqual([]);
    for (const ignore of [['192.0.2.0/24'], IpList.from([['192.0.2.0/24', { action: 'allow' }], '127.0.0.1'])]) {
      const own = new Scene({ ignore });
      await own.transaction(sampleSession('192.0.2.7'), [TRAP]);
      expect(own.events).toEqual([]);
      await own.transaction(sampleSession('127.0.0.1'), [TRAP]);
      expect(own.events).toHaveLength(1);
    }
  });

  it('lists the address alone when its /64 has an ignored one in it', async () => {
    const scene = new Scene({ ignore: ['2001:db8::5'] });
    await scene.transaction(sampleSession('2001:db8::4'), [TRAP]);
    await scene.transaction(sampleSession('2001:db8::5'), [TRAP]);
    expect([...scene.list].map(({ prefix }) => prefix)).toEqual(['2001:db8::4/128']);
  });

  it('leaves what people have listed or allowed, and what lasts longer', async () => {
    const scene = new Scene({ banMs: HOUR_MS });
    const kept = [
      { reason: 'for ever' },
      { action: 'allow', expiresAt: scene.clock.now() + 1 },
      { expiresAt: scene.clock.now() + 2 * HOUR_MS },
    ] as const;
    for (const entry of kept) {
      scene.list.add('192.0.2.7', entry);
      await scene.transaction(sampleSession('192.0.2.7'), [TRAP]);
      expect(scene.list.get('192.0.2.7')).toMatchObject(entry);
    }
    expect(scene.events.map(({ outcome }) => outcome)).toEqual(['kept', 'kept', 'kept']);
    scene.list.add('192.0.2.7', { expiresAt: scene.clock.now() + 1 });
    await scene.transaction(sampleSession('192.0.2.7'), [TRAP]);
    expect(scene.list.get('192.0.2.7')?.source).toBe('spam-traps');
  });

  it('goes on when the list fails, and tells of it', async () => {
    const events: BanEvent[] = [];
    const error = new Error('disk full');
    const list = { add: () => Promise.reject(error), delete: () => false };
    const scene = new Scene({ list, onBan: (event) => events.push(event) });
    await scene.transaction(sampleSession(), [TRAP]);
    expect(events).toMatchObject([{ outcome: 'failed', prefix: '192.0.2.1', error }]);
  });

  it('lets only so many bans wait for a list that hangs', async () => {
    const events: BanEvent[] = [];
    let added = 0;
    const add = (): Promise<void> => {
      added += 1;
      return new Promise(() => {});
    };
    const scene = new Scene({ list: { add, delete: () => false }, onBan: (event) => events.push(event) });
    const session = sampleSession();
    const run = scene.start(session);
    for (let count = 0; count < 10_001; count += 1) {
      run.recipient?.(sampleTransaction(), mailboxPath(TRAP), signal);
      run.report?.(reportOf(session, 'x@spam.example'));
    }
    await settled();
    expect(added).toBe(10_000);
    expect(events).toMatchObject([{ outcome: 'failed' }]);
  });

  it('counts no ban as waiting that the list has taken or refused', async () => {
    const outcomes = new Set<string>();
    let broken = false;
    const add = (): void => {
      broken = !broken;
      if (broken) throw new Error('disk full');
    };
    const scene = new Scene({
      list: { add, delete: () => false },
      onBan: (event) => outcomes.add(event.outcome === 'failed' ? String(event.error) : event.outcome),
    });
    const session = sampleSession();
    const run = scene.start(session);
    for (let count = 0; count < 10_001; count += 1) {
      run.recipient?.(sampleTransaction(), mailboxPath(TRAP), signal);
      run.report?.(reportOf(session, 'x@spam.example'));
      if (count % 100 === 0) await settled();
    }
    await settled();
    expect([...outcomes].toSorted()).toEqual(['Error: disk full', 'listed']);
  });

  it('never lists a trusted network, an authenticated user or an ignored one', async () => {
    const client = fc.record({
      address: fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.1', '2001:db8::1', '127.0.0.1'),
      trusted: fc.boolean(),
      user: fc.constantFrom(undefined, 'ann'),
      recipient: fc.constantFrom(TRAP, 'bob@example.org'),
      reversePath: fc.constantFrom('', 'x@spam.example'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(client, { maxLength: 8 }), async (clients) => {
        const scene = new Scene();
        const guilty = new Set<string>();
        for (const { address, trusted, user, recipient, reversePath } of clients) {
          await scene.transaction(sampleSession(address, { trusted, user }), [recipient], reversePath);
          const spared = trusted || user !== undefined || reversePath === '' || address === '127.0.0.1';
          if (!spared && recipient === TRAP) guilty.add(address);
        }
        for (const address of ['192.0.2.1', '192.0.2.2', '198.51.100.1', '2001:db8::1', '127.0.0.1']) {
          expect(scene.list.actionOf(address)).toBe(guilty.has(address) ? 'block' : undefined);
        }
      }),
    );
  });

  it('does not list a client that logged in while its transaction was reported', async () => {
    const scene = new Scene();
    const session: { -readonly [name in keyof Session]: Session[name] } = sampleSession();
    const run = scene.start(session);
    await run.recipient?.(sampleTransaction(), mailboxPath(TRAP), signal);
    const report = reportOf(session, 'x@spam.example');
    session.user = 'ann';
    run.report?.(report);
    await settled();
    expect(scene.list.size).toBe(0);
  });
});
