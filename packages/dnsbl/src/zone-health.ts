/**
 * What a query asks of whoever watches its zones, and tells him. `ZoneMonitor` is one; another may be shared between
 * processes, for instance. Zones are named without their keys, as in results.
 */
export interface ZoneHealth {
  /**
   * Whether the zone is not to be asked at present. Its result is then `unknown` with the reason `set-aside`: neither listed
   * nor clean. Asked for each zone of each query; must not throw.
   */
  isAside(zone: string): boolean;
  /** A query got no word from the zone that can be used: a time-out, a failure, an error code. Must not throw. */
  suspect(zone: string): void;
}

/** Whether an option that may come from JavaScript is a {@link ZoneHealth}. */
export function isZoneHealth(value: unknown): value is ZoneHealth {
  return (
    typeof value === 'object' &&
    value !== null &&
    'isAside' in value &&
    typeof value.isAside === 'function' &&
    'suspect' in value &&
    typeof value.suspect === 'function'
  );
}
