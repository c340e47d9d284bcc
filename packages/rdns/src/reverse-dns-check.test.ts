import {
  type Context,
  isOpinion,
  MemoryStore,
  mailboxPath,
  type Opinion,
  type Session,
  systemClock,
} from '@postern/core';
import { sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { type ReverseDnsOptions, reverseDns } from './reverse-dns-check.ts';
import { rejectReply } from './rule-reply.ts';

const GOOD = '9.9.9.1';
const POOL = '9.9.9.2';
const BARE = '9.9.9.3';
const LYING = '9.9.9.4';
const BROKEN = '9.9.9.5';

function dns(): ZoneResolver {
  return new ZoneResolver({
    '1.9.9.9.in-addr.arpa': { PTR: 'mx.good.example' },
    'mx.good.example': { A: GOOD },
    'good.example': { MX: '10 mx.good.example' },
    '2.9.9.9.in-addr.arpa': { PTR: 'dyn-9-9-9-2.pool.isp.example' },
    'dyn-9-9-9-2.pool.isp.example': { A: POOL },
    '4.9.9.9.in-addr.arpa': { PTR: 'mail.bank.example' },
    'mail.bank.example': { A: '192.0.2.1' },
    '5.9.9.9.in-addr.arpa': 'servfail',
    'broken.example': 'servfail',
    'null.example': { MX: '0 .' },
    'text.example': { TXT: 'x' },
    'loop.example': { MX: '10 localhost.loop.example' },
    'localhost.loop.example': { A: '127.0.0.1' },
  });
}

interface Scene {
  connect(): Promise<Opinion>;
  helo(name: string): Promise<Opinion>;
  mail(address: string): Promise<Opinion | undefined>;
}

function scene(address: string, options: ReverseDnsOptions = {}, facts: Partial<Session> = {}): Scene {
  const context: Context = { resolver: dns(), store: new MemoryStore(), clock: systemClock };
  const run = reverseDns(options).start(sampleSession(address, facts), context);
  const { signal } = new AbortController();
  const sure = (opinion: unknown): Opinion => {
    if (!isOpinion(opinion)) throw new TypeError('the check had no opinion');
    return opinion;
  };
  return {
    connect: async () => sure(await run?.connect?.(signal)),
    helo: async (name) => sure(await run?.helo?.(name, signal)),
    mail: async (from) => {
      const opinion = await run?.mail?.(sampleTransaction({ reversePath: mailboxPath(from) }), signal);
      return opinion === undefined ? undefined : sure(opinion);
    },
  };
}

describe('reverseDns', () => {
  it('asks the network, and about strangers only', () => {
    expect(reverseDns()).toMatchObject({ name: 'reverse-dns', cost: 'network', appliesTo: 'strangers' });
    expect(reverseDns({ name: 'second' }).name).toBe('second');
  });

  it('has nothing against a host with a name of its own', async () => {
    const good = scene(GOOD);
    expect(await good.connect()).toEqual({
      finding: expect.objectContaining({
        kind: 'rdns/iprev-pass',
        summary: '9.9.9.1 has a name that leads back to it.',
        client: GOOD,
        confirmed: ['mx.good.example'],
        rules: [],
      }),
      authResults: [
        { method: 'iprev', result: 'pass', properties: [{ ptype: 'policy', property: 'iprev', value: GOOD }] },
      ],
    });
    expect(await good.helo('mx.good.example')).toEqual({
      finding: expect.objectContaining({ kind: 'rdns/helo-pass', equalsReverseName: true, rules: [] }),
    });
    expect(await good.mail('ann@good.example')).toEqual({
      finding: expect.objectContaining({ kind: 'rdns/sender-deliverable', rules: [] }),
    });
    expect(await good.mail('')).toBeUndefined();
  });

  it('refuses clients without a reverse name', async () => {
    expect(await scene(BARE).connect()).toMatchObject({
      finding: { kind: 'rdns/iprev-permerror', rules: [{ rule: 'noReverseName', verdict: 'reject' }] },
      verdict: 'reject',
      reply: { code: 550, enhanced: '5.7.25' },
      authResults: [{ method: 'iprev', result: 'permerror' }],
    });
  });

  it('scores names that lead elsewhere or look generic', async () => {
    const lying = await scene(LYING).connect();
    expect(lying).toMatchObject({ finding: { kind: 'rdns/iprev-fail', rules: [{ rule: 'notConfirmed' }] }, score: 1 });
    expect(lying.verdict).toBeUndefined();
    const pool = await scene(POOL).connect();
    expect(pool).toMatchObject({ finding: { kind: 'rdns/iprev-pass', rules: [{ rule: 'genericName' }] }, score: 1 });
    expect(pool.verdict).toBeUndefined();
  });

  it('holds what could not be looked up against nobody', async () => {
    const broken = scene(BROKEN);
    for (const opinion of [
      await broken.connect(),
      await broken.helo('broken.example'),
      await broken.mail('a@broken.example'),
    ]) {
      expect(opinion?.finding['rules']).toEqual([expect.objectContaining({ verdict: 'ignore', score: 0 })]);
      expect(opinion?.verdict).toBeUndefined();
      expect(opinion?.score).toBeUndefined();
    }
  });

  it.each([
    ['192.0.2.1', 'heloSyntax', '5.5.4'],
    ['[192.0.2.1]', 'heloLiteral', '5.7.1'],
    ['[198.51.100.25]', 'heloLiteral', '5.7.1'],
    ['mx.ours.example', 'heloOwnName', '5.7.1'],
    ['localhost', 'heloLocalhost', '5.7.1'],
  ])('refuses HELO %s by rule %s', async (helo, rule, enhanced) => {
    const opinion = await scene(GOOD, { ownNames: ['mx.ours.example'] }).helo(helo);
    expect(opinion).toMatchObject({ verdict: 'reject', reply: { code: 550, enhanced } });
    expect(opinion.finding['rules']).toContainEqual({ rule, verdict: 'reject', score: 0, dryRun: false });
  });

  it('refuses nobody because the HELO name does not lead to the client (RFC 5321 §4.1.4)', async () => {
    const good = scene(GOOD);
    await good.connect();
    const opinion = await good.helo('mail.bank.example');
    expect(opinion).toEqual({
      finding: expect.objectContaining({ faults: ['forward-mismatch'], equalsReverseName: false }),
    });
    expect(opinion.finding['rules']).toEqual([
      expect.objectContaining({ rule: 'heloMismatch' }),
      expect.objectContaining({ rule: 'heloNotReverseName' }),
    ]);
  });

  it.each([
    ['ann@null.example', 'senderNullMx', 550, '5.7.27'],
    ['ann@missing.example', 'senderNonexistent', 550, '5.1.8'],
    ['ann@text.example', 'senderNoMailHost', 550, '5.1.8'],
    ['ann@loop.example', 'senderUnusable', 550, '5.1.8'],
    ['ann@1.2.3.4', 'senderMalformed', 550, '5.1.8'],
  ])('refuses MAIL FROM:<%s> by rule %s', async (address, rule, code, enhanced) => {
    const opinion = await scene(GOOD).mail(address);
    expect(opinion).toMatchObject({ verdict: 'reject', reply: { code, enhanced } });
    expect(opinion?.finding['rules']).toEqual([expect.objectContaining({ rule })]);
  });

  it('does what the rules say', async () => {
    const rules = {
      noReverseName: 'ignore',
      notConfirmed: 'defer',
      genericName: { verdict: 'quarantine', score: 0.5 },
      senderUnknown: 'defer',
      heloSyntax: { verdict: 'ignore', score: 3 },
    } as const;
    expect((await scene(BARE, { rules }).connect()).verdict).toBeUndefined();
    expect(await scene(LYING, { rules }).connect()).toMatchObject({
      verdict: 'defer',
      reply: { code: 451, enhanced: '4.7.25' },
      score: 1,
    });
    expect(await scene(POOL, { rules }).connect()).toMatchObject({ verdict: 'quarantine', score: 0.5 });
    expect(await scene(GOOD, { rules }).mail('a@broken.example')).toMatchObject({
      verdict: 'defer',
      reply: { enhanced: '4.1.8' },
    });
    const syntax = await scene(GOOD, { rules }).helo('a b');
    expect(syntax).toMatchObject({ score: 3 });
    expect(syntax.verdict).toBeUndefined();
  });

  it('lets the strongest verdict decide, with the reply of its rule', async () => {
    const rules = { heloMismatch: 'defer', heloNotReverseName: 'reject' } as const;
    const good = scene(GOOD, { rules });
    await good.connect();
    expect(await good.helo('mail.bank.example')).toMatchObject({
      verdict: 'reject',
      reply: rejectReply('heloNotReverseName'),
    });
  });

  it('reports a rule on trial, and does not enforce it', async () => {
    const rules = { noReverseName: { verdict: 'reject', score: 5, dryRun: true } } as const;
    const opinion = await scene(BARE, { rules }).connect();
    expect(opinion.verdict).toBeUndefined();
    expect(opinion.score).toBeUndefined();
    expect(opinion.finding['rules']).toEqual([{ rule: 'noReverseName', verdict: 'reject', score: 5, dryRun: true }]);
  });

  it('keeps what a rule does by default, but for what is named', async () => {
    const scored = await scene(BARE, { rules: { noReverseName: { score: 3 } } }).connect();
    expect(scored).toMatchObject({ verdict: 'reject', score: 3 });
    const trial = await scene(BARE, { rules: { noReverseName: { dryRun: true } } }).connect();
    expect(trial.verdict).toBeUndefined();
    expect(trial.finding['rules']).toEqual([{ rule: 'noReverseName', verdict: 'reject', score: 0, dryRun: true }]);
    expect(await scene(LYING, { rules: { notConfirmed: { verdict: 'quarantine' } } }).connect()).toMatchObject({
      verdict: 'quarantine',
      score: 1,
    });
  });

  it('does not refuse senders whose mail comes to this server, and says so', async () => {
    const opinion = await scene(LYING, { ownAddresses: [GOOD] }).mail('ann@good.example');
    expect(opinion).toEqual({
      finding: expect.objectContaining({
        kind: 'rdns/sender-own-address',
        summary: 'The domain good.example has its mail come to this server.',
        rules: [{ rule: 'senderOwnAddress', verdict: 'ignore', score: 0, dryRun: false }],
      }),
    });
    const rules = { senderOwnAddress: 'reject' } as const;
    expect(await scene(LYING, { ownAddresses: [GOOD], rules }).mail('ann@good.example')).toMatchObject({
      verdict: 'reject',
      reply: { code: 550, enhanced: '5.1.8' },
    });
  });

  it.each(['192.0.2.25', '::ffff:192.0.2.25'])(
    'knows %s, where the client connected to, for its own',
    async (local) => {
      const there = scene(GOOD, {}, { local: { address: local, port: 25 } });
      const opinion = await there.helo('[192.0.2.25]');
      expect(opinion.finding['faults']).toEqual(['literal-mismatch', 'own-address']);
      expect((await there.mail('ann@[192.0.2.25]'))?.finding.kind).toBe('rdns/sender-own-address');
    },
  );

  it('takes a sender without a domain for malformed', async () => {
    expect(await scene(GOOD).mail('ann')).toMatchObject({
      finding: { kind: 'rdns/sender-malformed' },
      verdict: 'reject',
    });
  });

  it('has no opinion on a client without an address', async () => {
    const context: Context = { resolver: dns(), store: new MemoryStore(), clock: systemClock };
    const run = reverseDns().start(sampleSession('unix'), context);
    expect(await run?.connect?.(new AbortController().signal)).toBeUndefined();
  });

  it('asks its own resolver when it has one', async () => {
    const own = new ZoneResolver({});
    await scene(GOOD, { resolver: own }).connect();
    expect([...own.queries]).toHaveLength(1);
  });

  it('quotes no more of HELO than a name can have', async () => {
    const { finding } = await scene(GOOD).helo('x'.repeat(100_000));
    expect(JSON.stringify(finding).length).toBeLessThan(1_000);
  });

  it.each([
    [{ rules: [] }, TypeError, /"rules"/],
    [{ rules: { noPtr: 'reject' } }, TypeError, /no rule "noPtr"; it has noReverseName/],
    [{ rules: { noReverseName: 'drop' } }, TypeError, /rule "noReverseName"/],
    [{ rules: { noReverseName: { verdict: 'drop' } } }, TypeError, /"verdict"/],
    [{ rules: { noReverseName: { action: 'reject' } } }, TypeError, /no "action"/],
    [{ rules: { noReverseName: { score: Number.NaN } } }, RangeError, /"score"/],
    [{ rules: { noReverseName: { score: 1e308 } } }, RangeError, /"score"/],
    [{ rules: { noReverseName: { score: '1' } } }, TypeError, /"score"/],
    [{ rules: { noReverseName: { dryRun: 1 } } }, TypeError, /"dryRun"/],
    [{ rules: { __proto__: null, toString: 'reject' } }, TypeError, /no rule "toString"/],
    [{ name: '' }, TypeError, /"name"/],
    [{ resolver: {} }, TypeError, /"resolver"/],
    [{ timeoutMs: 0 }, RangeError, /"timeoutMs"/],
    [{ maxNames: 101 }, RangeError, /"maxNames"/],
    [{ zones: [] }, TypeError, /unknown option "zones"/],
  ])('refuses wrong options %#', (options, error, message) => {
    // @ts-expect-error what JavaScript can pass
    const make = (): unknown => reverseDns(options);
    expect(make).toThrow(error);
    expect(make).toThrow(message);
  });
});
