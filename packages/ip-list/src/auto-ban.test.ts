import { channel } from 'node:diagnostics_channel';
import {
  type CheckRun,
  type Context,
  MemoryStore,
  type Outcome,
  type RefusedCommand,
  type Report,
  type ReportedOpinion,
  type Session,
} from '@postern/core';
import { FakeClock, sampleSession, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AutoBanOptions, autoBan } from './auto-ban.ts';
import type { BanEvent } from './ban-event.ts';
import { IpList } from './ip-list.ts';

const MINUTE_MS = 60_000;

const rejection: ReportedOpinion = {
  check: 'relay-acl',
  stage: 'recipient',
  recipient: 'secret@example.net',
  finding: { kind: 'relay-acl/denied', summary: 'Denied.', recipient: 'secret@example.net' },
  verdict: 'reject',
  enforced: true,
  durationMs: 0,
};

const failedLogin: ReportedOpinion = {
  check: 'smtp-auth',
  stage: 'authenticate',
  finding: { kind: 'smtp-auth/failed', summary: 'Wrong password.' },
  verdict: 'reject',
  enforced: true,
  durationMs: 0,
};

const wrongPassword: RefusedCommand = {
  kind: 'login',
  reply: { code: 535, enhanced: '5.7.8', text: 'Wrong password.' },
  finding: { kind: 'smtp-auth/failed', summary: 'Wrong password.' },
};

const signal = new AbortController().signal;

function reportOf(
  session: Session,
  opinions: readonly ReportedOpinion[],
  outcome: Outcome,
  id = 't1',
  reversePath = 'secret@spam.example',
): Report {
  const { service, client, trusted, startedAt, user } = session;
  return {
    version: 1,
    kind: 'transaction',
    id,
    session: {
      id: session.id,
      service,
      client: { address: client.address, port: client.port },
      trusted,
      startedAt,
      ...(user !== undefined && { user }),
    },
    startedAt,
    durationMs: 0,
    reversePath,
    recipients: [],
    opinions,
    score: 0,
    outcome,
  };
}

/** One check with its list, whose time a test moves. */
class Scene {
  readonly clock = new FakeClock();
  readonly list = new IpList({ clock: this.clock });
  readonly events: BanEvent[] = [];
  readonly context: Context = {
    resolver: new ZoneResolver({}),
    store: new MemoryStore({ clock: this.clock }),
    clock: this.clock,
  };
  readonly #check: ReturnType<typeof autoBan>;
  #reports = 0;

  constructor(options: Partial<AutoBanOptions> = {}) {
    const { list, events } = this;
    const onBan = (event: BanEvent): unknown => events.push(event);
    this.#check = autoBan({ list, on: ['relay-acl'], refusals: 3, onBan, ...options });
  }

  start(session: Session): CheckRun | undefined {
    return this.#check.start(session, this.context);
  }

  /** A session with one transaction that was judged so. */
  async report(
    session: Session | string,
    opinions: readonly ReportedOpinion[] = [rejection],
    outcome: Outcome = 'rejected',
  ): Promise<void> {
    const from = typeof session === 'string' ? sampleSession(session) : session;
    this.#reports += 1;
    this.start(from)?.report?.(reportOf(from, opinions, outcome, `t${this.#reports}`));
    await settled();
  }

  isBanned(address: string): boolean {
    return this.list.actionOf(address) === 'block';
  }
}

/** A list in memory has it some microtasks later. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

describe('autoBan', () => {
  it('has no opinion of its own', () => {
    const run = new Scene().start(sampleSession());
    expect(Object.keys(run ?? {})).toEqual(['report']);
  });

  it('lists who was refused so many times, and says why', async () => {
    const scene = new Scene();
    await scene.report('192.0.2.1');
    scene.clock.advance(MINUTE_MS);
    await scene.report('192.0.2.1');
    expect(scene.list.size).toBe(0);
    await scene.report('192.0.2.2');
    await scene.report('192.0.2.1', [{ ...rejection, finding: { kind: 'relay-acl/other', summary: 'Other.' } }]);
    expect([...scene.list]).toEqual([
      {
        prefix: '192.0.2.1/32',
        action: 'block',
        reason: 'Refused 3 times within 60 s: relay-acl/denied, relay-acl/other',
        source: 'auto-ban',
        expiresAt: scene.clock.now() + 10 * MINUTE_MS,
        evidence: {
          refusals: 3,
          spanMs: MINUTE_MS,
          kinds: { 'relay-acl/denied': 2, 'relay-acl/other': 1 },
          reports: ['t1', 't2', 't4'],
          ban: 1,
        },
      },
    ]);
    expect(scene.events).toMatchObject([{ outcome: 'listed', check: 'auto-ban', prefix: '192.0.2.1' }]);
    expect(JSON.stringify(scene.events)).not.toContain('secret');
    scene.clock.advance(10 * MINUTE_MS);
    expect(scene.isBanned('192.0.2.1')).toBe(false);
  });

  it('counts in a window that moves', async () => {
    const scene = new Scene({ withinMs: 3 * MINUTE_MS });
    for (let count = 0; count < 10; count += 1) {
      await scene.report('192.0.2.1');
      scene.clock.advance(1.5 * MINUTE_MS);
    }
    expect(scene.list.size).toBe(0);
    await scene.report('192.0.2.1');
    scene.clock.advance(MINUTE_MS);
    await scene.report('192.0.2.1');
    expect(scene.isBanned('192.0.2.1')).toBe(true);
  });

  it('lists for longer each time, up to a bound, and forgets in the end', async () => {
    const scene = new Scene({
      banMs: 10 * MINUTE_MS,
      growth: 3,
      maxBanMs: 60 * MINUTE_MS,
      rememberMs: 100 * MINUTE_MS,
    });
    const ban = async (): Promise<number> => {
      for (let count = 0; count < 3; count += 1) await scene.report('192.0.2.1');
      const entry = scene.list.lookup('192.0.2.1');
      const lastsMs = (entry?.expiresAt ?? 0) - scene.clock.now();
      scene.clock.advance(lastsMs);
      return lastsMs / MINUTE_MS;
    };
    expect([await ban(), await ban(), await ban(), await ban()]).toEqual([10, 30, 60, 60]);
    expect(scene.events.map(({ entry }) => entry.evidence?.['ban'])).toEqual([1, 2, 3, 4]);
    scene.clock.advance(99 * MINUTE_MS);
    expect(await ban()).toBe(60);
    scene.clock.advance(100 * MINUTE_MS);
    expect(await ban()).toBe(10);
  });

  it('counts anew after a ban, also when that was shorter than the window', async () => {
    const scene = new Scene({ banMs: 1_000, withinMs: 60 * MINUTE_MS });
    for (let count = 0; count < 3; count += 1) await scene.report('192.0.2.1');
    scene.clock.advance(1_000);
    for (let count = 0; count < 2; count += 1) await scene.report('192.0.2.1');
    expect(scene.events).toHaveLength(1);
    await scene.report('192.0.2.1');
    expect(scene.events).toHaveLength(2);
  });

  it('counts whose refusals it is told to: by the check, or by the kind of the finding', async () => {
    const other: ReportedOpinion = {
      ...rejection,
      check: 'dnsbl',
      finding: { kind: 'dnsbl/listed', summary: 'Listed.' },
    };
    for (const [on, counted] of [
      [['dnsbl'], other],
      [['dnsbl/listed'], other],
      [['relay-acl/denied', 'nobody'], rejection],
    ] as const) {
      const scene = new Scene({ on, refusals: 1 });
      await scene.report('192.0.2.1', [counted === other ? rejection : other]);
      expect(scene.list.size).toBe(0);
      await scene.report('192.0.2.1', [counted]);
      expect(scene.list.size).toBe(1);
    }
  });

  it.each<[string, ReportedOpinion, Outcome]>([
    ['was deferred', { ...rejection, verdict: 'defer' }, 'deferred'],
    ['was quarantined', { ...rejection, verdict: 'quarantine' }, 'quarantined'],
    ['was refused for something else', { ...rejection, enforced: false }, 'rejected'],
    ['was only looked at', withoutVerdict(rejection), 'accepted'],
    ['was accepted for another recipient', rejection, 'accepted'],
    ['was accepted and marked', rejection, 'quarantined'],
    ['may have been delivered', rejection, 'unknown'],
    ['is on a list already', { ...rejection, finding: { kind: 'ip-list/blocked', summary: 'Listed.' } }, 'rejected'],
    ['had a login refused', failedLogin, 'rejected'],
  ])('does not list who %s', async (_, opinion, outcome) => {
    const scene = new Scene({ refusals: 1, on: ['relay-acl', 'smtp-auth'] });
    await scene.report('192.0.2.1', [opinion], outcome);
    expect(scene.events).toEqual([]);
  });

  it('counts a transaction once, and however it ended without mail', async () => {
    const scene = new Scene();
    await scene.report('192.0.2.1', [rejection, rejection, rejection, rejection], 'deferred');
    await scene.report('192.0.2.1', [rejection, rejection], 'aborted');
    expect(scene.events).toEqual([]);
    await scene.report('192.0.2.1', [rejection], 'none');
    expect(scene.isBanned('192.0.2.1')).toBe(true);
  });

  it('counts each login that is refused for good, at once, if told to', async () => {
    const scene = new Scene({ on: [], failedLogins: true });
    const session = sampleSession();
    const run = scene.start(session);
    await run?.refusal?.(wrongPassword, signal);
    run?.report?.(reportOf(session, [failedLogin], 'none'));
    for (const code of [451, 454, 534, 538]) {
      await run?.refusal?.({ ...wrongPassword, reply: { ...wrongPassword.reply, code } }, signal);
    }
    for (const kind of ['recipient', 'command'] as const) {
      await run?.refusal?.({ kind, reply: wrongPassword.reply }, signal);
    }
    await run?.refusal?.(wrongPassword, signal);
    await settled();
    expect(scene.events).toEqual([]);
    const another = sampleSession('192.0.2.1', { id: 's2' });
    await scene.start(another)?.refusal?.({ ...wrongPassword, reply: { ...wrongPassword.reply, code: 550 } }, signal);
    await settled();
    expect(scene.list.lookup('192.0.2.1')?.evidence).toMatchObject({
      kinds: { 'smtp-auth/failed': 3 },
      reports: [session.id, 's2'],
    });
    expect(() => new Scene({ on: [] })).toThrow(/option "on" must be a list that is not empty/);
    expect(scene.start(sampleSession('127.0.0.1'))).toBeUndefined();
  });

  it('says nothing of a refused login, and hears of none unless told to', async () => {
    const run = new Scene({ failedLogins: true }).start(sampleSession());
    expect(await run?.refusal?.(wrongPassword, signal)).toBeUndefined();
    expect(new Scene({ failedLogins: false }).start(sampleSession())?.refusal).toBeUndefined();
  });

  it('counts no login of a trusted client, nor of one that has logged in', async () => {
    const scene = new Scene({ on: [], failedLogins: true, refusals: 1 });
    for (const more of [{ trusted: true }, { user: 'ann' }]) {
      await scene.start(sampleSession('192.0.2.1', more))?.refusal?.(wrongPassword, signal);
    }
    await settled();
    expect(scene.events).toEqual([]);
  });

  it('counts no bounces, unless told to', async () => {
    for (const nullSenders of [false, true]) {
      const scene = new Scene({ refusals: 1, ...(nullSenders && { nullSenders }) });
      const session = sampleSession();
      scene.start(session)?.report?.(reportOf(session, [rejection], 'rejected', 't1', ''));
      await settled();
      expect(scene.isBanned('192.0.2.1')).toBe(nullSenders);
    }
  });

  it('makes one ban of what several processes with one store see', async () => {
    const scene = new Scene({ refusals: 1 });
    const session = sampleSession();
    const report = reportOf(session, [rejection], 'rejected');
    const elsewhere = (): IpList => {
      const list = new IpList({ clock: scene.clock });
      autoBan({ list, on: ['relay-acl'], refusals: 1 })
        .start(session, scene.context)
        ?.report?.(report);
      return list;
    };
    await scene.report(session);
    scene.clock.advance(4 * MINUTE_MS);
    const lists = [elsewhere(), elsewhere()];
    await settled();
    for (const list of lists) {
      expect(list.lookup('192.0.2.1')).toMatchObject({
        expiresAt: scene.clock.now() + 6 * MINUTE_MS,
        evidence: { ban: 1 },
      });
    }
    scene.clock.advance(6 * MINUTE_MS);
    const later = elsewhere();
    await settled();
    expect(later.lookup('192.0.2.1')).toMatchObject({
      expiresAt: scene.clock.now() + 20 * MINUTE_MS,
      evidence: { ban: 2 },
    });
  });

  it('takes no ban for one that an entry of people kept from being made', async () => {
    const scene = new Scene({ refusals: 1 });
    scene.list.add('192.0.2.1', { action: 'allow', expiresAt: scene.clock.now() + MINUTE_MS });
    await scene.report('192.0.2.1');
    scene.clock.advance(10 * MINUTE_MS);
    await scene.report('192.0.2.1');
    expect(scene.events.map(({ outcome }) => outcome)).toEqual(['kept', 'listed']);
    expect(scene.list.lookup('192.0.2.1')?.evidence).toMatchObject({ ban: 1 });
  });

  it.each(['', 'rubbish', '-3 5', '1 Infinity', '1e400 0'])('takes the bans %j of a store for none', async (value) => {
    const scene = new Scene({ refusals: 1 });
    await scene.context.store.remember('ip-list:auto-ban:192.0.2.1', Buffer.from(value), MINUTE_MS);
    await scene.report('192.0.2.1');
    expect(scene.list.lookup('192.0.2.1')?.evidence).toMatchObject({ ban: 1 });
  });

  it('bans for no longer than it may, whatever a store says', async () => {
    const scene = new Scene({ refusals: 1, maxBanMs: 20 * MINUTE_MS });
    await scene.context.store.remember('ip-list:auto-ban:192.0.2.1', Buffer.from('1 9e15'), MINUTE_MS);
    await scene.report('192.0.2.1');
    expect(scene.list.lookup('192.0.2.1')?.expiresAt).toBe(scene.clock.now() + 20 * MINUTE_MS);
  });

  it('spares everyone while the list of those to be ignored cannot say who they are', () => {
    const lookup = (): never => {
      throw new Error('not loaded');
    };
    expect(new Scene({ ignore: { lookup } }).start(sampleSession())).toBeUndefined();
  });

  it('survives a listener whose promise is rejected', async () => {
    const warned = warningOf('webhook broke');
    const scene = new Scene({ refusals: 1, onBan: () => Promise.reject(new Error('webhook broke')) });
    await scene.report('192.0.2.1');
    expect((await warned).message).toBe('webhook broke');
    expect(scene.isBanned('192.0.2.1')).toBe(true);
  });

  it('makes one ban of what several sessions do at once', async () => {
    const scene = new Scene();
    const sessions = Array.from({ length: 20 }, () => sampleSession());
    for (const session of sessions) scene.start(session)?.report?.(reportOf(session, [rejection], 'rejected'));
    await settled();
    for (const session of sessions) scene.start(session)?.report?.(reportOf(session, [rejection], 'rejected'));
    await settled();
    expect(scene.events).toHaveLength(1);
    expect(scene.list.lookup('192.0.2.1')?.expiresAt).toBe(scene.clock.now() + 10 * MINUTE_MS);
  });

  it('counts and lists IPv6 clients by their /64', async () => {
    const scene = new Scene();
    for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8::ffff:3']) await scene.report(address);
    expect([...scene.list].map(({ prefix }) => prefix)).toEqual(['2001:db8::/64']);
  });

  it('goes on when the list fails, tells of it, and tries again at the next refusal', async () => {
    const error = new Error('disk full');
    let broken = true;
    const added: string[] = [];
    const list = {
      add: (prefix: string): void => {
        if (broken) throw error;
        added.push(prefix);
      },
      delete: () => false,
    };
    const scene = new Scene({ list });
    for (let count = 0; count < 3; count += 1) await scene.report('192.0.2.1');
    expect(scene.events).toMatchObject([{ outcome: 'failed', error }]);
    broken = false;
    await scene.report('192.0.2.1');
    expect(added).toEqual(['192.0.2.1']);
    expect(scene.events).toMatchObject([{ outcome: 'failed' }, { outcome: 'listed' }]);
  });

  it('takes a client whose bans the store cannot tell for a new one', async () => {
    const scene = new Scene({ refusals: 1 });
    const broken = new Proxy(scene.context.store, {
      get: () => () => Promise.reject(new Error('no Redis')),
    });
    const session = sampleSession();
    const check = autoBan({ list: scene.list, on: ['relay-acl'], refusals: 1 });
    check.start(session, { ...scene.context, store: broken })?.report?.(reportOf(session, [rejection], 'rejected'));
    await settled();
    expect(scene.list.lookup('192.0.2.1')?.evidence).toMatchObject({ ban: 1 });
  });

  it('publishes its bans, and survives a listener that throws', async () => {
    const heard: unknown[] = [];
    const listener = (event: unknown): unknown => heard.push(event);
    const warned = warningOf('listener broke');
    channel('postern.ip-list.ban').subscribe(listener);
    try {
      const onBan = (): never => {
        throw new Error('listener broke');
      };
      const scene = new Scene({ refusals: 1, onBan });
      await scene.report('192.0.2.1');
      expect(heard).toMatchObject([{ outcome: 'listed', prefix: '192.0.2.1' }]);
      expect((await warned).message).toBe('listener broke');
    } finally {
      channel('postern.ip-list.ban').unsubscribe(listener);
    }
  });

  it('warns of a ban that failed when nobody else listens', async () => {
    const warned = warningOf('disk full');
    const list = { add: () => Promise.reject(new Error('disk full')), delete: () => false };
    const scene = new Scene();
    const session = sampleSession();
    const check = autoBan({ list, on: ['relay-acl'], refusals: 1 });
    check.start(session, scene.context)?.report?.(reportOf(session, [rejection], 'rejected'));
    expect(await warned).toMatchObject({
      name: 'PosternWarning',
      message: 'auto-ban: the ban of 192.0.2.1 failed: disk full',
    });
  });

  it('warns once of a list that goes on failing, and lets only so many bans wait for one that hangs', async () => {
    const scene = new Scene();
    const warnings: string[] = [];
    const listener = ({ message }: Error): unknown => warnings.push(message);
    process.on('warning', listener);
    try {
      let added = 0;
      const list = {
        add: (): Promise<void> => {
          added += 1;
          return added > 2 ? new Promise(() => {}) : Promise.reject(new Error('no space left'));
        },
        delete: () => false,
      };
      const check = autoBan({ list, on: ['relay-acl'], refusals: 1, maxClients: 10 });
      for (let client = 1; client <= 50; client += 1) {
        const session = sampleSession(`192.0.2.${client}`);
        check.start(session, scene.context)?.report?.(reportOf(session, [rejection], 'rejected'));
        await settled();
      }
      expect(added).toBe(12);
      expect(warnings.filter((message) => message.includes('no space left'))).toHaveLength(1);
    } finally {
      process.off('warning', listener);
    }
  });

  it('never lists a trusted network, an authenticated user or an ignored one, and everyone else at the right time', async () => {
    const step = fc.record({
      address: fc.constantFrom('192.0.2.1', '192.0.2.2', '198.51.100.1', '127.0.0.1'),
      trusted: fc.boolean(),
      user: fc.constantFrom(undefined, undefined, 'ann'),
      outcome: fc.constantFrom<Outcome>('rejected', 'accepted', 'aborted'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const scene = new Scene({ refusals: 2, banMs: 10 * MINUTE_MS });
        const counts = new Map<string, number>();
        for (const { address, trusted, user, outcome } of steps) {
          await scene.report(sampleSession(address, { trusted, user }), [rejection], outcome);
          const counted = !trusted && user === undefined && outcome !== 'accepted' && address !== '127.0.0.1';
          if (counted) counts.set(address, (counts.get(address) ?? 0) + 1);
        }
        for (const address of ['192.0.2.1', '192.0.2.2', '198.51.100.1', '127.0.0.1']) {
          expect(scene.isBanned(address)).toBe((counts.get(address) ?? 0) >= 2);
        }
      }),
    );
  });

  it('refuses options that contradict each other', () => {
    expect(() => new Scene({ on: ['ip-list/blocked'] })).toThrow(
      /option "on" must be a list without "ip-list\/blocked"/,
    );
    expect(() => new Scene({ banMs: 10_000, maxBanMs: 9_999 })).toThrow(/option "maxBanMs" must be/);
    expect(() => new Scene({ banMs: 700_000_000 })).not.toThrow();
  });
});

/** The warning of the process that says so. */
function warningOf(text: string): Promise<Error> {
  return new Promise((resolve) => {
    process.on('warning', function listener(warning) {
      if (!warning.message.includes(text)) return;
      process.off('warning', listener);
      resolve(warning);
    });
  });
}

function withoutVerdict({ verdict: _, ...opinion }: ReportedOpinion): ReportedOpinion {
  return opinion;
}
