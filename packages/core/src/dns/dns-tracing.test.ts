import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { DnsServer } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { CachingResolver } from './caching-resolver.ts';
import { DnsClient } from './dns-client.ts';

describe('the tracing channel postern.core.resolve', () => {
  it('shows every lookup: the question, the answer, and the server that gave it', async () => {
    await using server = await DnsServer.start({ 'a.test': { A: '192.0.2.1' }, 'b.test': 'servfail' });
    using client = new DnsClient({ servers: [server.address] });
    const events: [string, object][] = [];
    const note = (event: string) => (context: object) => events.push([event, { ...context }]);
    const subscribers = {
      start: note('start'),
      end: note('end'),
      asyncStart: note('asyncStart'),
      asyncEnd: note('asyncEnd'),
      error: note('error'),
    };
    const channel = tracingChannel('postern.core.resolve');
    channel.subscribe(subscribers);
    const url = `udp://${server.address}`;
    const first = await client.resolve('A.test', 'A');
    const second = await client.resolve('b.test', 'MX');
    const third = await client.resolve('a..test', 'A');
    await expect(Reflect.apply(client.resolve, client, ['a.test', 'ANY'])).rejects.toThrow(TypeError);
    channel.unsubscribe(subscribers);
    await client.resolve('a.test', 'A');

    expect(events.map(([event]) => event)).toEqual([
      ...['start', 'end', 'asyncStart', 'asyncEnd'],
      ...['start', 'end', 'asyncStart', 'asyncEnd'],
      ...['start', 'end', 'asyncStart', 'asyncEnd'],
      ...['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
    ]);
    const finished = events.filter(([event]) => event === 'asyncEnd').map(([, context]) => context);
    expect(events[0]?.[1]).toEqual({ name: 'A.test', type: 'A' });
    expect(finished).toMatchObject([
      { name: 'A.test', type: 'A', server: url, answer: first },
      { name: 'b.test', type: 'MX', answer: second },
      { name: 'a..test', type: 'A', answer: third },
      { name: 'a.test', type: 'ANY' },
    ]);
    expect(third).toMatchObject({ kind: 'failure', reason: 'malformed' });
  });

  it('shows nothing of a name that holds a secret but what it is shown as', async () => {
    const name = '2.0.0.127.secret.bl.test';
    await using server = await DnsServer.start({
      [name]: { CNAME: 'alias.secret.bl.test' },
      'alias.secret.bl.test': { A: '127.0.0.2', TXT: 'the secret' },
    });
    using client = new DnsClient({ servers: [server.address] });
    const resolver = new CachingResolver(client);
    const contexts: object[] = [];
    const note = (context: object): number => contexts.push({ ...context });
    const channel = tracingChannel('postern.core.resolve');
    const subscribers = { start: note, end: note, asyncStart: note, asyncEnd: note, error: note };
    channel.subscribe(subscribers);
    const shownAs = '2.0.0.127.[key].bl.test';
    const found = await client.resolve(name, 'A', { shownAs });
    const text = await resolver.resolve(name, 'TXT', { shownAs });
    const malformed = await client.resolve('secret..bl.test', 'A', { shownAs });
    const aborted = await resolver.resolve(name, 'MX', { shownAs, signal: AbortSignal.abort() });
    await expect(Reflect.apply(client.resolve, client, ['secret', 'ANY', { shownAs }])).rejects.toThrow(TypeError);
    channel.unsubscribe(subscribers);

    expect(found).toMatchObject({ records: ['127.0.0.2'], canonicalName: 'alias.secret.bl.test' });
    expect(text).toMatchObject({ records: ['the secret'] });
    expect(contexts).toContainEqual({
      name: shownAs,
      type: 'A',
      server: `udp://${server.address}`,
      answer: { kind: 'records', records: [], ttl: expect.any(Number), authentic: expect.any(Boolean) },
      result: expect.objectContaining({ kind: 'records', records: [] }),
    });
    expect(JSON.stringify([contexts, malformed, aborted])).not.toContain('secret');
  });

  it('can be followed on one of its channels alone', async () => {
    await using server = await DnsServer.start({ 'a.test': { A: '192.0.2.1' } });
    using client = new DnsClient({ servers: [server.address] });
    const answers: unknown[] = [];
    const listener = (context: unknown): number => answers.push(context);
    subscribe('tracing:postern.core.resolve:asyncEnd', listener);
    await client.resolve('a.test', 'A');
    unsubscribe('tracing:postern.core.resolve:asyncEnd', listener);
    expect(answers).toMatchObject([{ answer: { kind: 'records', records: ['192.0.2.1'] } }]);
  });
});
