/**
 * Shared state for several machines: Store and Cache of Postern on Redis or Valkey.
 *
 * @module
 */

export {};
