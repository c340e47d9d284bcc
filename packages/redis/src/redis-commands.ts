/** What one argument of a command may be. */
export type RedisArgument = string | Buffer;

/** A client of whatever kind, as far as this package uses it. */
export interface RedisCommands {
  /**
   * Sends one command, its name first. Bulk strings of the reply are Buffers.
   *
   * @param key - one of the command's keys; in a cluster it says which node is asked
   */
  send(key: string, args: readonly RedisArgument[]): Promise<unknown>;
  /** Opens the way on which published messages come. The events say how it stands; until `ready` nothing comes. */
  listen(events: ListenerEvents): RedisListener;
}

/** What a listener tells. */
export interface ListenerEvents {
  message(channel: string, payload: Buffer): void;
  /** Messages come from now on. What was published before, or since `gone`, did not come. */
  ready(): void;
  /** Messages may be lost from now on. */
  gone(): void;
}

/** The way on which published messages come. After an interruption it takes up its channels again by itself. */
export interface RedisListener {
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  close(): void;
}
