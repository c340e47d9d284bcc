import { createHash } from 'node:crypto';
import type { RedisArgument, RedisCommands } from './redis-commands.ts';

/** A script that Redis keeps: it is sent by its hash, and once in full where Redis does not know it (any more). */
export class LuaScript {
  readonly #source: string;
  readonly #hash: string;

  constructor(source: string) {
    this.#source = source;
    this.#hash = createHash('sha1').update(source).digest('hex');
  }

  /** @param keys - all of one slot; the first says which node of a cluster is asked */
  run(commands: RedisCommands, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    const [key = ''] = keys;
    const rest = [String(keys.length), ...keys, ...args];
    return commands.send(key, ['EVALSHA', this.#hash, ...rest]).catch((error: unknown) => {
      // After a restart, a failover or SCRIPT FLUSH. What was refused so has not run: no charge is made twice.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return commands.send(key, ['EVAL', this.#source, ...rest]);
    });
  }
}
