/** What a number may be. Both bounds are inclusive. */
export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
}

function describe(value: unknown): string {
  // Put in a wrong place it would end up in a log.
  if (typeof value === 'string' && value.includes('PRIVATE KEY')) return 'the text of a private key';
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}

function describeBounds({ min, max }: NumberBounds): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` ≥ ${min}`;
  if (max !== undefined) return ` ≤ ${max}`;
  return '';
}

/**
 * Reads an options object that may come from JavaScript or from a configuration file: each value is checked when the
 * object that it configures is made, never when mail arrives. A mistake is a `TypeError` (wrong type, unknown name) or a
 * `RangeError` (right type, impossible value) that names the owner, the option, and what it takes.
 *
 * `done()` refuses names that nobody read: in security software a misspelt option must not be silently without effect.
 *
 * @example
 * ```ts
 * const read = new OptionReader('DnsClient', options);
 * const timeoutMs = read.integer('timeoutMs', 5_000, { min: 1 });
 * const servers = read.value('servers', isServerList, 'a list of addresses') ?? defaults;
 * read.done();
 * ```
 */
export class OptionReader {
  readonly #owner: string;
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #known = new Set<string>();

  /**
   * @param owner - the function or class whose options these are, as its user wrote it
   * @param options - the object to read; `undefined` is an empty one
   */
  constructor(owner: string, options: unknown) {
    if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options))) {
      throw new TypeError(`${owner}: options must be an object, got ${describe(options)}`);
    }
    this.#owner = owner;
    this.#values = new Map(Object.entries(options ?? {}));
  }

  /** The value of `name` if `accepts` takes it, `undefined` if it is absent. `takes` ends the sentence "must be …". */
  value<T>(name: string, accepts: (value: unknown) => value is T, takes: string): T | undefined {
    this.#known.add(name);
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    if (!accepts(value)) throw new TypeError(this.#message(name, takes, value));
    return value;
  }

  /** Like `value`, for an option without which there is nothing to do. */
  required<T>(name: string, accepts: (value: unknown) => value is T, takes: string): T {
    const value = this.value(name, accepts, takes);
    if (value === undefined) throw new TypeError(this.#message(name, takes, undefined));
    return value;
  }

  /** A finite number. */
  number(name: string, byDefault: number, bounds: NumberBounds = {}): number {
    return this.#number(name, byDefault, bounds, 'a finite number', Number.isFinite);
  }

  /** A whole number: counts, sizes in bytes, durations in milliseconds. */
  integer(name: string, byDefault: number, bounds: NumberBounds = {}): number {
    return this.#number(name, byDefault, bounds, 'a whole number', Number.isSafeInteger);
  }

  boolean(name: string, byDefault: boolean): boolean {
    return this.value(name, isBoolean, 'true or false') ?? byDefault;
  }

  text(name: string, byDefault: string): string {
    return this.value(name, isText, 'a string') ?? byDefault;
  }

  oneOf<T extends string>(name: string, words: readonly T[], byDefault: T): T {
    this.#known.add(name);
    const value = this.#values.get(name);
    if (value === undefined) return byDefault;
    const word = words.find((each) => each === value);
    if (word !== undefined) return word;
    const takes = `one of ${words.map((each) => JSON.stringify(each)).join(', ')}`;
    throw new TypeError(this.#message(name, takes, value));
  }

  /** What ends a wait. */
  signal(name: string): AbortSignal | undefined {
    return this.value(name, isSignal, 'an AbortSignal');
  }

  /** Throws a `RangeError` about an option whose type is right and whose value is not. */
  refuse(name: string, takes: string): never {
    throw new RangeError(this.#message(name, takes, this.#values.get(name)));
  }

  /** To be called when all options have been read: an unknown name is a `TypeError`. */
  done(): void {
    for (const name of this.#values.keys()) {
      if (this.#known.has(name)) continue;
      const known = [...this.#known].map((each) => JSON.stringify(each)).join(', ');
      throw new TypeError(`${this.#owner}: unknown option ${describe(name)}; it takes ${known}`);
    }
  }

  // What is wrong is put into words only when it is: options are read for each message by some.
  #number(
    name: string,
    byDefault: number,
    bounds: NumberBounds,
    kind: string,
    isRight: (value: number) => boolean,
  ): number {
    this.#known.add(name);
    const given = this.#values.get(name);
    const value = given === undefined ? byDefault : given;
    const { min = -Infinity, max = Infinity } = bounds;
    if (typeof value === 'number' && isRight(value) && value >= min && value <= max) return value;
    const message = this.#message(name, kind + describeBounds(bounds), value);
    throw typeof value === 'number' ? new RangeError(message) : new TypeError(message);
  }

  #message(name: string, takes: string, value: unknown): string {
    return `${this.#owner}: option ${JSON.stringify(name)} must be ${takes}, got ${describe(value)}`;
  }
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isSignal(value: unknown): value is AbortSignal {
  return value instanceof AbortSignal;
}
