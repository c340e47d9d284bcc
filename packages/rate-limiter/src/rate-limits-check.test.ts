import {
  type CheckRun,
  type Context,
  MemoryStore,
  type Opinion,
  type Report,
  type Session,
  type Store,
} from '@postern/core';
import { FakeClock, sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import type { RateLimitOptions } from './rate-limit.ts';
import { type RateLimitsCheck, type RateLimitsOptions, rateLimits } from './rate-limits-check.ts';
import { delegatingStore } from './test-store.ts';

const signal = new AbortController().signal;
const MINUTE_MS = 60_000;

function perClient(count: number): readonly RateLimitOptions[] {
  return [{ name: 'client', per: 'client', count, perMs: MINUTE_MS }];
}

/** A gateway's part of it: sessions of one check that share a context. */
class Scene {
  readonly clock = new FakeClock();
  readonly check: RateLimitsCheck;
  readonly #context: Context;
  #transactions = 0;

  constructor(options: RateLimitsOptions = {}, store: Store = new MemoryStore({ clock: new FakeClock() })) {
    this.check = rateLimits(options);
    this.#context = { resolver: new ZoneResolver({}), store, clock: this.clock };
  }

  open(address = '192.0.2.1', facts: Partial<Session> = {}): { run: CheckRun; session: Session } {
    const session = sampleSession(address, facts);
    const run = this.check.start(session, this.#context);
    if (run === undefined) throw new Error('unreachable');
    return { run, session };
  }

  async connected(address?: string, facts?: Partial<Session>): Promise<CheckRun> {
    const { run } = this.open(address, facts);
    expect(await run.connect?.(signal)).toBeUndefined();
    return run;
  }

  async refusedAtConnect(address?: string, facts?: Partial<Session>): Promise<Opinion> {
    const { run } = this.open(address, facts);
    const opinion = await run.connect?.(signal);
    run.close?.();
    if (opinion === undefined) throw new Error('not refused');
    return opinion;
  }

  /** A transaction up to its report. Returns what was said at MAIL, at each RCPT and at the end. */
  async send(
    run: CheckRun,
    {
      recipients = 1,
      size,
      bytes = 100,
      outcome = 'accepted',
      ends = true,
    }: { recipients?: number; size?: number; bytes?: number; outcome?: Report['outcome']; ends?: boolean } = {},
  ): Promise<(Opinion | undefined)[]> {
    this.#transactions += 1;
    const parameters: Record<string, string> = size === undefined ? {} : { SIZE: String(size) };
    const reversePath = { address: 'ann@client.example', localPart: 'ann', domain: 'client.example', parameters };
    const transaction = sampleTransaction({ id: `t${this.#transactions}`, reversePath });
    const said: (Opinion | undefined)[] = [await run.mail?.(transaction, signal)];
    for (let index = 0; index < recipients; index += 1) {
      const address = `bob${index}@example.org`;
      const path = { address, localPart: `bob${index}`, domain: 'example.org', parameters: {} };
      said.push(await run.recipient?.(transaction, path, signal));
    }
    const sink = run.message?.(transaction);
    sink?.header({
      byteLength: bytes - 2,
      fields: [],
      raw: new Uint8Array(0),
      first: () => undefined,
      all: () => [],
      [Symbol.iterator]: () => [].values(),
    });
    if (ends) said.push(await sink?.end());
    else sink?.abort();
    run.report?.({
      version: 1,
      kind: 'transaction',
      id: transaction.id,
      session: { id: 's1', service: 'mx', client: { address: '', port: 0 }, trusted: false, startedAt: 0 },
      startedAt: 0,
      durationMs: 0,
      recipients: [],
      opinions: [],
      score: 0,
      outcome,
      message: { bytes },
    });
    return said;
  }
}

const NO_SUCH_USER = { kind: 'recipient', reply: { code: 550, enhanced: '5.1.1', text: 'No such user' } } as const;
const BAD_COMMAND = { kind: 'command', reply: { code: 500, enhanced: '', text: 'What?' } } as const;

describe('rateLimits', () => {
  it('is a local check for everyone, with a name of its own', () => {
    expect(rateLimits()).toMatchObject({ name: 'rate-limits', cost: 'local' });
    expect(rateLimits({ name: 'inner' }).name).toBe('inner');
  });

  it('limits connections at once, and lets go of them when they close, once', async () => {
    const scene = new Scene({ connections: { total: 10, perClient: 2 } });
    const first = await scene.connected();
    await scene.connected();
    expect(await scene.refusedAtConnect()).toEqual({
      finding: {
        kind: 'rate-limiter/connections',
        summary: 'No further connection at once: the limit client is reached.',
        limit: 'client',
        retryAfterMs: 30_000,
      },
      verdict: 'defer',
      reply: {
        code: 421,
        enhanced: '4.7.0',
        text: 'Too many connections at once from your network, please try again in 30 seconds',
      },
    });
    first.close?.();
    first.close?.();
    await scene.connected();
    expect(await scene.refusedAtConnect()).toMatchObject({ reply: { code: 421 } });
  });

  it('keeps places for trusted clients', async () => {
    const scene = new Scene({ connections: { total: 3, reserved: 1 } });
    await scene.connected('192.0.2.1');
    await scene.connected('192.0.2.2');
    expect(await scene.refusedAtConnect('192.0.2.3')).toMatchObject({ finding: { limit: 'strangers' } });
    await scene.connected('10.0.0.1', { trusted: true });
  });

  it('reserves a fiftieth for trusted clients when nothing is said', async () => {
    const scene = new Scene({ connections: { total: 50, perClient: 50 } });
    for (let count = 0; count < 49; count += 1) await scene.connected();
    expect(await scene.refusedAtConnect()).toMatchObject({ finding: { limit: 'strangers' } });
    await scene.connected('10.0.0.1', { trusted: true });
  });

  it('gives back a connection that was granted after the client had left', async () => {
    const inner = new MemoryStore();
    let answer: () => void = () => {};
    const store: Store = {
      charge: (charges) => inner.charge(charges),
      refund: (charges) => inner.refund(charges),
      reset: (keys) => inner.reset(keys),
      acquire: (slots, leaseMs) =>
        new Promise((resolve) => {
          answer = () => resolve(inner.acquire(slots, leaseMs));
        }),
      renew: (lease, leaseMs) => inner.renew(lease, leaseMs),
      release: (lease) => inner.release(lease),
      remember: (key, value, ttlMs) => inner.remember(key, value, ttlMs),
      recall: (keys) => inner.recall(keys),
      forget: (key) => inner.forget(key),
      publish: (topic, payload) => inner.publish(topic, payload),
      subscribe: (topic, listener) => inner.subscribe(topic, listener),
    };
    const scene = new Scene({}, store);
    const { run } = scene.open();
    const connecting = run.connect?.(signal);
    run.close?.();
    answer();
    await connecting;
    expect(scene.check.stats()?.connections).toMatchObject({ held: 0, granted: 1 });
  });

  it('limits connections over time', async () => {
    const scene = new Scene({ connectionRate: perClient(2) });
    for (let count = 0; count < 2; count += 1) (await scene.connected()).close?.();
    expect(await scene.refusedAtConnect()).toMatchObject({
      finding: { kind: 'rate-limiter/limited', budget: 'connectionRate', limit: 'client', retryAfterMs: 30_000 },
      reply: { code: 421, enhanced: '4.7.0', text: 'You connect too often, please try again in 30 seconds' },
    });
    await scene.connected('198.51.100.1');
    await scene.connected('192.0.2.1', { trusted: true });
    scene.clock.advance(30_000);
    await scene.connected();
  });

  it('limits messages, and says so with 450', async () => {
    const scene = new Scene({ messages: perClient(2) });
    const run = await scene.connected();
    expect(await scene.send(run)).toEqual([undefined, undefined, undefined]);
    await scene.send(run);
    const [mail, recipient] = await scene.send(run);
    expect(mail).toMatchObject({
      finding: { kind: 'rate-limiter/limited', budget: 'messages' },
      verdict: 'defer',
      reply: { code: 450, enhanced: '4.7.1' },
    });
    // Also for a postmaster, whom a refusal at MAIL does not concern.
    expect(recipient).toEqual(mail);
  });

  it('limits recipients, and says so with 452', async () => {
    const scene = new Scene({ recipients: perClient(3) });
    const run = await scene.connected();
    const said = await scene.send(run, { recipients: 4 });
    expect(said.slice(0, 4)).toEqual([undefined, undefined, undefined, undefined]);
    expect(said[4]).toMatchObject({ verdict: 'defer', reply: { code: 452, enhanced: '4.5.3' } });
  });

  it('limits bytes, by what is announced at MAIL', async () => {
    const scene = new Scene({ bytes: perClient(10_000) });
    const run = await scene.connected();
    await scene.send(run, { size: 8_000, bytes: 8_000 });
    expect((await scene.send(run, { size: 3_000, bytes: 0, outcome: 'rejected' }))[0]).toMatchObject({
      finding: { budget: 'bytes' },
      reply: { code: 450, enhanced: '4.7.1' },
    });
    expect((await scene.send(run, { size: 2_000, bytes: 2_000 }))[0]).toBeUndefined();
    // Nothing is left: whoever announces nothing need not begin.
    expect((await scene.send(run))[0]).toMatchObject({ reply: { code: 450 } });
  });

  it('limits bytes, by what came', async () => {
    const scene = new Scene({ bytes: perClient(10_000) });
    const run = await scene.connected();
    expect((await scene.send(run, { bytes: 9_000 })).at(-1)).toBeUndefined();
    expect((await scene.send(run, { size: 10, bytes: 2_000, outcome: 'deferred' })).at(-1)).toMatchObject({
      finding: { budget: 'bytes' },
      reply: { code: 450, enhanced: '4.7.1' },
    });
    // What came in vain has been counted: a flood without SIZE ends here.
    expect((await scene.send(run, { size: 900 }))[0]).toMatchObject({ reply: { code: 450 } });
  });

  it.each(['aborted', 'rejected', 'deferred'] as const)('counts what came of a message that is %s', async (outcome) => {
    const scene = new Scene({ bytes: perClient(10_000) });
    const run = await scene.connected();
    // No sink sees what comes after a bare LF, or of a header without an end: the report does.
    expect((await scene.send(run, { bytes: 20_000, outcome, ends: false })).at(-1)).toBeUndefined();
    expect((await scene.send(run))[0]).toMatchObject({ reply: { code: 450 } });
  });

  it('refuses for good what can never fit', async () => {
    const scene = new Scene({ bytes: perClient(10_000) });
    const run = await scene.connected();
    expect((await scene.send(run, { size: 10_001 }))[0]).toEqual({
      finding: expect.not.objectContaining({ retryAfterMs: expect.anything() }),
      verdict: 'reject',
      reply: { code: 552, enhanced: '5.3.4', text: 'The message is larger than you may ever send here' },
    });
    expect((await scene.send(run, { bytes: 10_001 })).at(-1)).toMatchObject({
      verdict: 'reject',
      reply: { code: 552 },
    });
  });

  it('gives back what was announced and did not come', async () => {
    const scene = new Scene({ bytes: perClient(10_000) });
    const run = await scene.connected();
    for (let count = 0; count < 5; count += 1) {
      const [mail] = await scene.send(run, { size: 9_000, bytes: 10, outcome: 'rejected' });
      expect(mail).toBeUndefined();
    }
  });

  it.each(['NaN', '-5', '1e400', '9'.repeat(400)])('takes SIZE=%s for none', async (size) => {
    const scene = new Scene({ bytes: perClient(10_000) });
    const run = await scene.connected();
    const reversePath = { address: '', localPart: '', domain: '', parameters: { SIZE: size } };
    expect(await run.mail?.(sampleTransaction({ reversePath }), signal)).toBeUndefined();
  });

  it('makes a user who is deferred and comes again pay once, and for what is rejected each time', async () => {
    const scene = new Scene({
      messages: perClient(2),
      recipients: [...perClient(4), { name: 'recipient', per: 'recipient', count: 1, perMs: MINUTE_MS }],
      bytes: perClient(1_000),
    });
    const run = await scene.connected('192.0.2.1', { user: 'ann' });
    for (let count = 0; count < 10; count += 1) {
      const said = await scene.send(run, { recipients: 2, size: 400, bytes: 400, outcome: 'deferred' });
      expect(said).toEqual([undefined, undefined, undefined, undefined]);
    }
    await scene.send(run, { recipients: 2, outcome: 'rejected' });
    await scene.send(run, { recipients: 2, outcome: 'aborted' });
    expect((await scene.send(run))[0]).toMatchObject({ reply: { code: 450 } });
  });

  it('makes a stranger pay each time, who can see to it that he is deferred', async () => {
    const scene = new Scene({ messages: perClient(3), recipients: perClient(5), bytes: perClient(1_000) });
    const run = await scene.connected();
    for (let count = 0; count < 2; count += 1) {
      const said = await scene.send(run, { recipients: 2, size: 400, bytes: 400, outcome: 'deferred' });
      expect(said).toEqual([undefined, undefined, undefined, undefined]);
    }
    expect(await scene.send(run, { recipients: 2, bytes: 400, outcome: 'deferred' })).toMatchObject([
      undefined,
      undefined,
      { finding: { budget: 'recipients' } },
      { finding: { budget: 'bytes' } },
    ]);
    expect((await scene.send(run))[0]).toMatchObject({ finding: { budget: 'messages' } });
  });

  it('takes no message for one that its size did not let begin', async () => {
    const scene = new Scene({ messages: perClient(2), bytes: perClient(1_000) });
    const run = await scene.connected();
    await scene.send(run, { size: 900, bytes: 900 });
    for (let count = 0; count < 5; count += 1) {
      const [mail] = await scene.send(run, { size: 900, bytes: 0, outcome: 'deferred' });
      expect(mail).toMatchObject({ finding: { budget: 'bytes' } });
    }
    expect((await scene.send(run, { size: 50, bytes: 50 }))[0]).toBeUndefined();
  });

  it.each<[string, Partial<Session>, number]>([
    ['a user once', { user: 'ann' }, 10],
    ['a stranger each time', {}, 2],
  ])('charges %s for a recipient that is deferred and named again', async (_who, facts, passing) => {
    const scene = new Scene({ recipients: perClient(2) });
    const run = await scene.connected('192.0.2.1', facts);
    const transaction = sampleTransaction();
    await run.mail?.(transaction, signal);
    const path = { address: 'bob@example.org', localPart: 'bob', domain: 'example.org', parameters: {} };
    const later = { kind: 'recipient', reply: { code: 451, enhanced: '4.3.0', text: 'Later' } } as const;
    let passed = 0;
    for (let count = 0; count < 10; count += 1) {
      if ((await run.recipient?.(transaction, path, signal)) === undefined) passed += 1;
      expect(await run.refusal?.(later, signal)).toBeUndefined();
      expect(await run.refusal?.(later, signal)).toBeUndefined();
    }
    expect(passed).toBe(passing);
  });

  it.each([
    ['failedCommands', BAD_COMMAND],
    ['failedRecipients', NO_SUCH_USER],
  ] as const)('ends a session of too many %s, and the next at its beginning', async (budget, refused) => {
    const scene = new Scene({ [budget]: perClient(3) });
    const run = await scene.connected();
    for (let count = 0; count < 3; count += 1) expect(await run.refusal?.(refused, signal)).toBeUndefined();
    expect(await run.refusal?.(refused, signal)).toMatchObject({
      finding: { kind: 'rate-limiter/limited', budget },
      verdict: 'defer',
      reply: { code: 421, enhanced: '4.7.0' },
    });
    expect(await scene.refusedAtConnect()).toMatchObject({ finding: { budget }, reply: { code: 421 } });
    await scene.connected('198.51.100.1');
    scene.clock.advance(20_000);
    await scene.connected();
  });

  it('takes a refused login for neither', async () => {
    const scene = new Scene({ failedCommands: perClient(1), failedRecipients: perClient(1) });
    const run = await scene.connected();
    const finding = { kind: 'smtp-auth/failed', summary: 'Wrong password.' } as const;
    const reply = { code: 535, enhanced: '5.7.8', text: 'Wrong password.' };
    for (let count = 0; count < 5; count += 1) {
      expect(await run.refusal?.({ kind: 'login', reply, finding }, signal)).toBeUndefined();
    }
  });

  it('counts users and sender domains where limits say so', async () => {
    const scene = new Scene({
      messages: [
        { name: 'user', per: 'user', count: 1, perMs: MINUTE_MS },
        { name: 'domain', per: 'senderDomain', count: 3, perMs: MINUTE_MS },
      ],
    });
    const ann = await scene.connected('192.0.2.1', { user: 'ann' });
    expect((await scene.send(ann))[0]).toBeUndefined();
    expect((await scene.send(ann))[0]).toMatchObject({ finding: { limit: 'user' } });
    const anyone = await scene.connected('192.0.2.2');
    await scene.send(anyone);
    await scene.send(anyone);
    expect((await scene.send(anyone))[0]).toMatchObject({ finding: { limit: 'domain' } });
  });

  it('has no budget where the list is empty', async () => {
    const scene = new Scene({
      connectionRate: [],
      messages: [],
      recipients: [],
      bytes: [],
      failedCommands: [],
      failedRecipients: [],
    });
    const run = await scene.connected();
    for (let count = 0; count < 200; count += 1) {
      expect(await scene.send(run)).toEqual([undefined, undefined, undefined]);
      expect(await run.refusal?.(BAD_COMMAND, signal)).toBeUndefined();
    }
  });

  it('holds back who fails, longer from time to time, and no more clients than it may', async () => {
    const scene = new Scene({
      penalty: { afterFailures: 1, delayMs: 1_000, maxDelayMs: 2_500, maxHeld: 1 },
      failedRecipients: [],
    });
    const run = await scene.connected();
    const delays: (number | undefined)[] = [];
    for (let count = 0; count < 5; count += 1) {
      const opinion = await run.refusal?.(NO_SUCH_USER, signal);
      delays.push(opinion?.delayMs);
      expect(opinion?.verdict).toBeUndefined();
    }
    expect(delays).toEqual([undefined, 1_000, 2_000, 2_500, 2_500]);
    const other = await scene.connected('198.51.100.1');
    await other.refusal?.(NO_SUCH_USER, signal);
    expect(await other.refusal?.(NO_SUCH_USER, signal)).toBeUndefined();
    run.close?.();
    expect(await other.refusal?.(NO_SUCH_USER, signal)).toMatchObject({ delayMs: 2_000 });
    const owner = await scene.connected('10.0.0.1', { trusted: true });
    for (let count = 0; count < 5; count += 1) expect(await owner.refusal?.(NO_SUCH_USER, signal)).toBeUndefined();
  });

  it('refuses strangers under load before clients it knows', async () => {
    let load = 0;
    const scene = new Scene({ overload: { load: () => load, enterAt: 10, leaveAt: 5 } });
    const known = await scene.connected('2001:db8::1');
    await scene.send(known);
    const stranger = await scene.connected('192.0.2.1');
    await scene.send(stranger, { outcome: 'rejected' });
    await scene.send(stranger, { outcome: 'quarantined' });
    load = 10;
    scene.clock.advance(1_000);
    expect(await scene.refusedAtConnect('192.0.2.1')).toMatchObject({
      finding: { kind: 'rate-limiter/overloaded' },
      reply: { code: 421, enhanced: '4.3.2' },
    });
    await scene.connected('2001:db8::2');
    await scene.connected('192.0.2.1', { trusted: true });
    expect(await scene.refusedAtConnect('/run/socket')).toMatchObject({ reply: { code: 421 } });
    load = 4;
    scene.clock.advance(1_000);
    await scene.connected('192.0.2.1');
  });

  it('counts over several machines, apart from checks of other names', async () => {
    const clock = new FakeClock();
    const store = delegatingStore(new MemoryStore({ clock }));
    const options: RateLimitsOptions = { messages: perClient(2), connections: { total: 100, perClient: 1 } };
    const [here, there] = [new Scene(options, store), new Scene(options, store)];
    const run = await here.connected();
    expect(await there.refusedAtConnect()).toMatchObject({ finding: { kind: 'rate-limiter/connections' } });
    await here.send(run);
    run.close?.();
    const elsewhere = await there.connected();
    await there.send(elsewhere);
    expect((await there.send(elsewhere))[0]).toMatchObject({ reply: { code: 450 } });
    const inner = new Scene({ ...options, name: 'inner' }, store);
    expect((await inner.send(await inner.connected()))[0]).toBeUndefined();
  });

  it('serves one gateway, or several that share a store', () => {
    const check = rateLimits();
    const context = (): Context => ({
      resolver: new ZoneResolver({}),
      store: new MemoryStore(),
      clock: new FakeClock(),
    });
    expect(check.stats()).toBeUndefined();
    const home = context();
    check.start(sampleSession(), home);
    check.start(sampleSession(), { ...context(), store: home.store });
    expect(() => check.start(sampleSession(), context())).toThrow(TypeError);
    const shared = rateLimits({ store: new MemoryStore() });
    shared.start(sampleSession(), context());
    shared.start(sampleSession(), context());
    expect(shared.stats()).toMatchObject({
      connections: { held: 0 },
      budgets: { messages: [{ name: 'client', allowed: 0 }], bytes: [{ name: 'client' }] },
    });
  });

  it.each<[object, string]>([
    [{ name: '' }, 'option "name"'],
    [{ name: 'a:b' }, 'option "name"'],
    [{ connections: 5 }, 'option "connections"'],
    [{ connections: { total: 0 } }, 'rateLimits: option "connections": ConcurrencyLimiter: option "total"'],
    [{ messages: 5 }, 'option "messages"'],
    [
      { bytes: [{ name: 'x', per: 'client', count: 0, perMs: 1 }] },
      'option "bytes": RateLimiter: limits[0]: option "count"',
    ],
    [{ bytes: [7] }, 'option "bytes"'],
    [{ recipients: [{ name: 'x', per: 'clent', count: 1, perMs: 1 }] }, 'option "recipients" must be limits by client'],
    [{ penalty: { delayMs: 0 } }, 'rateLimits penalty: option "delayMs"'],
    [{ overload: { enterAt: 0 } }, 'option "overload": LoadGauge: option "enterAt"'],
    [{ overload: true }, 'option "overload"'],
    [{ store: {} }, 'option "store"'],
    [{ clock: 1 }, 'option "clock"'],
    [{ message: [] }, 'unknown option "message"'],
  ])('refuses wrong options: %o', (options, message) => {
    expect(() => rateLimits(options)).toThrow(message);
  });
});
