import type { HeaderFields } from '../message/header-fields.ts';
import type { Answer } from './opinion.ts';

/**
 * Reads a message while it arrives. The gateway parses the header once and shares it; then come the bytes of the body,
 * in chunks of any size; then `end`, or `abort` when the client is gone or the message was refused.
 */
export interface MessageSink {
  /** The header, complete. Called once, before the first `write`. */
  header(fields: HeaderFields): void;
  /**
   * Bytes of the body, behind the empty line that ends the header. Read-only and only valid during the call. A promise
   * is for back-pressure alone; a sink that has seen enough returns at once.
   */
  write(chunk: Uint8Array): void | Promise<void>;
  end(): Answer;
  abort(): void;
}

/** Whether a value, of which nothing is known, is a sink. May throw what a getter of it throws. */
export function isMessageSink(value: unknown): value is MessageSink {
  if (typeof value !== 'object' || value === null) return false;
  return ['header', 'write', 'end', 'abort'].every((name) => typeof Reflect.get(value, name) === 'function');
}
