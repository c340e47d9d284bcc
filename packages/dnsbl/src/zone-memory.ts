import { type CompiledZone, compileZones, type ZoneSubject } from './compiled-zone.ts';
import type { DnsblZone } from './dnsbl-zone.ts';

/** What an array of zones held when it was checked, and what came of it. */
interface Remembered {
  readonly zones: readonly (string | DnsblZone)[];
  readonly compiled: readonly CompiledZone[];
}

/** Checks zones by the array that they come in, so that a caller with a constant list pays for its check once. */
export class ZoneMemory {
  readonly #owner: string;
  readonly #lists: ZoneSubject;
  readonly #remembered = new WeakMap<readonly (string | DnsblZone)[], Remembered>();

  constructor(owner: string, lists: ZoneSubject) {
    this.#owner = owner;
    this.#lists = lists;
  }

  compile(zones: readonly (string | DnsblZone)[]): readonly CompiledZone[] {
    const before = this.#remembered.get(zones);
    if (before?.zones.length === zones.length && before.zones.every((zone, index) => zone === zones[index])) {
      return before.compiled;
    }
    const compiled = compileZones(this.#owner, zones, this.#lists);
    this.#remembered.set(zones, { zones: [...zones], compiled });
    return compiled;
  }
}
