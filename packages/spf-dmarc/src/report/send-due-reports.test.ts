import { MemoryStore, type Store } from '@postern/core';
import { FakeClock, ZoneResolver } from '@postern/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { AggregateCollector, type AggregateCollectorOptions } from './aggregate-collector.ts';
import { parseAggregateReport } from './aggregate-parse.ts';
import { sendDueReports } from './send-due-reports.ts';
import type { DeliverReport, DueReport, SendReportsOptions } from './send-options.ts';
import { mailto, recordOf } from './test-record.ts';

const DAY_MS = 86_400_000;
const start = Date.UTC(2026, 10, 22, 12);

let clock: FakeClock;
let store: MemoryStore;
let resolver: ZoneResolver;
let delivered: DueReport[];

beforeEach(() => {
  clock = new FakeClock(start);
  store = new MemoryStore({ clock });
  resolver = new ZoneResolver({});
  delivered = [];
});

function collector(options: Partial<AggregateCollectorOptions> = {}): AggregateCollector {
  return new AggregateCollector({ store, clock, ...options });
}

function send(options: Partial<SendReportsOptions> = {}, from: Store = store) {
  return sendDueReports(from, {
    reporter: { orgName: 'Example Net', email: 'dmarc@example.net' },
    resolver,
    clock,
    deliver: async (due) => {
      delivered.push(due);
      return 'delivered';
    },
    ...options,
  });
}

/** To a moment at which the day of the records is over for everyone. */
function nextDay(): void {
  clock.advance(DAY_MS);
}

describe('collecting and sending', () => {
  it('adds up what several machines have counted, equal rows together', async () => {
    const [one, other] = [collector(), collector()];
    for (let count = 0; count < 3; count++) one.record(recordOf('example.com'));
    one.record(recordOf('example.com', { sourceIp: '192.0.2.2' }));
    await one.flush();
    for (let count = 0; count < 4; count++) other.record(recordOf('example.com'));
    one.record(recordOf('example.com'));
    other.record(recordOf('example.org'));
    await Promise.all([one.close(), other.close()]);
    nextDay();

    const [day] = (await send()).slice(-1);
    expect(day).toMatchObject({ day: '2026-11-22', status: 'done', dropped: 0, missing: 0 });
    expect(day?.reports.map(({ domain, messages }) => [domain, messages])).toEqual(
      expect.arrayContaining([
        ['example.com', 9],
        ['example.org', 1],
      ]),
    );
    const report = delivered.find(({ report: { policy } }) => policy.domain === 'example.com')?.report;
    expect(report?.rows.map(({ sourceIp, count }) => [sourceIp, count])).toEqual([
      ['192.0.2.1', 8],
      ['192.0.2.2', 1],
    ]);
  });

  it('hands over a message that carries the report by RFC 9990', async () => {
    collector().record(recordOf('example.com'));
    const counting = collector();
    counting.record(recordOf('example.com'));
    await counting.close();
    nextDay();
    await send();
    const [due] = delivered;
    if (due === undefined) throw new Error('nothing was delivered');
    const { mail, file } = due;
    const begin = Date.UTC(2026, 10, 22) / 1_000;
    expect(file.fileName).toMatch(
      new RegExp(`^example\\.net!example\\.com!${begin}!${begin + 86_399}!([0-9a-f]{32})\\.xml\\.gz$`),
    );
    const id = due.report.metadata.reportId;
    expect(mail).toMatchObject({
      mailFrom: 'dmarc@example.net',
      recipient: 'dmarc@example.com',
      subject: `Report Domain: example.com Submitter: example.net Report-ID: <${id}>`,
    });
    const text = Buffer.from(mail.message).toString('latin1');
    expect(text).toContain('Auto-Submitted: auto-generated\r\n');
    expect(text.replaceAll('\r\n ', ' ')).toContain(`filename="${file.fileName}"`);
    const encoded = text.split('application/gzip')[1]?.split('\r\n\r\n')[1]?.split('\r\n--')[0] ?? '';
    const read = parseAggregateReport(Buffer.from(encoded, 'base64'));
    expect(read).toMatchObject({ ok: true, problems: [], report: { rows: [{ count: 1 }] } });
    expect(mail.message.length).toBeLessThan(file.mailBytes);
  });

  it('sends nothing before the day is over for everyone, and nothing twice', async () => {
    const counting = collector();
    counting.record(recordOf('example.com'));
    await counting.close();
    await send();
    clock.advance(12 * 3_600_000 + 60_000);
    await send();
    expect(delivered).toHaveLength(0);
    clock.advance(20 * 60_000);
    await send();
    expect(delivered).toHaveLength(1);
    await send();
    clock.advance(3_600_000);
    const days = await send();
    expect(delivered).toHaveLength(1);
    expect(days.flatMap(({ reports }) => reports)).toEqual([]);
  });

  it('lets one machine at a time work on a day', async () => {
    const counting = collector();
    for (let index = 0; index < 20; index++) counting.record(recordOf(`d${index}.example`));
    await counting.close();
    nextDay();
    const days = (await Promise.all([send(), send(), send()])).flat();
    expect(days.map(({ status }) => status)).toContain('busy');
    expect(delivered.map(({ report }) => report.policy.domain).toSorted()).toEqual(
      Array.from({ length: 20 }, (_, index) => `d${index}.example`).toSorted(),
    );
  });

  it('tries again what failed, with the same names, and only that', async () => {
    const counting = collector();
    counting.record({ ...recordOf('example.com'), rua: [mailto('a@example.com'), mailto('b@example.com')] });
    await counting.close();
    nextDay();
    const attempts: string[] = [];
    const files = new Set<string>();
    const deliver: DeliverReport = async ({ mail, file }) => {
      attempts.push(mail.recipient);
      files.add(file.fileName);
      if (mail.recipient.startsWith('b') && attempts.length === 2) throw new Error('connection refused');
      return 'delivered';
    };
    const first = await send({ deliver });
    expect(first.at(-1)?.reports[0]?.destinations).toEqual([
      { uri: 'mailto:a@example.com', status: 'delivered' },
      { uri: 'mailto:b@example.com', status: 'later', detail: 'connection refused' },
    ]);
    clock.advance(3_600_000);
    await send({ deliver });
    await send({ deliver });
    expect(attempts).toEqual(['a@example.com', 'b@example.com', 'b@example.com']);
    expect(files.size).toBe(1);
  });

  it('gives up after some days', async () => {
    const counting = collector();
    counting.record(recordOf('example.com'));
    await counting.close();
    let attempts = 0;
    const deliver: DeliverReport = async () => {
      attempts++;
      return 'later';
    };
    for (let day = 0; day < 6; day++) {
      nextDay();
      await send({ deliver });
    }
    expect(attempts).toBe(3);
  });

  it('asks destinations elsewhere whether they agree, and waits for DNS', async () => {
    resolver = new ZoneResolver({
      'example.com._report._dmarc.yes.example': { TXT: 'v=DMARC1' },
      'example.com._report._dmarc.slow.example': 'timeout',
    });
    const counting = collector();
    const rua = ['a@yes.example', 'b@no.example', 'c@slow.example'].map(mailto);
    counting.record({
      ...recordOf('example.com'),
      rua: [...rua, { uri: 'https://x.example', address: undefined, domain: undefined }],
    });
    await counting.close();
    nextDay();
    const [day] = (await send()).slice(-1);
    expect(day?.reports[0]?.destinations.map(({ uri, status }) => [uri, status])).toEqual([
      ['mailto:a@yes.example', 'delivered'],
      ['mailto:b@no.example', 'refused'],
      ['mailto:c@slow.example', 'unknown'],
      ['https://x.example', 'refused'],
    ]);
    resolver = new ZoneResolver({ 'example.com._report._dmarc.slow.example': { TXT: 'v=DMARC1' } });
    await send();
    expect(delivered.map(({ mail }) => mail.recipient)).toEqual(['a@yes.example', 'c@slow.example']);
  });

  it('waits for no delivery for ever, and goes on with the others', async () => {
    const counting = collector();
    counting.record(recordOf('slow.example'));
    counting.record(recordOf('fast.example'));
    await counting.close();
    nextDay();
    let aborted = false;
    const deliver: DeliverReport = async ({ report }, signal) => {
      if (report.policy.domain === 'fast.example') return 'delivered';
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise(() => {});
    };
    const [day] = (await send({ deliver, deliverTimeoutMs: 20, concurrency: 1 })).slice(-1);
    expect(day?.reports.map(({ domain, destinations }) => [domain, destinations[0]?.status])).toEqual([
      ['slow.example', 'later'],
      ['fast.example', 'delivered'],
    ]);
    expect(aborted).toBe(true);
  });

  it('stops when its caller gives up', async () => {
    const counting = collector();
    for (let index = 0; index < 5; index++) counting.record(recordOf(`d${index}.example`));
    await counting.close();
    nextDay();
    const controller = new AbortController();
    const deliver: DeliverReport = async () => {
      controller.abort();
      return 'later';
    };
    const days = await send({ deliver, concurrency: 1, signal: controller.signal });
    expect(days.at(-1)).toMatchObject({ status: 'stopped' });
    expect(days.at(-1)?.reports).toHaveLength(1);
    await send();
    expect(delivered).toHaveLength(5);
  });

  it('stops when its lease has run out, and renews it before', async () => {
    const counting = collector();
    for (let index = 0; index < 4; index++) counting.record(recordOf(`d${index}.example`));
    await counting.close();
    nextDay();
    const slowly = (ms: number): DeliverReport => {
      return async (due) => {
        clock.advance(ms);
        delivered.push(due);
        return 'delivered';
      };
    };
    const first = await send({ deliver: slowly(301_000), concurrency: 1, maxAgeDays: 1 });
    expect(first).toMatchObject([{ status: 'stopped' }]);
    expect(delivered).toHaveLength(1);
    const second = await send({ deliver: slowly(200_000), concurrency: 1, maxAgeDays: 1 });
    expect(second).toMatchObject([{ status: 'done' }]);
    expect(new Set(delivered.map(({ report }) => report.policy.domain)).size).toBe(4);
    expect(delivered).toHaveLength(4);
  });

  it('writes to the store by itself', async () => {
    const counting = collector({ flushMs: 5 });
    counting.record(recordOf('example.com'));
    await expect
      .poll(() => store.recall(['dmarc-reports/2026-11-22/collectors'])[0], { timeout: 15_000 })
      .toBeDefined();
    await counting.close();
  });

  it('sends no report that is larger than a message may be', async () => {
    const counting = collector();
    counting.record(recordOf('example.com'));
    await counting.close();
    nextDay();
    const days = await send({ maxMailBytes: 100 });
    expect(days.at(-1)?.reports[0]?.destinations).toMatchObject([{ status: 'too-large' }]);
    expect(delivered).toHaveLength(0);
  });

  it('counts what finds no room, and says so in the reports', async () => {
    const counting = collector({ maxDomains: 2, maxRowsPerDomain: 2 });
    const counted = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.1'].map((sourceIp) =>
      counting.record(recordOf('example.com', { sourceIp })),
    );
    expect(counted).toEqual([true, true, false, true]);
    counting.record(recordOf('example.org'));
    expect(counting.record(recordOf('example.net'))).toBe(false);
    expect(counting.stats).toMatchObject({ domains: 2, rows: 3, dropped: 2 });
    await counting.close();
    expect(counting.record(recordOf('example.com'))).toBe(false);
    nextDay();
    const [day] = (await send()).slice(-1);
    expect(day).toMatchObject({ dropped: 1 });
    expect(day?.reports.find(({ domain }) => domain === 'example.com')).toMatchObject({ messages: 3, dropped: 1 });
    const report = delivered.find(({ report: { policy } }) => policy.domain === 'example.com')?.report;
    expect(report?.metadata.errors).toEqual(['1 messages are not in this report, for want of room']);
  });

  it('says so when the store has lost counts', async () => {
    const [one, other] = [collector(), collector()];
    one.record(recordOf('example.com'));
    other.record(recordOf('example.com'));
    await one.flush();
    const keys: string[] = [];
    const forgetful = new Proxy(store, {
      get(target, name) {
        if (name === 'remember') {
          return (key: string, value: Uint8Array, ttlMs: number) => {
            if (key.includes('/domain/')) keys.push(key);
            else target.remember(key, value, ttlMs);
          };
        }
        const member: unknown = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const third = collector({ store: forgetful });
    third.record(recordOf('example.com'));
    await third.flush();
    await other.flush();
    expect(keys).toHaveLength(1);
    nextDay();
    const [day] = (await send()).slice(-1);
    expect(day?.reports[0]).toMatchObject({ messages: 2, missing: 1 });
    expect(delivered[0]?.report.metadata.errors).toEqual(['the counts of a part of the messages were lost']);
  });

  it('reports the last of several policies', async () => {
    const [one, other] = [collector(), collector()];
    one.record({ ...recordOf('example.com'), errors: ['syntax: x'] });
    clock.advance(1_000);
    other.record({ ...recordOf('example.com'), policy: { domain: 'example.com', p: 'none' } });
    await Promise.all([one.close(), other.close()]);
    nextDay();
    await send();
    expect(delivered[0]?.report).toMatchObject({ policy: { p: 'none' }, metadata: { errors: ['syntax: x'] } });
  });

  it('keeps days apart, and gives the room of old ones back', async () => {
    const counting = collector();
    counting.record(recordOf('example.com'));
    nextDay();
    counting.record(recordOf('example.com'));
    counting.record(recordOf('example.com'));
    expect(counting.stats).toMatchObject({ domains: 2, rows: 2 });
    await counting.flush();
    expect(counting.stats).toMatchObject({ domains: 1, rows: 1 });
    await counting.close();
    nextDay();
    await send();
    expect(delivered.map(({ report }) => [report.metadata.begin * 1_000, report.rows[0]?.count])).toEqual([
      [Date.UTC(2026, 10, 22), 1],
      [Date.UTC(2026, 10, 23), 2],
    ]);
  });

  it('says in its result that the store cannot be asked', async () => {
    const broken: Store = {
      charge: () => Promise.reject(new Error('down')),
      refund: () => {},
      reset: () => {},
      acquire: () => Promise.reject(new Error('down')),
      renew: () => false,
      release: () => {},
      remember: () => Promise.reject(new Error('down')),
      recall: () => Promise.reject(new Error('down')),
      forget: () => {},
      publish: () => {},
      subscribe: () => () => {},
    };
    const counting = collector({ store: broken });
    counting.record(recordOf('example.com'));
    expect(await counting.flush()).toMatchObject({ ok: false, written: 0 });
    expect(counting.stats).toMatchObject({ rows: 1 });
    expect(await send({}, broken)).toMatchObject([{ status: 'failed', detail: 'down' }, {}, {}]);
  });

  it('takes options of the right kind only', () => {
    // @ts-expect-error: what JavaScript may do
    expect(() => new AggregateCollector({})).toThrow(TypeError);
    // @ts-expect-error: what JavaScript may do
    expect(() => collector({ maxDomain: 1 })).toThrow(TypeError);
    expect(() => collector({ maxRows: 0 })).toThrow(RangeError);
    expect(() => send({ reporter: { orgName: 'x', email: 'a b@example.net' } })).toThrow(RangeError);
    expect(() => send({ deliverTimeoutMs: 100, leaseMs: 100 })).toThrow(RangeError);
  });
});
