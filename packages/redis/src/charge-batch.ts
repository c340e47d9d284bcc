import type { Charge, ChargeResult } from '@postern/core';
import { readChargeReply, writeCharges } from './charge-codec.ts';
import { LuaScript } from './lua-script.ts';
import { chargeSource, plainChargeSource } from './rate-source.ts';
import type { RedisLink } from './redis-link.ts';
import type { ScriptClock } from './script-clock.ts';
import type { StoreKeys } from './store-keys.ts';

/**
 * At most so many charges are made by one script: a fraction of a millisecond. So nobody else waits long for Redis, and what
 * comes next is written here while Redis computes.
 */
const mostCharges = 96;

interface Waiting {
  readonly charges: readonly Charge[];
  readonly answer: (result: ChargeResult | undefined) => void;
}

/**
 * Hands in together what is to be charged at about the same time. Decisions that are asked for in one turn of the event loop
 * go to Redis in one command, and are made there one after the other: each still on its own, all or none of its charges.
 * A command costs the client and Redis several times what a decision costs.
 */
export class ChargeBatch {
  readonly #link: RedisLink;
  readonly #keys: StoreKeys;
  readonly #clock: ScriptClock;
  readonly #script = new LuaScript(chargeSource);
  readonly #plainScript = new LuaScript(plainChargeSource);
  #waiting: Waiting[] = [];

  constructor(link: RedisLink, keys: StoreKeys, clock: ScriptClock) {
    this.#link = link;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** `answer` gets `undefined` when Redis did not say. */
  add(charges: readonly Charge[], answer: (result: ChargeResult | undefined) => void): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push({ charges, answer });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let batch: Waiting[] = [];
    let size = 0;
    for (const each of waiting) {
      if (size > 0 && size + each.charges.length > mostCharges) {
        void this.#send(batch);
        batch = [];
        size = 0;
      }
      batch.push(each);
      size += each.charges.length;
    }
    void this.#send(batch);
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const lists = batch.map(({ charges }) => charges);
    const results = await this.#link.ask(async () => {
      const { keys, args, arePlain } = writeCharges(this.#keys, lists);
      const script = arePlain ? this.#plainScript : this.#script;
      const reply = await script.run(this.#link.commands, keys, [...this.#clock.args(), ...args]);
      const read = readChargeReply(reply, lists);
      // What answers rubbish is no Redis to rely on: as good as none.
      if (read === undefined) throw new Error('not the reply to these charges');
      return read;
    });
    for (const [index, { answer }] of batch.entries()) answer(results?.[index]);
  }
}
