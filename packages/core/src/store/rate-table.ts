import { ExpiringMap } from './expiring-map.ts';
import { GcraReading } from './gcra.ts';
import type { RateReading, RateState } from './rate-reading.ts';
import type { Charge, ChargeResult, ChargeState } from './store.ts';
import { storedKey } from './stored-key.ts';
import { FixedWindowReading, SlidingWindowReading } from './window.ts';

/** What was charged to keys. One key under several algorithms has a state for each. */
export class RateTable {
  readonly #states: ExpiringMap<RateState>;

  constructor(maxKeys: number) {
    this.#states = new ExpiringMap({ maxKeys });
  }

  charge(charges: readonly Charge[], now: number): ChargeResult {
    for (const charge of charges) assertCharge('charge', charge);
    const ids = charges.map(stateId);
    // What the charges of this call come to, each on top of those before it that fit: a key may be charged twice.
    const after = new Map<string, RateState>();
    let allowed = true;
    const waits = charges.map((charge, index) => {
      const id = ids[index] ?? '';
      const reading = readingOf(charge, after.get(id) ?? this.#states.get(id, now), now);
      const wait = reading.retryAfterMs;
      if (wait === 0) after.set(id, reading.spend());
      else allowed = false;
      return wait;
    });
    if (allowed) {
      for (const [id, state] of after) this.#states.set(id, state, now);
    }
    const states = charges.map((charge, index): ChargeState => {
      const id = ids[index] ?? '';
      const { remaining } = readingOf(charge, allowed ? after.get(id) : this.#states.get(id, now), now);
      return { key: charge.key, remaining, retryAfterMs: waits[index] ?? 0 };
    });
    return { allowed, states };
  }

  refund(charges: readonly Charge[], now: number): void {
    for (const charge of charges) assertCharge('refund', charge);
    for (const charge of charges) {
      const id = stateId(charge);
      const state = this.#states.get(id, now);
      if (state !== undefined) this.#states.set(id, readingOf(charge, state, now).giveBack(), now);
    }
  }

  reset(keys: readonly string[]): void {
    for (const key of keys) {
      for (const algorithm of algorithms) this.#states.delete(`${algorithm} ${storedKey(key)}`);
    }
  }
}

const algorithms = ['gcra', 'fixed', 'sliding'] as const satisfies readonly Charge['algorithm'][];

function stateId({ algorithm, key }: Charge): string {
  return `${algorithm} ${storedKey(key)}`;
}

function readingOf(charge: Charge, state: RateState | undefined, now: number): RateReading {
  switch (charge.algorithm) {
    case 'gcra':
      return new GcraReading(charge, state, now);
    case 'fixed':
      return new FixedWindowReading(charge, state, now);
    case 'sliding':
      return new SlidingWindowReading(charge, state, now);
  }
}

function assertCharge(call: string, charge: Charge): void {
  const { key, algorithm, cost, count, perMs } = charge;
  if (typeof key !== 'string') throw new RangeError(`${call}: key must be a string`);
  if (!algorithms.includes(algorithm)) {
    throw new RangeError(`${call}: algorithm of ${JSON.stringify(key)} must be "gcra", "fixed" or "sliding"`);
  }
  if (!(Number.isFinite(cost) && cost >= 0)) throw misused(call, charge, 'cost', 'a finite number ≥ 0');
  if (!(Number.isFinite(count) && count > 0)) throw misused(call, charge, 'count', 'a finite number > 0');
  if (!(Number.isFinite(perMs) && perMs > 0)) throw misused(call, charge, 'perMs', 'a finite number > 0');
  if (charge.algorithm === 'gcra' && !(Number.isFinite(charge.burst) && charge.burst > 0)) {
    throw misused(call, charge, 'burst', 'a finite number > 0');
  }
}

function misused(call: string, { key }: Charge, what: string, takes: string): RangeError {
  return new RangeError(`${call}: ${what} of ${JSON.stringify(key.slice(0, 60))} must be ${takes}`);
}
