import {
  type Check,
  type CheckRun,
  type Context,
  HeaderParser,
  isOpinion,
  MemoryStore,
  mailboxPath,
  type Opinion,
} from '@postern/core';
import { FakeClock, sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { DomainList } from './domain-list.ts';
import { domainList } from './domain-list-check.ts';

const signal = new AbortController().signal;
const resolver = new ZoneResolver({});
const clock = new FakeClock();
const context: Context = { resolver, store: new MemoryStore({ clock }), clock };

const list = DomainList.from([
  ['registrable:spam.example', { reason: 'sells lists' }],
  ['news.spam.example', { action: 'allow', reason: 'asked for' }],
]);

function run(check: Check): CheckRun {
  const started = check.start(sampleSession(), context);
  if (started === undefined) throw new TypeError('the check has nothing to ask');
  return started;
}

async function mail(check: Check, address: string): Promise<Opinion | undefined> {
  return await run(check).mail?.(sampleTransaction({ reversePath: mailboxPath(address) }), signal);
}

async function message(check: Check, ...lines: readonly string[]): Promise<Opinion | undefined> {
  const sink = run(check).message?.(sampleTransaction());
  const parsed = new HeaderParser().write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  if (sink === undefined || parsed.kind !== 'complete') throw new TypeError('there is no sink, or no header');
  sink.header(parsed.header);
  await sink.write(Buffer.from('Body'));
  const opinion = await sink.end();
  expect(opinion === undefined || isOpinion(opinion)).toBe(true);
  return opinion;
}

describe('domainList', () => {
  it('is a local check of strangers', () => {
    expect(domainList(list)).toMatchObject({ name: 'domain-list', cost: 'local', appliesTo: 'strangers' });
    expect(domainList(list, { name: 'mine', appliesTo: 'everyone' })).toMatchObject({ appliesTo: 'everyone' });
  });

  it('refuses a listed domain and says where it stood', async () => {
    expect(await mail(domainList(list), 'ann@Mail.SPAM.example')).toEqual({
      finding: {
        kind: 'ip-list/domain-blocked',
        summary: 'A local list blocks mail.spam.example (MAIL FROM), by registrable:spam.example: sells lists',
        place: 'mail-from',
        domain: 'mail.spam.example',
        pattern: 'registrable:spam.example',
        action: 'block',
        reason: 'sells lists',
        source: '',
        expiresAt: undefined,
        evidence: undefined,
      },
      verdict: 'reject',
      reply: {
        code: 550,
        enhanced: '5.7.1',
        text: 'The domain mail.spam.example (MAIL FROM) is on the local block list of this server. Its postmaster can tell you why, and take it off.',
      },
    });
  });

  it('looks at the HELO name', async () => {
    const { helo } = run(domainList(list));
    expect(await helo?.('mx.spam.example.', signal)).toMatchObject({ verdict: 'reject', finding: { place: 'helo' } });
    expect(await helo?.('mx.example.com', signal)).toBeUndefined();
    expect(await helo?.('[192.0.2.1]', signal)).toBeUndefined();
    expect(await helo?.('\0'.repeat(10_000), signal)).toBeUndefined();
  });

  it('has nothing to say of the null reverse-path and of address literals', async () => {
    expect(await mail(domainList(list), '')).toBeUndefined();
    expect(await mail(domainList(list), 'ann@[192.0.2.1]')).toBeUndefined();
  });

  it('takes what is allowed for a finding', async () => {
    const opinion = await mail(domainList(list), 'ann@news.spam.example');
    expect(opinion?.finding).toMatchObject({ kind: 'ip-list/domain-allowed', reason: 'asked for' });
    expect(opinion?.verdict).toBeUndefined();
  });

  it.each([
    [['From: Ann <ann@spam.example>']],
    [['From: ann@example.com, bob@spam.example']],
    [['From: ann@example.com', 'From: bob@spam.example']],
    [['From: ann@news.spam.example', 'From: bob@spam.example']],
    [['From: "Ann <ann@example.com>" <ann@spam.example>']],
    [['From: Ann', ' <ann@', ' spam.example>']],
    [['from: ann@SPAM.example.']],
  ])('refuses the message with %j', async (lines) => {
    expect(await message(domainList(list), ...lines)).toMatchObject({
      verdict: 'reject',
      finding: { kind: 'ip-list/domain-blocked', place: 'from', domain: 'spam.example' },
    });
  });

  it.each([
    [['From: Ann <ann@example.com>']],
    [['From: "ann@spam.example" <ann@example.com>']],
    [['From: ann@example.com (was ann@spam.example)']],
    [['Subject: no author']],
    [['To: bob@spam.example', 'From: ann@example.com']],
  ])('has nothing to say of the message with %j', async (lines) => {
    expect(await message(domainList(list), ...lines)).toBeUndefined();
  });

  it('looks at so many authors, and of several fields at the first of each', async () => {
    const many = (count: number): string => `From: ${'<ann@example.com>, '.repeat(count)}bob@spam.example`;
    expect(await message(domainList(list), many(999))).toMatchObject({ verdict: 'reject' });
    expect(await message(domainList(list), many(10_000))).toBeUndefined();
    expect(await message(domainList(list), many(10_000), 'From: bob@spam.example')).toMatchObject({
      verdict: 'reject',
    });
    const fields = Array.from({ length: 900 }, () => 'From: ann@example.com');
    expect(await message(domainList(list), ...fields, 'From: bob@spam.example')).toMatchObject({ verdict: 'reject' });
  });

  it('looks only where it is told to', () => {
    const stages = (options: object): readonly string[] => Object.keys(run(domainList(list, options)));
    expect(stages({})).toEqual(['helo', 'mail', 'message']);
    expect(stages({ places: ['from'] })).toEqual(['message']);
    expect(stages({ places: ['helo', 'mail-from'] })).toEqual(['helo', 'mail']);
    expect(() => domainList(list, { places: [] })).toThrow(/option "places" must be/);
    const reverseNames = (): { status: string; confirmed: string[] } => ({ status: 'pass', confirmed: [] });
    expect(stages({ places: [], reverseNames })).toEqual(['connect']);
    expect(domainList(list, { reverseNames }).cost).toBe('network');
  });

  it('asks for the names of the client, with the resolver and the signal of the gateway', async () => {
    const asked: unknown[] = [];
    const check = domainList(list, {
      reverseNames: (address, how) => {
        asked.push(address, how);
        return { status: 'pass', confirmed: ['host.example.com', 'host.spam.example'] };
      },
    });
    expect(await run(check).connect?.(signal)).toMatchObject({
      verdict: 'reject',
      finding: { place: 'reverse-name', domain: 'host.spam.example' },
    });
    expect(asked).toEqual(['192.0.2.1', { resolver, signal }]);
    expect(check.start(sampleSession('unix'), context)?.connect).toBeUndefined();
  });

  it('takes names that are not known for unknown', async () => {
    const unknown = [
      () => ({ status: 'temperror', confirmed: ['host.spam.example'] }),
      () => Promise.reject(new Error('no DNS')),
      () => {
        throw new Error('no DNS');
      },
    ];
    for (const reverseNames of unknown) {
      const opinion = await run(domainList(list, { reverseNames })).connect?.(signal);
      expect(opinion?.finding.kind).toBe('ip-list/reverse-names-unknown');
      expect(opinion?.verdict).toBeUndefined();
      expect(await run(domainList(list, { reverseNames, onUnknown: 'defer' })).connect?.(signal)).toMatchObject({
        verdict: 'defer',
        reply: { code: 451, enhanced: '4.3.0' },
      });
    }
    const unconfirmed = domainList(list, {
      reverseNames: () => ({ status: 'fail', confirmed: [] }),
      onUnknown: 'defer',
    });
    expect(await run(unconfirmed).connect?.(signal)).toBeUndefined();
  });

  it('takes several lists for one: the most specific entry decides', async () => {
    const verdict = async (...patterns: readonly [string, 'allow' | 'block'][]): Promise<string | undefined> => {
      const lists = patterns.map(([pattern, action]) => DomainList.from([[pattern, { action }]]));
      return (await mail(domainList(lists), 'ann@a.b.example'))?.verdict;
    };
    expect(await verdict(['a.b.example', 'allow'], ['.b.example', 'block'])).toBeUndefined();
    expect(await verdict(['.b.example', 'block'], ['registrable:b.example', 'allow'])).toBe('reject');
    expect(await verdict(['registrable:b.example', 'allow'], ['.b.example', 'block'])).toBe('reject');
    expect(await verdict(['.example', 'block'], ['registrable:b.example', 'allow'])).toBeUndefined();
    expect(await verdict(['a.b.example', 'block'], ['a.b.example', 'allow'])).toBeUndefined();
    expect(await verdict(['.b.example', 'allow'], ['a.b.example', 'block'])).toBe('reject');
  });

  it('tells the reason when the text has a place for it', async () => {
    const opinion = await mail(domainList(list, { text: '{domain} {place}: {reason}' }), 'ann@spam.example');
    expect(opinion).toMatchObject({ reply: { text: 'spam.example MAIL FROM: sells lists' } });
  });

  it('refuses something else for a list', () => {
    expect(() => Reflect.apply(domainList, undefined, [[]])).toThrow(/^domainList: the first argument must be/);
  });
});
