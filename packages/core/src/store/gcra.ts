import { capacityOf, type RateAlgorithm } from './rate-state.ts';

/**
 * The generic cell rate algorithm (ITU-T I.371) as the leaky bucket that it equals: what was spent is a debt, which is paid
 * off with `count` per `perMs`, and no charge may raise it above `burst`.
 *
 * The debt is kept in cost × milliseconds: a charge adds `cost × perMs`, a millisecond takes `count` away. So for whole
 * numbers each step is exact up to 2^53, where an arrival time in fractions of milliseconds would drift.
 */
export const gcra: RateAlgorithm = {
  code: 0,

  settle(state, { count, perMs }, now) {
    const unit = Math.fround(perMs);
    // The same debt in the unit of a limit that was changed meanwhile.
    const debt = state.perMs === unit || state.spent === 0 ? state.spent : (state.spent / state.perMs) * perMs;
    state.spent = Math.max(0, debt - (now - state.at) * count);
    state.perMs = unit;
    state.at = now;
  },

  weight: ({ spent }) => spent,

  waitMs(state, rate, _now, cost) {
    const { count, perMs } = rate;
    return Math.ceil((state.spent + cost * perMs - capacityOf(rate) * perMs) / count);
  },

  spend(state, { perMs }, cost) {
    state.spent += cost * perMs;
  },

  giveBack(state, { perMs }, cost) {
    state.spent = Math.max(0, state.spent - cost * perMs);
  },

  expiresAt: ({ at, spent }, { count }) => at + spent / count,
};
