import type { RateAlgorithm } from './rate-state.ts';

/** Where the window of `perMs` that `now` lies in begins: at a multiple of its length, for every key alike. */
function windowStart(now: number, perMs: number): number {
  return Math.floor(now / perMs) * perMs;
}

/**
 * `count` in each window. Up to twice as much can pass in a short time: at the end of one window and the start of the next.
 * A state from another window, or from windows of another length, counts for nothing.
 */
export const fixedWindow: RateAlgorithm = {
  code: 1,

  settle(state, { perMs }, now) {
    const start = windowStart(now, perMs);
    const unit = Math.fround(perMs);
    if (state.at !== start || state.perMs !== unit) state.spent = 0;
    state.at = start;
    state.perMs = unit;
  },

  weight: ({ spent }, { perMs }) => spent * perMs,

  waitMs: ({ at }, { perMs }, now) => Math.ceil(at + perMs - now),

  spend(state, _rate, cost) {
    state.spent += cost;
  },

  giveBack(state, _rate, cost) {
    state.spent = Math.max(0, state.spent - cost);
  },

  expiresAt: ({ at, spent }, { perMs }) => (spent > 0 ? at + perMs : at),
};

/**
 * `count` in the last `perMs`, nearly: what was spent in the fixed window before counts in proportion to how much of that
 * window lies within the last `perMs`, as if it had been spent evenly. Windows of another length count for nothing.
 */
export const slidingWindow: RateAlgorithm = {
  code: 2,

  settle(state, { perMs }, now) {
    const start = windowStart(now, perMs);
    const unit = Math.fround(perMs);
    const same = state.perMs === unit && state.at === start;
    if (!same) {
      const next = state.perMs === unit && state.at === windowStart(start - perMs / 2, perMs);
      state.spentBefore = next ? state.spent : 0;
      state.spent = 0;
    }
    state.at = start;
    state.perMs = unit;
  },

  weight: ({ at, spent, spentBefore }, { perMs }, now) => spentBefore * (at + perMs - now) + spent * perMs,

  waitMs({ at, spent, spentBefore }, { count, perMs }, now, cost) {
    const left = at + perMs - now;
    // With what was spent in this window alone it would fit: the share of the window before has to shrink.
    const room = count - cost - spent;
    if (room >= 0) return Math.ceil(left - (room * perMs) / spentBefore);
    // It fits in the next window, when this one's share has shrunk.
    return Math.ceil(left + perMs - ((count - cost) * perMs) / spent);
  },

  spend(state, _rate, cost) {
    state.spent += cost;
  },

  giveBack(state, _rate, cost) {
    const fromThis = Math.min(cost, state.spent);
    state.spent -= fromThis;
    state.spentBefore = Math.max(0, state.spentBefore - (cost - fromThis));
  },

  expiresAt({ at, spent, spentBefore }, { perMs }) {
    if (spent > 0) return at + 2 * perMs;
    return spentBefore > 0 ? at + perMs : at;
  },
};
