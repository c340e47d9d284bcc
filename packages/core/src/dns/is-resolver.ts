import type { Resolver } from './resolver.ts';

/** Whether an option that may come from JavaScript is a resolver. */
export function isResolver(value: unknown): value is Resolver {
  return typeof value === 'object' && value !== null && 'resolve' in value && typeof value.resolve === 'function';
}
