import {
  type CheckRun,
  type Context,
  HeaderParser,
  mailboxPath,
  type Opinion,
  type Store,
  systemClock,
} from '@postern/core';
import { sampleSession, sampleTransaction, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import type { RelayAclHooks } from './check-settings.ts';
import { relayAcl } from './relay-acl-check.ts';
import { type SenderLookup, senderMap } from './sender-map.ts';

/** This check keeps nothing. */
const noStore: Store = new Proxy<Store>(Object.create(null), {
  get: (_, name) => {
    throw new TypeError(`the store's ${String(name)} was used`);
  },
});
const context: Context = { resolver: new ZoneResolver(), store: noStore, clock: systemClock };
const { signal } = new AbortController();

const senders = { ann: ['ann@ours.example', 'sales@ours.example'], newsletter: ['news.example'] };

function start(hooks: RelayAclHooks, facts: Parameters<typeof sampleSession>[1] = { user: 'ann' }): CheckRun {
  const run = relayAcl({ localDomains: ['ours.example'], ...hooks }).start(
    sampleSession('203.0.113.9', facts),
    context,
  );
  if (run === undefined) throw new TypeError('the check did not start');
  return run;
}

async function mail(run: CheckRun, address: string): Promise<Opinion | undefined> {
  return run.mail?.(sampleTransaction({ reversePath: mailboxPath(address) }), signal);
}

/** The opinion about a message with this header. */
async function message(run: CheckRun, header: string): Promise<Opinion | undefined> {
  const sink = run.message?.(sampleTransaction());
  if (sink === undefined) return undefined;
  const state = new HeaderParser().write(Buffer.from(`${header}\r\n\r\nbody`));
  if (state.kind !== 'complete') throw new Error('no header');
  sink.header(state.header);
  sink.write(state.rest);
  return sink.end();
}

const refused = { verdict: 'reject', reply: { code: 550, enhanced: '5.7.1' } };
const unreadable = { verdict: 'reject', reply: { code: 554, enhanced: '5.6.0' } };
const deferred = { verdict: 'defer', reply: { code: 451, enhanced: '4.3.0' } };

const failures: readonly (readonly [string, SenderLookup])[] = [
  [
    'throws',
    () => {
      throw new Error('no database');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no database'))],
  // @ts-expect-error as a program without types would
  ['answers a row', () => ({ allowed: true })],
  // @ts-expect-error as a program without types would
  ['promises 1', async () => 1],
  ['is late', () => new Promise(() => {})],
];

describe('the reverse-path of a user', () => {
  it.each(['ann@ours.example', 'ann@OURS.example', '"ann"@ours.example', 'sales@ours.example'])(
    'may be %s',
    async (address) => {
      const opinion = await mail(start({ senders }), address);
      expect(opinion?.finding).toMatchObject({
        kind: 'relay-acl/sender-owned',
        user: 'ann',
        place: 'mail-from',
        sender: address,
      });
      expect(opinion?.verdict).toBeUndefined();
    },
  );

  it.each([
    'bob@ours.example',
    'Ann@ours.example',
    'ann+x@ours.example',
    'ann@ours.example.',
    'ann@sub.ours.example',
    'ann@news.example',
    'ann@victim.example',
    'ann',
    '@ours.example',
    'ann@ours.example@victim.example',
    `${'x'.repeat(2_000)}@ours.example`,
  ])('may not be %s', async (address) => {
    const opinion = await mail(start({ senders }), address);
    expect(opinion).toMatchObject({ finding: { kind: 'relay-acl/sender-not-owned', user: 'ann' }, ...refused });
    expect(String(opinion?.finding['sender']).length).toBeLessThanOrEqual(320);
  });

  it('may be any of a domain that is the user’s', async () => {
    const run = start({ senders }, { user: 'newsletter' });
    expect((await mail(run, 'bounce-17@news.example'))?.verdict).toBeUndefined();
    expect(await mail(run, 'ann@ours.example')).toMatchObject(refused);
  });

  it('is none at all of a user who has no addresses', async () => {
    for (const user of ['bob', 'Ann', 'constructor', '__proto__', 'toString']) {
      expect(await mail(start({ senders }, { user }), 'ann@ours.example')).toMatchObject(refused);
    }
    const map = new Map([['ann', new Set(['ann@ours.example'])]]);
    expect((await mail(start({ senders: map }), 'ann@ours.example'))?.verdict).toBeUndefined();
    expect(await mail(start({ senders: map }, { user: 'bob' }), 'ann@ours.example')).toMatchObject(refused);
  });

  it('may be null (RFC 6409 §3.2)', async () => {
    expect(await mail(start({ senders: () => false }), '')).toBeUndefined();
  });

  it('compares as it is told to', async () => {
    const run = start({ senders: senderMap(senders, { ignoreCase: true, subaddressSeparator: '+' }) });
    expect((await mail(run, 'ANN+news@ours.example'))?.verdict).toBeUndefined();
    expect(await mail(run, 'bob+ann@ours.example')).toMatchObject(refused);
  });

  it.each(failures)('is deferred by a lookup that %s', async (_, lookup) => {
    const opinion = await mail(start({ senders: lookup, lookupTimeoutMs: 20 }), 'ann@ours.example');
    expect(opinion).toMatchObject({ finding: { kind: 'relay-acl/lookup-failed' }, ...deferred });
    expect(opinion?.verdict === 'defer' && opinion.reply?.text).not.toContain('database');
  });

  it('is asked with what it means', async () => {
    const asked: unknown[] = [];
    const lookup: SenderLookup = (user, sender) => asked.push({ user, ...sender }) > 0;
    await mail(start({ senders: lookup }), '"ann smith"@Bücher.example');
    const address = '"ann smith"@Bücher.example';
    expect(asked).toEqual([{ user: 'ann', address, localPart: 'ann smith', domain: 'xn--bcher-kva.example' }]);
  });

  it('is nobody’s business without a login', async () => {
    for (const user of [undefined, '']) {
      const run = start({ senders: () => false }, { user });
      expect(await mail(run, 'ann@ours.example')).toBeUndefined();
      expect(run.message?.(sampleTransaction())).toBeUndefined();
    }
  });
});

describe('the From field of a user', () => {
  it.each([
    'From: ann@ours.example',
    'From: Ann <ann@ours.example>\r\nSubject: hello',
    'From: "boss@victim.example" <ann@ours.example>',
    'from:\r\n ann@ours.example (Ann)',
    'From: ann@ours.example, sales@ours.example\r\nSender: ann@ours.example',
    'From: ann@ours.example\r\nSender: Sales <sales@ours.example>',
    'From: ann@ours.example\r\nReply-To: bob@elsewhere.example',
  ])('may be %j', async (header) => {
    const opinion = await message(start({ senders }), header);
    expect(opinion?.finding.kind).toBe('relay-acl/sender-owned');
    expect(opinion?.verdict).toBeUndefined();
  });

  it.each([
    ['From: boss@ours.example', 'sender-not-owned'],
    ['From: Ann <boss@ours.example>', 'sender-not-owned'],
    ['From: "ann@ours.example" <boss@ours.example>', 'sender-not-owned'],
    ['From: ann@ours.example, boss@ours.example\r\nSender: ann@ours.example', 'sender-not-owned'],
    ['From: boss@ours.example, ann@ours.example\r\nSender: ann@ours.example', 'sender-not-owned'],
    ['From: ann@ours.example\r\nSender: boss@ours.example', 'sender-not-owned'],
    ['From: ann@ours.example, sales@ours.example\r\nSender: boss@ours.example', 'sender-not-owned'],
    ['From: ann@ours.example, sales@ours.example', 'from-unreadable'],
    ['From: ann@ours.example\r\nFrom: boss@ours.example', 'from-unreadable'],
    ['From: boss@ours.example\r\nfRoM : ann@ours.example', 'from-unreadable'],
    ['From: ann@ours.example\r\nSender: ann@ours.example\r\nSender: boss@ours.example', 'from-unreadable'],
    ['From: ann@ours.example\r\nSender: ann@ours.example, sales@ours.example', 'from-unreadable'],
    ['From: ann@ours.example\r\nSender:', 'from-unreadable'],
    ['Subject: who am I', 'from-unreadable'],
    ['From:', 'from-unreadable'],
    ['From: Boss', 'from-unreadable'],
    ['From: boss@ours.example (ann@ours.example)', 'from-unreadable'],
    ['From: ann@ours.example <boss@ours.example>', 'from-unreadable'],
    ['From: Team: ann@ours.example;', 'from-unreadable'],
    ['From: <@victim.example:ann@ours.example>', 'from-unreadable'],
    ['From: ann@ours.example\0, boss@ours.example', 'from-unreadable'],
    [`From: ${Array.from({ length: 21 }, () => 'ann@ours.example').join(', ')}`, 'from-unreadable'],
  ])('may not be %j: %s', async (header, kind) => {
    expect(await message(start({ senders }), header)).toMatchObject({
      finding: { kind: `relay-acl/${kind}` },
      ...(kind === 'from-unreadable' ? unreadable : refused),
    });
  });

  it('may not be bytes that are no UTF-8', async () => {
    const sink = start({ senders }).message?.(sampleTransaction());
    const state = new HeaderParser().write(Buffer.from('From: \xff <ann@ours.example>\r\n\r\n', 'latin1'));
    if (state.kind !== 'complete') throw new Error('no header');
    sink?.header(state.header);
    expect(await sink?.end()).toMatchObject(unreadable);
  });

  it('is refused when there never was a header', async () => {
    expect(await start({ senders }).message?.(sampleTransaction())?.end()).toMatchObject(unreadable);
  });

  it.each(failures)('is deferred by a lookup that %s', async (_, lookup) => {
    const opinion = await message(start({ senders: lookup, lookupTimeoutMs: 20 }), 'From: ann@ours.example');
    expect(opinion).toMatchObject({ finding: { kind: 'relay-acl/lookup-failed' }, ...deferred });
  });

  it('asks no more than it needs to know, and no longer than the message is wanted', async () => {
    const asked: string[] = [];
    const signals: AbortSignal[] = [];
    const lookup: SenderLookup = (_, { localPart }, { signal: stop }) => {
      asked.push(localPart);
      signals.push(stop);
      return localPart === 'slow' ? new Promise(() => {}) : false;
    };
    await message(start({ senders: lookup }), 'From: a@ours.example, b@ours.example\r\nSender: c@ours.example');
    expect(asked).toEqual(['a']);

    const sink = start({ senders: lookup }).message?.(sampleTransaction());
    const state = new HeaderParser().write(Buffer.from('From: slow@ours.example\r\n\r\n'));
    if (state.kind !== 'complete') throw new Error('no header');
    sink?.header(state.header);
    const opinion = sink?.end();
    sink?.abort();
    expect(signals.at(-1)?.aborted).toBe(true);
    expect(await opinion).toMatchObject(deferred);
  });

  it('is not judged where that is switched off', async () => {
    expect(start({ senders, judgeFrom: false }).message).toBeUndefined();
    expect(start({}).message).toBeUndefined();
    expect(start({}).mail).toBeUndefined();
  });
});

describe('a stranger with a sender address of ours', () => {
  const strangers = { refuseLocalSenders: true };

  it.each([
    'ann@ours.example',
    'ann@OURS.example',
    'ann%x@ours.example',
    '"ann@x"@ours.example',
    '"ann@ours.example',
    'a"nn@ours.example',
    'ann"@x"@ours.example',
  ])('%s is refused', async (address) => {
    const opinion = await mail(start(strangers, {}), address);
    expect(opinion).toMatchObject({ finding: { kind: 'relay-acl/local-sender', sender: address }, ...refused });
  });

  it.each(['', 'ann@client.example', 'ann@sub.ours.example', 'postmaster', 'ann@'])('%j is not', async (address) => {
    expect(await mail(start(strangers, {}), address)).toBeUndefined();
  });

  it('is let through by default, and when the client is known', async () => {
    expect(start({}, {}).mail).toBeUndefined();
    expect(await mail(start(strangers, { user: 'ann' }), 'ann@ours.example')).toBeUndefined();
    expect(await mail(start(strangers, { trusted: true }), 'ann@ours.example')).toBeUndefined();
  });

  it('is deferred when nobody knows which domains are ours', async () => {
    const localDomains = (): never => {
      throw new Error('no database');
    };
    const run = relayAcl({ localDomains, ...strangers }).start(sampleSession('203.0.113.9'), context);
    if (run === undefined) throw new TypeError('the check did not start');
    expect(await mail(run, 'ann@ours.example')).toMatchObject({
      finding: { kind: 'relay-acl/lookup-failed' },
      ...deferred,
    });
  });
});

describe('the senders of relayAcl', () => {
  it.each<[unknown, string]>([
    ['ann', 'option "senders" must be a map'],
    [['ann@ours.example'], 'option "senders" must be a map'],
    [{ ann: 'ann@ours.example' }, 'option "senders" must be a map'],
    [{ ann: [1] }, 'option "senders" must be a map'],
    [new Map([[1, []]]), 'option "senders" must be a map'],
    [{ ann: ['ann@'] }, 'user "ann": "ann@" is neither an address'],
    [{ ann: ['no domain'] }, 'user "ann": "no domain" is neither a domain'],
  ])('cannot be %o', (wrong, message) => {
    expect(() => Reflect.apply(relayAcl, undefined, [{ localDomains: [], senders: wrong }])).toThrow(message);
  });

  it('are a copy', async () => {
    const list = ['ann@ours.example'];
    const run = start({ senders: { ann: list } });
    list.push('boss@ours.example');
    expect(await mail(run, 'boss@ours.example')).toMatchObject(refused);
  });
});
