import { type Context, isOpinion, type Opinion, type Store, systemClock } from '@postern/core';
import { sampleSession, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { type DnsblOptions, dnsbl } from './dnsbl-check.ts';

const LISTED = '9.9.8.7';
const CLEAN = '9.9.8.8';

function listServer(): ZoneResolver {
  return new ZoneResolver({
    '7.8.9.9.bl.example': { A: '127.0.0.2', TXT: 'Spam on Friday' },
    '7.8.9.9.allow.example': { A: '127.0.0.2' },
    '9.8.9.9.dqkey.dq.example': { A: '127.0.0.2', TXT: 'dqkey' },
    '8.8.9.9.broken.example': 'servfail',
    '7.8.9.9.broken.example': 'servfail',
    '1.0.0.127.bl.example': { A: '127.0.0.2' },
  });
}

/** This check keeps nothing. */
const noStore: Store = new Proxy<Store>(Object.create(null), {
  get: (_, name) => {
    throw new TypeError(`the store's ${String(name)} was used`);
  },
});

async function connect(address: string, options: DnsblOptions, resolver = listServer()): Promise<Opinion> {
  const context: Context = { resolver, store: noStore, clock: systemClock };
  const opinion = await dnsbl(options).start(sampleSession(address), context)?.connect?.(new AbortController().signal);
  if (!isOpinion(opinion)) throw new TypeError('the check had no opinion');
  return opinion;
}

describe('dnsbl', () => {
  it('asks the network, and about strangers only', () => {
    expect(dnsbl({ zones: ['bl.example'] })).toMatchObject({
      name: 'dnsbl',
      cost: 'network',
      appliesTo: 'strangers',
    });
    expect(dnsbl({ zones: ['bl.example'], name: 'dnsbl-second' }).name).toBe('dnsbl-second');
    // Its wait can be dispensed with: not a guard.
    expect(dnsbl({ zones: ['bl.example'] }).guards).toBeUndefined();
  });

  it('refuses a listed client and says where and why', async () => {
    expect(await connect(LISTED, { zones: ['bl.example', 'second.example'] })).toEqual({
      finding: {
        kind: 'dnsbl/listed',
        summary: '9.9.8.7 is listed by bl.example (listed).',
        client: LISTED,
        status: 'listed',
        reason: undefined,
        score: 1,
        allowed: false,
        zones: [
          expect.objectContaining({ zone: 'bl.example', status: 'listed', text: 'Spam on Friday' }),
          expect.objectContaining({ zone: 'second.example', status: 'clean' }),
        ],
      },
      score: 1,
      verdict: 'reject',
      reply: {
        code: 550,
        enhanced: '5.7.1',
        text: 'Client 9.9.8.7 is listed by bl.example (listed): Spam on Friday',
      },
    });
  });

  it('below the score it only counts', async () => {
    const opinion = await connect(LISTED, { zones: ['bl.example'], rejectAtScore: 2 });
    expect(opinion).toMatchObject({ finding: { kind: 'dnsbl/listed' }, score: 1 });
    expect(opinion.verdict).toBeUndefined();
    const never = await connect(LISTED, { zones: ['bl.example'], rejectAtScore: Number.POSITIVE_INFINITY });
    expect(never.verdict).toBeUndefined();
  });

  it('an allow list lifts a listing', async () => {
    const opinion = await connect(LISTED, { zones: ['bl.example', { name: 'allow.example', kind: 'allow' }] });
    expect(opinion).toEqual({ finding: expect.objectContaining({ kind: 'dnsbl/allowed', score: 1, allowed: true }) });
  });

  it('has a finding and no verdict about a clean client', async () => {
    const opinion = await connect(CLEAN, { zones: ['bl.example'], onUnknown: 'defer' });
    expect(opinion).toEqual({ finding: expect.objectContaining({ kind: 'dnsbl/clean', client: CLEAN }) });
  });

  it('lets unknown pass by default, and defers it when told to', async () => {
    const zones = ['bl.example', 'broken.example'];
    expect(await connect(CLEAN, { zones })).toEqual({
      finding: expect.objectContaining({
        kind: 'dnsbl/unknown',
        summary: 'Not known whether 9.9.8.8 is listed: broken.example (servfail).',
      }),
    });
    expect(await connect(CLEAN, { zones, onUnknown: 'defer' })).toMatchObject({
      finding: { kind: 'dnsbl/unknown' },
      verdict: 'defer',
      reply: { code: 451, enhanced: '4.3.0' },
    });
  });

  it('defers no unknown client that an allow list knows', async () => {
    const zones = ['broken.example', { name: 'allow.example', kind: 'allow' } as const];
    expect((await connect(LISTED, { zones, onUnknown: 'defer' })).verdict).toBeUndefined();
  });

  it('asks nobody about a private client and defers none, unless told to ask', async () => {
    const resolver = listServer();
    const zones = ['bl.example'];
    const opinion = await connect('127.0.0.1', { zones, onUnknown: 'defer' }, resolver);
    expect(opinion).toEqual({ finding: expect.objectContaining({ kind: 'dnsbl/skipped', reason: 'special-address' }) });
    expect(resolver.queries.count()).toBe(0);
    expect((await connect('127.0.0.1', { zones, askSpecial: true }, resolver)).verdict).toBe('reject');
  });

  it('defers no client whose family no list knows', async () => {
    const zones = [{ name: 'bl.example', ipv6: false }];
    expect(await connect('2a00::1', { zones, onUnknown: 'defer' })).toEqual({
      finding: expect.objectContaining({ kind: 'dnsbl/skipped', reason: 'not-asked' }),
    });
  });

  it('does not know a client without an address', async () => {
    const zones = ['bl.example'];
    const unknown = expect.objectContaining({ kind: 'dnsbl/unknown', reason: 'not-an-address' });
    expect(await connect('/run/socket', { zones })).toEqual({ finding: unknown });
    expect(await connect('/run/socket', { zones, onUnknown: 'defer' })).toMatchObject({ verdict: 'defer' });
  });

  it('shows a query key nowhere', async () => {
    const zones = [{ name: 'dq.example', key: 'dqkey' }];
    const opinion = await connect('9.9.8.9', { zones });
    expect(opinion.verdict).toBe('reject');
    expect(JSON.stringify(opinion)).not.toContain('dqkey');
    expect(JSON.stringify(dnsbl({ zones }))).not.toContain('dqkey');
  });

  it('gives its stage the signal', async () => {
    const resolver = listServer();
    resolver.hold('8.8.9.9.bl.example');
    const context: Context = { resolver, store: noStore, clock: systemClock };
    const controller = new AbortController();
    const answer = dnsbl({ zones: ['bl.example'] })
      .start(sampleSession(CLEAN), context)
      ?.connect?.(controller.signal);
    controller.abort();
    expect(await answer).toMatchObject({ finding: { kind: 'dnsbl/unknown', zones: [{ reasons: ['aborted'] }] } });
  });

  it('prefers its own resolver to the gateway’s', async () => {
    const gateway = listServer();
    expect((await connect(LISTED, { zones: ['bl.example'], resolver: new ZoneResolver() }, gateway)).verdict).toBe(
      undefined,
    );
    expect(gateway.queries.count()).toBe(0);
  });

  it.each<[object, string]>([
    [{}, 'dnsbl: option "zones"'],
    [{ zones: [] }, 'dnsbl: option "zones" must be a list of at least one zone'],
    [{ zones: ['bl.example', ''] }, 'dnsbl: zones[1]: option "name"'],
    [{ zones: ['bl.example'], rejectAtScore: 0 }, 'option "rejectAtScore"'],
    [{ zones: ['bl.example'], rejectAtScore: Number.NaN }, 'option "rejectAtScore"'],
    [{ zones: ['bl.example'], onUnknown: 'reject' }, 'option "onUnknown"'],
    [{ zones: ['bl.example'], name: '' }, 'option "name"'],
    [{ zones: ['bl.example'], timeoutMs: 1.5 }, 'option "timeoutMs"'],
    [{ zones: ['bl.example'], resolver: 'dns' }, 'option "resolver"'],
    [{ zones: ['bl.example'], treshold: 1 }, 'unknown option "treshold"'],
  ])('refuses wrong options: %#', (options, message) => {
    // @ts-expect-error as a program without types would
    expect(() => dnsbl(options)).toThrow(message);
  });
});
