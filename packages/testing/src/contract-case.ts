/**
 * One demand of a contract. It needs no test runner: `node:test`, vitest and a plain loop run it alike.
 *
 * @example
 * ```ts
 * for (const { name, run } of resolverContract('MyResolver', start)) it(name, run);
 * ```
 */
export interface ContractCase {
  readonly name: string;
  /** Rejects with an `AssertionError` when the demand is not met. */
  readonly run: () => Promise<void>;
}
