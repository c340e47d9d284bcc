import {
  type CheckRun,
  type Context,
  type HeaderFields,
  HeaderParser,
  MemoryStore,
  mailboxPath,
  type Opinion,
  systemClock,
} from '@postern/core';
import { sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { type DomainDnsblOptions, domainDnsbl } from './domain-dnsbl-check.ts';

const signal = new AbortController().signal;

function listServer(): ZoneResolver {
  return new ZoneResolver({
    '7.8.9.9.in-addr.arpa': { PTR: ['z.honest.biz', 'host.shady.biz'] },
    'host.shady.biz.dbl.example': { A: '127.0.0.2' },
    'shady.biz.dbl.example': { A: '127.0.0.2' },
    'grey.biz.dbl.example': { A: '127.0.0.3' },
    'broken.biz.dbl.example': 'servfail',
  });
}

const dbl = {
  name: 'dbl.example',
  lists: 'domains',
  answers: [
    { code: '127.0.0.2', reason: 'black' },
    { code: '127.0.0.3', reason: 'grey', weight: 0.5 },
  ],
} as const;

function start(options: Partial<DomainDnsblOptions> = {}, resolver = listServer(), address = '9.9.8.7'): CheckRun {
  const context: Context = { resolver, store: new MemoryStore(), clock: systemClock };
  const run = domainDnsbl({ zones: [dbl], ...options }).start(sampleSession(address), context);
  if (run === undefined) throw new TypeError('the check took no interest');
  return run;
}

function header(text: string): HeaderFields {
  const state = new HeaderParser().write(Buffer.from(`${text}\r\n\r\n`));
  if (state.kind !== 'complete') throw new TypeError('the header cannot be read');
  return state.header;
}

async function message(run: CheckRun, text: string): Promise<Opinion | undefined> {
  const sink = run.message?.(sampleTransaction());
  if (sink === undefined) throw new TypeError('no interest in the message');
  sink.header(header(text));
  await sink.write(Buffer.from('x'));
  return await sink.end();
}

describe('domainDnsbl', () => {
  it('asks about each domain when it becomes known, and refuses what is listed', async () => {
    const run = start();
    expect(await run.connect?.(signal)).toMatchObject({
      finding: { kind: 'dnsbl/domain-listed', asked: 'reverse-name', domain: 'host.shady.biz' },
      verdict: 'reject',
      reply: { code: 550, enhanced: '5.7.1', text: 'Reverse name host.shady.biz is listed by dbl.example (black)' },
    });
    expect(await run.helo?.('Shady.biz', signal)).toMatchObject({
      verdict: 'reject',
      reply: { text: 'HELO name shady.biz is listed by dbl.example (black)' },
    });
    const transaction = sampleTransaction({ reversePath: mailboxPath('ann@shady.biz') });
    expect(await run.mail?.(transaction, signal)).toMatchObject({
      finding: { asked: 'mail-from', domain: 'shady.biz' },
      verdict: 'reject',
    });
    expect(await message(run, 'From: Ann <ann@honest.biz>, Bob <bob@shady.biz>')).toMatchObject({
      finding: { asked: 'from', domain: 'shady.biz' },
      verdict: 'reject',
    });
  });

  it('only counts what weighs less, and takes the worst of several authors', async () => {
    const opinion = await message(start(), 'From: a@honest.biz, b@grey.biz, c@broken.biz');
    expect(opinion).toMatchObject({ finding: { kind: 'dnsbl/domain-listed', domain: 'grey.biz' }, score: 0.5 });
    expect(opinion?.verdict).toBeUndefined();
    const deferred = await message(start({ deferAtScore: 0.5 }), 'From: b@grey.biz');
    expect(deferred).toMatchObject({ verdict: 'defer', reply: { code: 451, enhanced: '4.7.1' } });
    const unknown = await message(start({ onUnknown: 'defer' }), 'From: a@honest.biz, c@broken.biz');
    expect(unknown).toMatchObject({ verdict: 'defer', reply: { code: 451, enhanced: '4.3.0' } });
  });

  it('hides no author from it in a second field', async () => {
    expect(await message(start(), 'From: "\r\nFrom: ann@shady.biz')).toMatchObject({ verdict: 'reject' });
  });

  it.each(['[9.9.8.7]', '9.9.8.7', 'localhost', 'client', ''])('asks nothing about the HELO %j', async (helo) => {
    const resolver = listServer();
    const opinion = await start({ onUnknown: 'defer' }, resolver).helo?.(helo, signal);
    expect(opinion).toEqual({ finding: expect.objectContaining({ kind: 'dnsbl/domain-skipped' }) });
    expect(resolver.queries.count()).toBe(0);
  });

  it('asks nothing about the null reverse-path, a missing reverse name, a message without an author', async () => {
    const resolver = listServer();
    const run = start({}, resolver, '9.9.8.8');
    expect(await run.connect?.(signal)).toBeUndefined();
    expect(await run.mail?.(sampleTransaction({ reversePath: mailboxPath('') }), signal)).toBeUndefined();
    expect(await message(run, 'Subject: x')).toBeUndefined();
    expect(resolver.queries.count()).toBe(1);
    expect(await start({}, resolver, '/run/socket').connect?.(signal)).toBeUndefined();
  });

  it('asks about nothing but what it is told to', () => {
    expect(Object.keys(start({ ask: ['mail-from'] }))).toEqual(['mail']);
    expect(domainDnsbl({ zones: [dbl] })).toMatchObject({ name: 'domain-dnsbl', appliesTo: 'strangers' });
  });

  it('gives up when the message does', async () => {
    const resolver = listServer();
    resolver.hold('shady.biz.dbl.example');
    const sink = start({}, resolver).message?.(sampleTransaction());
    sink?.header(header('From: ann@shady.biz'));
    const end = sink?.end();
    sink?.abort();
    expect(await end).toMatchObject({ finding: { zones: [{ status: 'unknown', reasons: ['aborted'] }] } });
  });

  it.each<[object, string]>([
    [{}, 'domainDnsbl: option "zones"'],
    [{ zones: [{ name: 'bl.example', lists: 'addresses' }] }, 'bl.example lists addresses, not domains'],
    [{ zones: [dbl], ask: [] }, '"ask"'],
    [{ zones: [dbl], ask: ['to'] }, '"ask"'],
    [{ zones: [{ ...dbl, query: 'registrable' }] }, '"registrableDomain" must be a function'],
    [{ zones: [dbl], stopWhenDecided: true, deferAtScore: 0.5 }, '"stopWhenDecided"'],
  ])('refuses wrong options: %#', (options, text) => {
    // @ts-expect-error as a program without types would
    expect(() => domainDnsbl(options)).toThrow(text);
  });
});
