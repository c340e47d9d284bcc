import { generateKeyPairSync } from 'node:crypto';
import { dryRun, HeaderParser, isOpinion, MemoryStore, mailboxPath, type Opinion, type Report } from '@postern/core';
import { FakeClock, sampleSession, sampleTransaction, type ZoneData, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { signDkim } from '../dkim/sign-dkim.ts';
import { DmarcLocalPolicy } from '../dmarc/dmarc-local-policy.ts';
import { aggregateRecord } from '../report/aggregate-record.ts';
import { type SenderAuthenticationOptions, senderAuthentication } from './sender-authentication.ts';
import type { SenderResult } from './sender-result.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const key = `v=DKIM1; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;

const good = '192.0.2.7';
const bad = '198.51.100.1';
const zone: ZoneData = {
  'example.org': { TXT: 'v=spf1 ip4:192.0.2.0/24 -all' },
  'soft.example': { TXT: 'v=spf1 ~all' },
  'broken.example': { TXT: 'v=spf1 nonsense' },
  'down.example': 'timeout',
  's._domainkey.example.org': { TXT: key },
  '_dmarc.example.org': { TXT: 'v=DMARC1; p=reject; rua=mailto:dmarc@example.org' },
  '_dmarc.soft.example': { TXT: 'v=DMARC1; p=quarantine' },
  '_dmarc.down.example': 'servfail',
};
const context = () => ({ resolver: new ZoneResolver(zone), store: new MemoryStore(), clock: new FakeClock() });

const plain = 'From: ann@example.org\r\nSubject: hi\r\n\r\nHello!\r\n';

interface Mail {
  readonly from?: string;
  readonly sender?: string;
  readonly message?: string;
  readonly options?: SenderAuthenticationOptions;
  readonly outcome?: Report['outcome'];
}

async function signed(message = plain): Promise<string> {
  const result = await signDkim(Buffer.from(message), {
    signatures: [{ domain: 'example.org', selector: 's', key: pem }],
  });
  if (!result.ok) throw new Error(result.detail);
  return result.header + message;
}

/** Goes through a transaction as the gateway does. */
async function send({ from = good, sender = 'ann@example.org', message = plain, options = {}, outcome }: Mail) {
  const check = senderAuthentication(options);
  const session = sampleSession(from);
  const run = check.start(session, context());
  const transaction = sampleTransaction({
    session,
    reversePath: mailboxPath(sender),
    recipients: [mailboxPath('bob@example.com')],
  });
  const { signal } = new AbortController();
  const mail = await run?.mail?.(transaction, signal);
  const sink = run?.message?.(transaction);
  const state = new HeaderParser().write(Buffer.from(message));
  if (state.kind !== 'complete') throw new Error('the test has no header');
  sink?.header(state.header);
  for (const byte of state.rest) sink?.write(Buffer.from([byte]));
  const end = await sink?.end();
  if (outcome !== undefined) run?.report?.(reportOf(transaction.id, outcome));
  if (!isOpinion(mail) || !isOpinion(end)) throw new Error('no opinion');
  return { mail, end };
}

function reportOf(id: string, outcome: Report['outcome']): Report {
  return {
    version: 1,
    kind: 'transaction',
    id,
    session: {
      id: 's1',
      service: 'mx',
      client: { address: good, port: 1 },
      trusted: false,
      startedAt: 0,
    },
    startedAt: 0,
    durationMs: 1,
    recipients: [],
    opinions: [],
    score: 0,
    outcome,
  };
}

function methods({ authResults = [] }: Opinion): readonly string[] {
  return authResults.map(({ method, result }) => `${method}=${result}`);
}

describe('senderAuthentication', () => {
  it('is a network check for strangers, with a name', () => {
    expect(senderAuthentication()).toMatchObject({
      name: 'sender-authentication',
      cost: 'network',
      appliesTo: 'strangers',
    });
    expect(senderAuthentication({ name: 'dmarc' }).name).toBe('dmarc');
  });

  it('lets through what passes, and hands its results over', async () => {
    const { mail, end } = await send({ message: await signed() });
    expect(mail).toMatchObject({ finding: { kind: 'spf-dmarc/spf-pass', domain: 'example.org', client: good } });
    expect(mail.verdict).toBeUndefined();
    expect(methods(mail)).toEqual(['spf=pass', 'spf=none']);
    expect(end).toMatchObject({
      finding: {
        kind: 'spf-dmarc/dmarc-pass',
        authorDomain: 'example.org',
        policy: 'reject',
        disposition: 'none',
        dkim: [{ result: 'pass', domain: 'example.org', selector: 's' }],
      },
    });
    expect(end.verdict).toBeUndefined();
    expect(methods(end)).toEqual(['dkim=pass', 'dmarc=pass']);
    expect(mail.headerEdits ?? end.headerEdits).toBeUndefined();
  });

  it('passes a forwarded message by its signature alone', async () => {
    const { mail, end } = await send({ from: bad, message: await signed() });
    expect(mail).toMatchObject({ finding: { kind: 'spf-dmarc/spf-fail' } });
    expect(mail.verdict ?? end.verdict).toBeUndefined();
    expect(methods(end)).toEqual(['dkim=pass', 'dmarc=pass']);
  });

  it('quarantines what fails under p=reject and under p=quarantine', async () => {
    const { end } = await send({ from: bad });
    expect(end).toMatchObject({
      verdict: 'quarantine',
      finding: {
        kind: 'spf-dmarc/dmarc-fail',
        policy: 'reject',
        disposition: 'quarantine',
        overrides: [{ type: 'local_policy' }],
      },
    });
    const message = plain.replace('example.org', 'soft.example');
    expect((await send({ from: bad, sender: 'ann@soft.example', message })).end).toMatchObject({
      verdict: 'quarantine',
      finding: { overrides: [] },
    });
  });

  it('rejects when told to, and says what to do', async () => {
    const { end } = await send({ from: bad, options: { onReject: 'reject' } });
    expect(end).toMatchObject({
      verdict: 'reject',
      reply: { code: 550, enhanced: '5.7.26', text: expect.stringContaining('example.org') },
    });
    const deferred = await send({ from: bad, options: { onReject: () => 'defer' } });
    expect(deferred.end).toMatchObject({ verdict: 'defer', reply: { code: 451 } });
  });

  it('gives a function of the policy all that was found', async () => {
    let seen: object | undefined;
    await send({
      from: bad,
      message: await signed().then((text) => `${text}altered`),
      options: {
        onReject: (findings) => {
          seen = findings;
          return 'ignore';
        },
      },
    });
    expect(seen).toMatchObject({
      transaction: { reversePath: { address: 'ann@example.org' } },
      spf: { result: 'fail' },
      dkim: [{ result: 'fail' }],
      dmarc: { result: 'fail', policy: 'reject' },
    });
  });

  it('goes by rules of the receiver’s own', async () => {
    const localPolicy = new DmarcLocalPolicy([
      { type: 'trusted_forwarder', networks: ['198.51.100.0/24'], comment: 'a university' },
      { type: 'local_policy', authorDomains: ['soft.example'], disposition: 'reject' },
    ]);
    const options = { localPolicy, onSpfFail: 'reject' } as const;
    const { mail, end } = await send({ from: bad, options });
    expect(mail.verdict ?? end.verdict).toBeUndefined();
    expect(end.finding['overrides']).toEqual([{ type: 'trusted_forwarder', comment: 'a university' }]);
    // What DNS would have said of the sender would not matter.
    const unknown = {
      from: bad,
      sender: 'a@down.example',
      message: plain.replace('example.org', 'down.example'),
      options,
    };
    const waiting = await send(unknown);
    expect(waiting.mail).toMatchObject({ finding: { kind: 'spf-dmarc/spf-temperror' } });
    expect(waiting.end).toMatchObject({ finding: { kind: 'spf-dmarc/dmarc-temperror' } });
    expect(waiting.mail.verdict ?? waiting.end.verdict).toBeUndefined();
    const message = plain.replace('example.org', 'soft.example');
    const strict = await send({ from: '203.0.113.1', sender: 'ann@soft.example', message, options });
    expect(strict.end).toMatchObject({ verdict: 'reject', finding: { disposition: 'reject' } });
  });

  it.each<[string, Mail, object]>([
    ['SPF fail, by default', { from: bad }, {}],
    [
      'SPF fail',
      { from: bad, options: { onSpfFail: 'reject' } },
      { verdict: 'reject', reply: { code: 550, enhanced: '5.7.23', text: expect.stringContaining(bad) } },
    ],
    ['SPF fail', { from: bad, options: { onSpfFail: 'quarantine' } }, { verdict: 'quarantine' }],
    ['softfail', { sender: 'a@soft.example', options: { onSpfFail: 'reject' } }, {}],
    [
      'a broken record',
      { sender: 'a@broken.example', options: { onSpfPermError: 'reject' } },
      { verdict: 'reject', reply: { enhanced: '5.7.24' } },
    ],
    ['a broken record, by default', { sender: 'a@broken.example' }, {}],
    [
      'DNS that fails',
      { sender: 'a@down.example' },
      { verdict: 'defer', reply: { code: 451, enhanced: '4.7.24', text: expect.stringContaining('down.example') } },
    ],
    ['DNS that fails', { sender: 'a@down.example', options: { onSpfTempError: 'ignore' } }, {}],
    [
      'DNS that fails',
      { sender: 'a@down.example', options: { onSpfTempError: 'quarantine' } },
      { verdict: 'quarantine' },
    ],
    ['the null reverse-path', { sender: '' }, {}],
  ])('judges at MAIL FROM: %s', async (_, sent, opinion) => {
    const { mail } = await send(sent);
    expect({ verdict: undefined, ...mail }).toMatchObject({ verdict: undefined, ...opinion });
  });

  it('defers what hangs on DNS', async () => {
    const message = plain.replace('example.org', 'down.example');
    const { end } = await send({ sender: 'ann@example.org', message });
    expect(end).toMatchObject({
      verdict: 'defer',
      finding: { kind: 'spf-dmarc/dmarc-temperror' },
      reply: { code: 451, enhanced: '4.3.0', text: expect.stringContaining('down.example') },
    });
    const ignored = await send({ message, options: { onDmarcTempError: 'ignore' } });
    expect(ignored.end.verdict).toBeUndefined();
  });

  it('does not let two From fields get around a policy', async () => {
    const message = `From: ceo@bank.example\r\n${plain}`;
    expect((await send({ message })).end).toMatchObject({
      verdict: 'quarantine',
      finding: { kind: 'spf-dmarc/dmarc-permerror', reason: 'several-from' },
    });
    expect((await send({ message, options: { onBadFrom: 'reject' } })).end).toMatchObject({
      verdict: 'reject',
      reply: { code: 550, enhanced: '5.7.1', text: expect.stringContaining('one From field') },
    });
    expect((await send({ message, options: { onBadFrom: 'ignore' } })).end.verdict).toBeUndefined();
  });

  it.each([
    '"ceo@bank.example" : ;',
    'CEO <ceo@[192.0.2.7]>',
    'ceo@bank.example, <>',
    'ceo@bank.example <x@evil.example',
  ])('does not let %s get around a policy', async (from) => {
    expect((await send({ message: plain.replace('ann@example.org', from) })).end.verdict).toBe('quarantine');
  });

  it('scores', async () => {
    const scores = { spf: { fail: 2 }, dkim: { none: 0.5 }, dmarc: { fail: 3, pass: -1 } };
    const { mail, end } = await send({ from: bad, options: { scores, onReject: 'ignore' } });
    expect([mail.score, end.score]).toEqual([2, 3.5]);
    const passed = await send({ message: await signed(), options: { scores } });
    expect([passed.mail.score, passed.end.score]).toEqual([undefined, -1]);
  });

  it('adds a Received-SPF field when told to', async () => {
    const { mail } = await send({ options: { receivedSpf: 'mx.example.com' } });
    expect(mail.headerEdits).toEqual([
      { action: 'add', name: 'Received-SPF', value: expect.stringMatching(/^pass \(mx\.example\.com: /) },
    ]);
  });

  it('tells what became of a message, as aggregate reports want it', async () => {
    const results: SenderResult[] = [];
    const options: SenderAuthenticationOptions = { onResult: (result) => results.push(result) };
    await send({ from: bad, options, outcome: 'quarantined' });
    expect(results).toMatchObject([
      {
        id: 't1',
        ip: bad,
        helo: 'client.example',
        mailFrom: 'ann@example.org',
        recipientDomains: ['example.com'],
        disposition: 'quarantine',
        overrides: [{ type: 'local_policy' }],
        outcome: 'quarantined',
        spf: { result: 'fail' },
        dmarc: { result: 'fail' },
      },
    ]);
    const [result] = results;
    expect(result && aggregateRecord(result)).toMatchObject({
      message: {
        sourceIp: bad,
        disposition: 'quarantine',
        headerFrom: 'example.org',
        reasons: [{ type: 'local_policy' }],
      },
    });
  });

  it('tells nothing of messages that were not judged, and each once', () => {
    const results: SenderResult[] = [];
    const run = senderAuthentication({ onResult: (result) => results.push(result) }).start(sampleSession(), context());
    run?.report?.(reportOf('t1', 'rejected'));
    expect(results).toEqual([]);
  });

  it('asks SPF once a transaction, and anew for the next', async () => {
    const { resolver, ...rest } = context();
    const session = sampleSession(good);
    const run = senderAuthentication().start(session, { ...rest, resolver });
    const { signal } = new AbortController();
    for (const id of ['t1', 't2']) {
      await run?.mail?.(sampleTransaction({ id, session, reversePath: mailboxPath('ann@example.org') }), signal);
    }
    expect(resolver.queries.count('example.org', 'TXT')).toBe(2);
  });

  it('ends when the client is gone', async () => {
    const never = { resolve: () => new Promise<never>(() => {}) };
    const run = senderAuthentication({ resolver: never }).start(sampleSession(good), context());
    const gone = new AbortController();
    const mail = run?.mail?.(sampleTransaction(), gone.signal);
    gone.abort();
    expect(await mail).toMatchObject({ finding: { kind: 'spf-dmarc/spf-temperror' } });

    const sink = run?.message?.(sampleTransaction());
    const state = new HeaderParser().write(Buffer.from(await signed()));
    if (state.kind === 'complete') sink?.header(state.header);
    const end = sink?.end();
    sink?.abort();
    expect(await end).toMatchObject({ verdict: 'defer', finding: { kind: 'spf-dmarc/dmarc-temperror' } });
  });

  it('runs dry', async () => {
    const run = dryRun(senderAuthentication({ onSpfFail: 'reject' })).start(sampleSession(bad), context());
    const transaction = sampleTransaction({ reversePath: mailboxPath('ann@example.org') });
    const opinion = await run?.mail?.(transaction, new AbortController().signal);
    expect(opinion?.verdict).toBeUndefined();
  });

  it.each<[object, ErrorConstructor]>([
    [{ name: '' }, TypeError],
    [{ resolver: 1 }, TypeError],
    [{ receivedSpf: 'a b' }, TypeError],
    [{ onResult: 'log' }, TypeError],
    [{ onSpfFail: 'defer' }, TypeError],
    [{ onBadFrom: 'defer' }, TypeError],
    [{ timeoutMs: 0 }, RangeError],
    [{ spf: { maxLookups: 1 } }, TypeError],
    [{ dkim: { maxSignatures: 0 } }, RangeError],
    [{ trustedSealers: ['a.example'] }, RangeError],
    [{ onRejct: 'reject' }, TypeError],
  ])('refuses %o', (options, error) => {
    expect(() => Reflect.apply(senderAuthentication, undefined, [options])).toThrow(error);
    expect(() => Reflect.apply(senderAuthentication, undefined, [options])).toThrow(/^senderAuthentication/);
  });
});
