import { type Check, type Context, isOpinion, MemoryStore, type Opinion } from '@postern/core';
import { FakeClock, sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IpList } from './ip-list.ts';
import { ipList } from './ip-list-check.ts';

const signal = new AbortController().signal;

function contextOf(clock = new FakeClock()): Context {
  return { resolver: new ZoneResolver({}), store: new MemoryStore({ clock }), clock };
}

async function connect(check: Check, address = '192.0.2.7'): Promise<Opinion | undefined> {
  const opinion = await check.start(sampleSession(address), contextOf())?.connect?.(signal);
  expect(opinion === undefined || isOpinion(opinion)).toBe(true);
  return opinion;
}

const block = IpList.from([['192.0.2.0/24', { reason: 'sold our addresses', source: 'feed.txt' }]]);

describe('ipList', () => {
  it('is a local check of strangers, or of everyone', () => {
    expect(ipList(block)).toMatchObject({ name: 'ip-list', cost: 'local', appliesTo: 'strangers' });
    expect(ipList(block, { name: 'mine', appliesTo: 'everyone' })).toMatchObject({
      name: 'mine',
      appliesTo: 'everyone',
    });
  });

  it('refuses a listed client, says why in the finding, and keeps the reason out of the reply', async () => {
    expect(await connect(ipList(block))).toEqual({
      finding: {
        kind: 'ip-list/blocked',
        summary: 'A local list blocks 192.0.2.7, by 192.0.2.0/24: sold our addresses',
        client: '192.0.2.7',
        prefix: '192.0.2.0/24',
        action: 'block',
        reason: 'sold our addresses',
        source: 'feed.txt',
        expiresAt: undefined,
        evidence: undefined,
      },
      verdict: 'reject',
      reply: {
        code: 550,
        enhanced: '5.7.1',
        text: 'Your address 192.0.2.7 is on the local block list of this server. Its postmaster can tell you why, and take it off.',
      },
    });
  });

  it('says nothing of a client that is on no list, or has no IP address', async () => {
    expect(await connect(ipList(block), '198.51.100.1')).toBeUndefined();
    expect(await connect(ipList(block), 'unix')).toBeUndefined();
  });

  it('does what onListed says', async () => {
    expect(await connect(ipList(block, { onListed: 'defer' }))).toMatchObject({
      verdict: 'defer',
      reply: { code: 450, enhanced: '4.7.1' },
    });
    expect(await connect(ipList(block, { onListed: 'disconnect' }))).toMatchObject({
      verdict: 'defer',
      reply: { code: 421, enhanced: '4.7.0' },
    });
    const quarantined = await connect(ipList(block, { onListed: 'quarantine', score: 2 }));
    expect(quarantined).toMatchObject({ verdict: 'quarantine', score: 2 });
    const scored = await connect(ipList(block, { onListed: 'score', score: 3 }));
    expect(scored?.score).toBe(3);
    expect(scored?.verdict).toBeUndefined();
    expect(() => ipList(block, { onListed: 'score' })).toThrow(/option "score" must be/);
  });

  it('tells the reason when the text has a place for it, in one short line of ASCII', async () => {
    const reason = `böse\r\n250 ok {ip} $& ${'x'.repeat(1_000)}`;
    const check = ipList(IpList.from([['192.0.2.7', { reason }]]), { text: '{ip} ({prefix}): {reason}' });
    const opinion = await connect(check);
    const text = opinion?.verdict === 'reject' ? opinion.reply?.text : undefined;
    expect(text).toMatch(/^192\.0\.2\.7 \(192\.0\.2\.7\/32\): b\?se {2}250 ok \{ip\} \$& x+$/);
    expect(text?.length).toBeLessThanOrEqual(440);
  });

  it.each(['', 'no {such} place', 'open {ip', 'closed }'])('refuses the text %j', (text) => {
    expect(() => ipList(block, { text })).toThrow(/option "text" must be/);
  });

  it('takes an allow entry for a finding, and for trust only when told to', async () => {
    const allow = IpList.from([['192.0.2.7', { action: 'allow', reason: 'partner' }], ['192.0.2.0/24']]);
    const opinion = await connect(ipList(allow));
    expect(opinion?.finding).toMatchObject({ kind: 'ip-list/allowed', prefix: '192.0.2.7/32' });
    expect(opinion?.verdict ?? opinion?.trust).toBeUndefined();
    expect((await connect(ipList(allow, { trust: true })))?.trust).toBe(true);
    const blocked = await connect(ipList(allow, { trust: true }), '192.0.2.8');
    expect(blocked?.verdict).toBe('reject');
    expect(blocked?.trust).toBeUndefined();
  });

  it('trusts nobody because everybody is allowed', async () => {
    const everyone = IpList.from([['0.0.0.0/0', { action: 'allow' }]]);
    expect((await connect(ipList(everyone, { trust: true })))?.trust).toBeUndefined();
  });

  it('sees at MAIL what was listed since the client connected, and says it once', async () => {
    const bans = new IpList();
    const run = ipList([block, bans]).start(sampleSession('198.51.100.9'), contextOf());
    expect(await run?.connect?.(signal)).toBeUndefined();
    expect(await run?.mail?.(sampleTransaction(), signal)).toBeUndefined();
    bans.add('198.51.100.9');
    expect(await run?.mail?.(sampleTransaction(), signal)).toMatchObject({ verdict: 'reject' });

    const listed = ipList(block).start(sampleSession('192.0.2.7'), contextOf());
    expect(await listed?.connect?.(signal)).toMatchObject({ verdict: 'reject' });
    expect(await listed?.mail?.(sampleTransaction(), signal)).toBeUndefined();
  });

  it('ends a session that is refused something when it was listed meanwhile, if listings disconnect', async () => {
    const refused = { kind: 'command', reply: { code: 500, enhanced: '5.5.1', text: 'What?' } } as const;
    const bans = new IpList();
    const run = ipList(bans, { onListed: 'disconnect' }).start(sampleSession('198.51.100.9'), contextOf());
    expect(await run?.connect?.(signal)).toBeUndefined();
    expect(await run?.refusal?.(refused, signal)).toBeUndefined();
    bans.add('198.51.100.9');
    expect(await run?.refusal?.(refused, signal)).toMatchObject({ verdict: 'defer', reply: { code: 421 } });
    for (const onListed of ['reject', 'defer', 'quarantine'] as const) {
      expect(ipList(bans, { onListed }).start(sampleSession(), contextOf())?.refusal).toBeUndefined();
    }
  });

  it('takes several lists for one: the most specific entry decides, and of two that are alike the one that allows', async () => {
    const allow = (prefix: string): IpList => IpList.from([[prefix, { action: 'allow' }]]);
    const verdict = async (...lists: IpList[]): Promise<string | undefined> => (await connect(ipList(lists)))?.verdict;
    expect(await verdict(block, allow('192.0.2.7'))).toBeUndefined();
    expect(await verdict(allow('192.0.2.0/25'), block)).toBeUndefined();
    expect(await verdict(allow('192.0.0.0/16'), block)).toBe('reject');
    expect(await verdict(block, allow('192.0.2.0/24'))).toBeUndefined();
    expect(await verdict(allow('192.0.2.0/24'), block)).toBeUndefined();
  });

  it('decides of several lists as one list would that has all their entries', async () => {
    const entry = fc.record({
      list: fc.nat(2),
      length: fc.integer({ min: 20, max: 32 }),
      action: fc.constantFrom<'allow' | 'block'>('allow', 'block'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (entries) => {
        const lists = [new IpList(), new IpList(), new IpList()];
        const one = new IpList();
        const distinct = new Map(entries.map((each) => [each.length, each]));
        for (const { list, length, action } of distinct.values()) {
          lists[list]?.add(`192.0.2.7/${length}`, { action });
          one.add(`192.0.2.7/${length}`, { action });
        }
        expect((await connect(ipList(lists)))?.finding).toEqual((await connect(ipList(one)))?.finding);
      }),
    );
  });

  it.each([[undefined], [null], [[]], [{}], ['192.0.2.0/24'], [[block, undefined]]])(
    'refuses %j for a list',
    (lists) => {
      expect(() => Reflect.apply(ipList, undefined, [lists])).toThrow(/^ipList: the first argument must be an IpList/);
    },
  );
});
