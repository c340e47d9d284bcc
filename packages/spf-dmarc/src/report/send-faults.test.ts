import { MemoryStore, type Store } from '@postern/core';
import { FakeClock, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { AggregateCollector } from './aggregate-collector.ts';
import type { AggregateRecord } from './aggregate-record.ts';
import { sendDueReports } from './send-due-reports.ts';
import type { DueReport, SendReportsOptions } from './send-options.ts';
import { mailto, recordOf } from './test-record.ts';
import { deferred, storeWith } from './test-store.ts';

const DAY_MS = 86_400_000;
const start = Date.UTC(2026, 10, 22, 12);
const morning = Date.UTC(2026, 10, 23, 1);

let clock: FakeClock;
let store: MemoryStore;
let delivered: DueReport[];
/** Of the lists of domains that were written. */
let indexKeys: string[];

beforeEach(() => {
  clock = new FakeClock(start);
  store = new MemoryStore({ clock });
  delivered = [];
  indexKeys = [];
});

const never = (): Promise<never> => new Promise(() => {});

/** Counts, writes, and ends: the day after. */
async function count(...records: readonly AggregateRecord[]): Promise<void> {
  const noted = storeWith(() => store, {
    remember: (key, value, ttlMs) => {
      if (key.includes('/index/')) indexKeys.push(key);
      return store.remember(key, value, ttlMs);
    },
  });
  const collector = new AggregateCollector({ store: noted, clock });
  for (const record of records) collector.record(record);
  await collector.close();
  clock.advance(DAY_MS);
}

function send(options: Partial<SendReportsOptions> = {}, from: Store = store) {
  return sendDueReports(from, {
    reporter: { orgName: 'Example Net', email: 'dmarc@example.net' },
    resolver: new ZoneResolver({}),
    clock,
    maxAgeDays: 1,
    deliver: async (due) => {
      delivered.push(due);
      return 'delivered';
    },
    ...options,
  });
}

describe('a store that fails while reports are sent', () => {
  it('does not hide what was delivered and could not be noted', async () => {
    await count(recordOf('example.com'));
    const forgetful = storeWith(() => store, { remember: () => Promise.reject(new Error('down')) });
    expect(await send({}, forgetful)).toMatchObject([
      { status: 'failed', detail: 'down', reports: [{ destinations: [{ status: 'delivered' }] }] },
    ]);
    await send();
    const [first, second] = delivered;
    expect(second?.file.fileName).toBe(first?.file.fileName);
    expect(delivered).toHaveLength(2);
  });

  it.each(['acquire', 'recall', 'remember', 'renew', 'release', 'forget'] as const)(
    'is waited for no longer than the caller wants when it hangs in %s',
    async (call) => {
      await count(recordOf('a.example'), recordOf('b.example'));
      const controller = new AbortController();
      const hanging = storeWith(() => store, {
        [call]: () => {
          setImmediate(() => controller.abort());
          return never();
        },
      });
      const deliver = async (): Promise<'delivered'> => {
        clock.advance(150_000);
        return 'delivered';
      };
      expect(await send({ deliver, signal: controller.signal, concurrency: 1 }, hanging)).toMatchObject([
        { status: 'stopped' },
      ]);
    },
  );

  it('gives a lease back that comes when nobody waits for it any more', async () => {
    await count(recordOf('example.com'));
    const controller = new AbortController();
    const { promise, resolve } = deferred();
    const late = storeWith(() => store, {
      acquire: async (slots, leaseMs) => {
        controller.abort();
        await promise;
        return store.acquire(slots, leaseMs);
      },
    });
    expect(await send({ signal: controller.signal }, late)).toMatchObject([{ status: 'stopped' }]);
    resolve();
    await expect.poll(async () => (await send()).map(({ status }) => status), { timeout: 15_000 }).toEqual(['done']);
    expect(delivered).toHaveLength(1);
  });

  it('waits for lists of domains that are gone, and at last says in the reports that a part was lost', async () => {
    await count(recordOf('example.com'));
    clock.set(start);
    await count(recordOf('example.com'));
    const [lost] = indexKeys;
    expect(indexKeys).toHaveLength(2);
    clock.set(morning);
    const forgetful = storeWith(() => store, {
      recall: (keys) => store.recall(keys).map((value, index) => (keys[index] === lost ? undefined : value)),
    });
    expect(await send({}, forgetful)).toMatchObject([{ status: 'failed', missing: 1, reports: [] }]);
    expect(delivered).toHaveLength(0);
    clock.advance(DAY_MS / 2);
    expect(await send({}, forgetful)).toMatchObject([{ status: 'done', missing: 1, reports: [{ messages: 1 }] }]);
    expect(delivered[0]?.report.metadata.errors).toEqual(['the counts of a part of the messages were lost']);
  });

  it('sends whole reports when the lists are there again', async () => {
    await count(recordOf('example.com'));
    clock.set(morning);
    const away = storeWith(() => store, {
      recall: (keys) => (keys[0]?.includes('/index/') ? [undefined] : store.recall(keys)),
    });
    expect(await send({}, away)).toMatchObject([{ status: 'failed' }]);
    expect(await send()).toMatchObject([{ status: 'done', missing: 0, reports: [{ messages: 1 }] }]);
    expect(delivered[0]?.report.metadata.errors).toEqual([]);
  });
});

describe('clocks, sizes and addresses', () => {
  it('stops when its lease ran out although the clock was set back', async () => {
    await count(...['a', 'b', 'c'].map((name) => recordOf(`${name}.example`)));
    const deliver = async (due: DueReport): Promise<'delivered'> => {
      delivered.push(due);
      clock.set(clock.now() - 3_600_000);
      return 'delivered';
    };
    const gone = storeWith(() => store, { renew: () => false });
    expect(await send({ deliver, concurrency: 1 }, gone)).toMatchObject([{ status: 'stopped' }]);
    expect(delivered).toHaveLength(1);
  });

  it('sends one copy to a mailbox that several addresses lead to', async () => {
    const resolver = new ZoneResolver({
      'example.com._report._dmarc.other.example': { TXT: 'v=DMARC1; rua=mailto:all@other.example' },
    });
    const rua = ['a@other.example', 'b@other.example', 'x@example.com', 'x@EXAMPLE.com'].map(mailto);
    await count({ ...recordOf('example.com'), rua });
    await send({ resolver });
    await send({ resolver });
    expect(delivered.map(({ mail }) => mail.recipient)).toEqual(['all@other.example', 'x@example.com']);
    expect(new Set(delivered.map(({ file }) => file)).size).toBe(1);
  });

  it('reports the policy that was seen last, whichever collector comes first', async () => {
    const [one, other] = [0, 1].map(() => new AggregateCollector({ store, clock }));
    const weaker = { ...recordOf('example.com'), policy: { domain: 'example.com', p: 'none' } } as const;
    other?.record(recordOf('example.com'));
    clock.advance(1_000);
    one?.record(weaker);
    await one?.close();
    await other?.close();
    clock.advance(DAY_MS);
    await send();
    expect(delivered[0]?.report).toMatchObject({ policy: { p: 'none' }, rows: [{ count: 2 }] });
  });

  it('works on no report that everyone has, also when its counts are written again', async () => {
    const collector = new AggregateCollector({ store, clock });
    collector.record(recordOf('example.com'));
    clock.set(Date.UTC(2026, 10, 23, 0, 1));
    await collector.flush();
    expect(await send({ settleMs: 0 })).toMatchObject([{ reports: [{ messages: 1 }] }]);
    await collector.flush();
    expect(await send({ settleMs: 0 })).toMatchObject([{ status: 'done', reports: [] }]);
    expect(delivered).toHaveLength(1);
    await collector.close();
  });

  it('counts the messages of domains beyond the most that it reports', async () => {
    await count(recordOf('a.example'), recordOf('b.example'), recordOf('b.example'));
    expect(await send({ maxDomains: 1 })).toMatchObject([{ dropped: 2, reports: [{ domain: 'a.example' }] }]);
  });

  it('counts domains of which there is no row for want of room', async () => {
    const collector = new AggregateCollector({ store, clock, maxRows: 1 });
    collector.record(recordOf('a.example'));
    expect(collector.record(recordOf('b.example'))).toBe(false);
    await collector.close();
    clock.advance(DAY_MS);
    expect(await send()).toMatchObject([{ dropped: 1, reports: [{ domain: 'a.example', dropped: 0 }] }]);
  });

  it('bounds a report in length, whatever stands in its rows, and says how many messages it lacks', async () => {
    const long = 'x'.repeat(255);
    const count = 1_250;
    const collector = new AggregateCollector({ store, clock });
    for (let index = 0; index < count; index++) {
      const dkimResults = Array.from({ length: 10 }, (_, signature) => ({
        domain: long,
        selector: `${index}.${signature}`.padEnd(255, 'y'),
        result: 'fail' as const,
        humanResult: long,
      }));
      expect(collector.record(recordOf('example.com', { dkimResults }))).toBe(true);
    }
    await collector.close();
    clock.advance(DAY_MS);
    const [day] = await send();
    const [report] = day?.reports ?? [];
    expect(report?.dropped).toBeGreaterThan(0);
    expect((report?.messages ?? 0) + (report?.dropped ?? 0)).toBe(count);
    expect(delivered[0]?.report.metadata.errors).toEqual([
      `${report?.dropped} messages are not in this report, for want of room`,
    ]);
  });
});

/** A store that fails in its calls as often as it is told: after how many calls each time. */
function failing(after: readonly number[], calls: readonly (keyof Store)[]): Store {
  const waits = [...after];
  const failure = (call: keyof Store): boolean => {
    const [wait] = waits;
    if (wait === undefined || !calls.includes(call)) return false;
    if (wait > 0) {
      waits[0] = wait - 1;
      return false;
    }
    waits.shift();
    return true;
  };
  const asked = async <T>(call: keyof Store, answer: () => T): Promise<T> => {
    await new Promise((resolve) => setImmediate(resolve));
    if (failure(call)) throw new Error('down');
    return answer();
  };
  return storeWith(() => store, {
    acquire: (slots, leaseMs) => asked('acquire', () => store.acquire(slots, leaseMs)),
    renew: (lease, leaseMs) => asked('renew', () => store.renew(lease, leaseMs)),
    remember: (key, value, ttlMs) => asked('remember', () => store.remember(key, value, ttlMs)),
    recall: (keys) => asked('recall', () => store.recall(keys)),
    forget: (key) => asked('forget', () => store.forget(key)),
  });
}

const failures = fc.array(fc.nat(12), { maxLength: 4 });
const steps = fc.array(fc.record({ machine: fc.nat(1), domain: fc.nat(2), source: fc.nat(2), flush: fc.boolean() }), {
  maxLength: 20,
});

describe('whatever fails, and whenever', () => {
  it('counts every message once and sends no report twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        failures,
        fc.array(failures, { minLength: 3, maxLength: 3 }),
        async (all, down, outages) => {
          clock = new FakeClock(start);
          store = new MemoryStore({ clock });
          delivered = [];
          const unsure = failing(down, ['acquire', 'recall', 'remember']);
          const machines = [0, 1].map(() => new AggregateCollector({ store: unsure, clock }));
          const counted = new Map<string, number>();
          for (const { machine, domain, source, flush } of all) {
            const name = `d${domain}.example`;
            machines[machine]?.record(recordOf(name, { sourceIp: `192.0.2.${source}` }));
            counted.set(name, (counted.get(name) ?? 0) + 1);
            if (flush) await machines[machine]?.flush();
          }
          for (const machine of machines) while (!(await machine.flush()).ok);
          await Promise.all(machines.map((machine) => machine.close()));
          clock.advance(DAY_MS);

          // What was delivered is noted: a store that fails in that moment makes a second copy, as it is documented.
          await Promise.all(outages.map((after) => send({}, failing(after, ['acquire', 'recall', 'renew', 'forget']))));
          clock.advance(300_001);
          expect(await send()).toMatchObject([{ status: 'done' }]);
          const sums = delivered.map(({ report: { policy, rows } }) => {
            return [policy.domain, rows.reduce((sum, row) => sum + row.count, 0)] as const;
          });
          expect(sums).toHaveLength(counted.size);
          expect(new Map(sums)).toEqual(counted);
        },
      ),
      { numRuns: 60 },
    );
  });
});
