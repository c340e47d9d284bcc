import type { Charge, ChargeResult, ChargeState } from '@postern/core';
import type { StoreKeys } from './store-keys.ts';

const doubleBytes = 8;
const doublesPerCharge = 6;

const algorithmNumbers = { gcra: 0, fixed: 1, sliding: 2 } as const satisfies Record<Charge['algorithm'], number>;

/** Lists of charges as `chargeSource` reads them, each key named once. */
export class ChargeWriter {
  readonly #names: StoreKeys;
  readonly #indexes = new Map<string, number>();
  readonly keys: string[] = [];

  constructor(names: StoreKeys) {
    this.#names = names;
  }

  write(lists: readonly (readonly Charge[])[]): Buffer {
    const doubles = lists.reduce((sum, charges) => sum + 1 + doublesPerCharge * charges.length, 0);
    const buffer = Buffer.allocUnsafe(doubles * doubleBytes);
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    let at = 0;
    const put = (value: number): void => {
      view.setFloat64(at, value, true);
      at += doubleBytes;
    };
    for (const charges of lists) {
      put(charges.length);
      for (const charge of charges) {
        put(this.#index(charge));
        put(algorithmNumbers[charge.algorithm]);
        put(charge.cost);
        put(charge.count);
        put(charge.perMs);
        put(charge.algorithm === 'gcra' ? charge.burst : charge.count);
      }
    }
    return buffer;
  }

  #index({ algorithm, key }: Charge): number {
    const name = this.#names.rate(algorithm, key);
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    const index = this.keys.push(name);
    this.#indexes.set(name, index);
    return index;
  }
}

/** What `chargeSource` replied; `undefined` when that cannot be the reply to these charges. */
export function readChargeReply(reply: unknown, lists: readonly (readonly Charge[])[]): ChargeResult[] | undefined {
  if (!Buffer.isBuffer(reply)) return undefined;
  const doubles = lists.reduce((sum, charges) => sum + 1 + 2 * charges.length, 0);
  if (reply.length !== doubles * doubleBytes) return undefined;
  const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  let at = 0;
  const next = (): number => {
    const value = view.getFloat64(at, true);
    at += doubleBytes;
    return value;
  };
  return lists.map((charges) => {
    const allowed = next() === 1;
    const states = charges.map(({ key }): ChargeState => ({ key, remaining: next(), retryAfterMs: next() }));
    return { allowed, states };
  });
}
