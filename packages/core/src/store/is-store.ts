import type { Store } from './store.ts';

/** Whether an option that may come from JavaScript is a store: one call of each kind is looked for. */
export function isStore(value: unknown): value is Store {
  if (typeof value !== 'object' || value === null) return false;
  return ['charge', 'acquire', 'remember'].every((name) => typeof Reflect.get(value, name) === 'function');
}
