import { deepStrictEqual, ok } from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { expectRangeError, type StoreDemand } from './store-subject.ts';

const LONG_MS = 60_000;
const SHORT_MS = 300;

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** In plain arrays, so that a Buffer and a Uint8Array compare. */
function plain(values: readonly (Uint8Array | undefined)[]): (number[] | undefined)[] {
  return values.map((value) => value && [...value]);
}

/** What `remember`, `recall` and `forget` promise. */
export function* valueDemands(): Generator<StoreDemand> {
  yield [
    'values: are there for everyone until they are forgotten',
    async ({ store, other, key }) => {
      await store.remember(key('a'), bytes(0, 255, 128, 13, 10), LONG_MS);
      await store.remember(key('empty'), bytes(), LONG_MS);
      const recalled = await other.recall([key('empty'), key('unknown'), key('a'), key('a')]);
      deepStrictEqual(plain(recalled), [[], undefined, [0, 255, 128, 13, 10], [0, 255, 128, 13, 10]]);
      deepStrictEqual(await store.recall([]), []);
      await other.forget(key('a'));
      await other.forget(key('unknown'));
      deepStrictEqual(plain(await store.recall([key('a'), key('empty')])), [undefined, []]);
    },
  ];
  yield [
    'values: are gone after ttlMs',
    async ({ store, advance, key }) => {
      await store.remember(key('a'), bytes(1), SHORT_MS);
      await store.remember(key('b'), bytes(2), LONG_MS);
      await advance(SHORT_MS / 3);
      deepStrictEqual(plain(await store.recall([key('a'), key('b')])), [[1], [2]]);
      await advance(SHORT_MS);
      deepStrictEqual(plain(await store.recall([key('a'), key('b')])), [undefined, [2]]);
    },
  ];
  yield [
    'values: a new one takes the place of the old one, and its time',
    async ({ store, advance, key }) => {
      await store.remember(key('a'), bytes(1), SHORT_MS);
      await store.remember(key('a'), bytes(2), LONG_MS);
      await store.remember(key('b'), bytes(1), LONG_MS);
      await store.remember(key('b'), bytes(2), SHORT_MS);
      await advance(SHORT_MS * 2);
      deepStrictEqual(plain(await store.recall([key('a'), key('b')])), [[2], undefined]);
    },
  ];
  yield [
    'values: do not change with the bytes that were given or got',
    async ({ store, key }) => {
      const given = bytes(1, 2, 3);
      await store.remember(key('a'), given, LONG_MS);
      given.fill(9);
      const [got] = await store.recall([key('a')]);
      got?.fill(9);
      deepStrictEqual(plain(await store.recall([key('a')])), [[1, 2, 3]]);
    },
  ];
  yield [
    'values: stand under their own key, whatever stands in it',
    async ({ store, key }) => {
      const long = 'x'.repeat(5_000);
      const keys = ['a', 'A', 'a\0', '\u00fc', '*', '{a}', long, `${long}y`].map(key);
      for (const [index, name] of keys.entries()) await store.remember(name, bytes(index), LONG_MS);
      deepStrictEqual(plain(await store.recall(keys)), [[0], [1], [2], [3], [4], [5], [6], [7]]);
    },
  ];
  yield [
    'values: are something else than charges and slots under the same key',
    async ({ store, key }) => {
      const name = key('same');
      await store.remember(name, bytes(1), LONG_MS);
      await store.charge([{ algorithm: 'fixed', key: name, cost: 1, count: 1, perMs: LONG_MS }]);
      await store.acquire([{ key: name, limit: 1 }], LONG_MS);
      await store.reset([name]);
      deepStrictEqual(plain(await store.recall([name])), [[1]]);
      await store.forget(name);
      const { granted } = await store.acquire([{ key: name, limit: 1 }], LONG_MS);
      deepStrictEqual(granted, false);
    },
  ];
  yield [
    'values: a time that cannot be meant is a RangeError',
    async ({ store, key }) => {
      for (const ttlMs of [0, -1, Number.NaN]) {
        await expectRangeError(() => store.remember(key('a'), bytes(1), ttlMs));
      }
    },
  ];
}

/** What `publish` and `subscribe` promise. */
export function* topicDemands(): Generator<StoreDemand> {
  yield [
    'topics: every present subscriber gets the payload, of its own topic, in order',
    async ({ store, other, key }) => {
      const got: string[] = [];
      const listen = (who: string) => (payload: Uint8Array) => void got.push(`${who} ${[...payload]}`);
      const ends = [
        await store.subscribe(key('a'), listen('one')),
        await other.subscribe(key('a'), listen('two')),
        await store.subscribe(key('b'), listen('three')),
      ];
      await other.publish(key('a'), bytes(0, 255));
      await other.publish(key('a'), bytes());
      await store.publish(key('b'), bytes(7));
      await until(() => got.length >= 5);
      const of = (who: string): string[] => got.filter((each) => each.startsWith(who));
      deepStrictEqual([of('one'), of('two'), of('three')], [['one 0,255', 'one '], ['two 0,255', 'two '], ['three 7']]);
      for (const end of ends) await end();
    },
  ];
  yield [
    'topics: nobody keeps a payload for later, nor hands it over after the end',
    async ({ store, key }) => {
      const got: number[][] = [];
      await store.publish(key('a'), bytes(1));
      const end = await store.subscribe(key('a'), (payload) => void got.push([...payload]));
      await store.publish(key('a'), bytes(2));
      await until(() => got.length >= 1);
      await end();
      await end();
      await store.publish(key('a'), bytes(3));
      // What comes to a later subscriber would have come to the earlier one before.
      const endLast = await store.subscribe(key('a'), (payload) => void got.push([9, ...payload]));
      await store.publish(key('a'), bytes(4));
      await until(() => got.some(([head]) => head === 9));
      deepStrictEqual(got, [[2], [9, 4]]);
      await endLast();
    },
  ];
  yield [
    'topics: one subscriber’s end is not another’s, the same listener included',
    async ({ store, key }) => {
      let calls = 0;
      const listener = (): void => {
        calls++;
      };
      const end = await store.subscribe(key('a'), listener);
      const endOther = await store.subscribe(key('a'), listener);
      await end();
      await store.publish(key('a'), bytes(1));
      await until(() => calls > 0);
      deepStrictEqual(calls, 1);
      await endOther();
    },
  ];
}

/** Waits for what comes over a wire, not for what a clock says. */
async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 2_000 && !condition(); waited += 5) await wait(5);
  ok(condition(), 'what was published did not come within 2 s');
}
