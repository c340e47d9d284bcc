import type { Awaitable } from '@postern/core';
import type { ContractCase } from '../contract-case.ts';
import { chargeDemands } from './charge-contract.ts';
import { slotDemands } from './slot-contract.ts';
import { type ContractStore, type StoreDemand, subjectOf } from './store-subject.ts';
import { topicDemands, valueDemands } from './value-contract.ts';

/** How exact a store can be held to time. */
export interface StoreContractOptions {
  /**
   * How many milliseconds may pass between two calls that follow each other, where time passes by itself. Below 50: the
   * cases wait for hundreds. Default 0: the clock stands still unless a case moves it.
   */
  readonly slackMs?: number;
}

/**
 * What core's `Store` promises, as cases that any test runner runs. Keys carry a random part, so that a shared server may
 * serve several runs. Where time passes by itself, all cases together wait about 12 seconds.
 *
 * @param implementation - stands before each case's name
 * @param start - gives the store, and how its time passes
 *
 * @example
 * ```ts
 * const start = () => {
 *   const clock = new FakeClock();
 *   const store = new MemoryStore({ clock });
 *   return { store, now: () => clock.now(), advance: (ms: number) => clock.advance(ms) };
 * };
 * for (const { name, run } of storeContract('MemoryStore', start)) it(name, run);
 * ```
 */
export function storeContract(
  implementation: string,
  start: () => Awaitable<ContractStore>,
  options: StoreContractOptions = {},
): readonly ContractCase[] {
  const { slackMs = 0 } = options;
  if (!(slackMs >= 0 && slackMs < 50)) {
    throw new RangeError(`storeContract: option "slackMs" must be from 0 to 49, got ${slackMs}`);
  }
  const demands: StoreDemand[] = [...chargeDemands(), ...slotDemands(), ...valueDemands(), ...topicDemands()];
  return demands.map(([name, check]) => ({
    name: `${implementation}: ${name}`,
    run: async () => {
      const contract = await start();
      try {
        await check(subjectOf(contract, slackMs));
      } finally {
        await contract.close?.();
      }
    },
  }));
}
