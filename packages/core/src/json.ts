/** What JSON can carry: findings and reports are made of it, so that they survive a log line or a queue. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** An object of JSON values; an absent property may also be written as `undefined`. */
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined;
}
