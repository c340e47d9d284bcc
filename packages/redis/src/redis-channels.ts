import { channel } from 'node:diagnostics_channel';

/** What subscribers of the diagnostics channel `postern.redis.availability` learn. */
export type RedisAvailability =
  | {
      readonly available: false;
      /** Whose: `RedisStore`, `RedisCache` or `SharedBans`. */
      readonly owner: string;
      readonly prefix: string;
      /** `timeout`, `closed`, or the error's code word (`ECONNREFUSED`, `OOM`, `READONLY`, …). Never its text. */
      readonly reason: string;
    }
  | {
      readonly available: true;
      readonly owner: string;
      readonly prefix: string;
      /** For how long the local answer stood. */
      readonly awayMs: number;
    };

/** What subscribers of the diagnostics channel `postern.redis.invalid` learn of a message that was not understood. */
export interface InvalidMessage {
  readonly owner: string;
  readonly prefix: string;
  /** What is wrong with it, in a few words; nothing of its text. */
  readonly reason: string;
  readonly bytes: number;
}

export function announceAvailability(message: RedisAvailability): void {
  channel('postern.redis.availability').publish(message);
}

export function reportInvalid(message: InvalidMessage): void {
  channel('postern.redis.invalid').publish(message);
}

const longestWord = 40;

/**
 * The code word of an error of a client: the system's (`ECONNREFUSED`), or the first word of Redis' reply (`OOM`). The text
 * is left out, since it may carry addresses, commands and what a person put into a connection URL.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message.split(' ', 1).join('');
  return isCodeWord(code) ? code : 'error';
}

function isCodeWord(word: string): boolean {
  return word.length > 0 && word.length <= longestWord && /^[A-Z_]+$/.test(word);
}
