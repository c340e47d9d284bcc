import type { Charge, ChargeResult, ChargeState } from '@postern/core';
import type { StoreKeys } from './store-keys.ts';

const doubleBytes = 8;
const doublesPerLimit = 5;
const shortBytes = 2;

const algorithmNumbers = { gcra: 0, fixed: 1, sliding: 2 } as const satisfies Record<Charge['algorithm'], number>;

/** Charges as `rateSource` reads them: each key and each limit is named once. */
export interface WrittenCharges {
  readonly keys: readonly string[];
  readonly args: readonly [limits: Buffer, decisions: Buffer];
  /** All are GCRA's, and none is made twice on one key in one decision. */
  readonly arePlain: boolean;
}

/** At most 65,535 keys and as many limits. */
export function writeCharges(names: StoreKeys, lists: readonly (readonly Charge[])[]): WrittenCharges {
  const writer = new ChargeWriter(names, lists);
  return { keys: writer.keys, args: [writer.limits(), writer.decisions], arePlain: writer.arePlain };
}

class ChargeWriter {
  readonly #names: StoreKeys;
  readonly #indexes = {
    gcra: new Map<string, number>(),
    fixed: new Map<string, number>(),
    sliding: new Map<string, number>(),
  } satisfies Record<Charge['algorithm'], Map<string, number>>;
  readonly #limits: Charge[] = [];
  /** The last decision in which a key was charged. */
  readonly #lastUse: number[] = [];
  readonly keys: string[] = [];
  readonly decisions: Buffer;
  arePlain = true;

  constructor(names: StoreKeys, lists: readonly (readonly Charge[])[]) {
    this.#names = names;
    let shorts = 0;
    for (const charges of lists) shorts += 1 + 2 * charges.length;
    this.decisions = Buffer.allocUnsafe(shorts * shortBytes);
    let at = 0;
    for (const [decision, charges] of lists.entries()) {
      at = this.decisions.writeUInt16LE(charges.length, at);
      for (const charge of charges) {
        const key = this.#key(charge);
        if (charge.algorithm !== 'gcra' || this.#lastUse[key] === decision) this.arePlain = false;
        this.#lastUse[key] = decision;
        at = this.decisions.writeUInt16LE(key, at);
        at = this.decisions.writeUInt16LE(this.#limit(charge), at);
      }
    }
  }

  limits(): Buffer {
    const buffer = Buffer.allocUnsafe(this.#limits.length * doublesPerLimit * doubleBytes);
    let at = 0;
    for (const charge of this.#limits) {
      const { cost, count, perMs } = charge;
      const capacity = charge.algorithm === 'gcra' ? charge.burst : count;
      for (const number of [algorithmNumbers[charge.algorithm], cost, count, perMs, capacity]) {
        at = buffer.writeDoubleLE(number, at);
      }
    }
    return buffer;
  }

  /** From 1, as Lua counts. */
  #key({ algorithm, key }: Charge): number {
    const indexes = this.#indexes[algorithm];
    const known = indexes.get(key);
    if (known !== undefined) return known;
    const index = this.keys.push(this.#names.rate(algorithm, key));
    indexes.set(key, index);
    return index;
  }

  /** From 1. */
  #limit(charge: Charge): number {
    const limits = this.#limits;
    for (let index = 0; index < limits.length; index++) {
      const known = limits[index];
      if (known !== undefined && isSameLimit(known, charge)) return index + 1;
    }
    return limits.push(charge);
  }
}

function isSameLimit(one: Charge, other: Charge): boolean {
  if (one.cost !== other.cost || one.count !== other.count || one.perMs !== other.perMs) return false;
  if (one.algorithm === 'gcra') return other.algorithm === 'gcra' && one.burst === other.burst;
  return one.algorithm === other.algorithm;
}

/** What `chargeSource` replied; `undefined` when that cannot be the reply to these charges. */
export function readChargeReply(reply: unknown, lists: readonly (readonly Charge[])[]): ChargeResult[] | undefined {
  if (!Buffer.isBuffer(reply)) return undefined;
  const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength);
  const results: ChargeResult[] = [];
  let at = 0;
  for (const charges of lists) {
    if (at + doubleBytes > reply.length) return undefined;
    const allowed = view.getFloat64(at, true) === 1;
    at += doubleBytes;
    if (at + (allowed ? 1 : 2) * charges.length * doubleBytes > reply.length) return undefined;
    const states: ChargeState[] = [];
    for (const { key } of charges) {
      const remaining = view.getFloat64(at, true);
      at += doubleBytes;
      states.push({ key, remaining, retryAfterMs: allowed ? 0 : view.getFloat64(at, true) });
      if (!allowed) at += doubleBytes;
    }
    results.push({ allowed, states });
  }
  return at === reply.length ? results : undefined;
}
