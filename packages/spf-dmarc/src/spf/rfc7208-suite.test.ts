import { existsSync, readFileSync } from 'node:fs';
import { type NameData, type ZoneData, type ZoneFailure, ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { checkSpfMailFrom } from './check-spf.ts';

/**
 * The openspf.org test suite for RFC 7208. It lies beside the project and not in it: whoever has the project alone skips
 * this test, which CI does not.
 */
const suite = new URL('../../../../../shared/conformance/rfc7208-tests.yml', import.meta.url);
const CASES = 203;

/** What stands for "the checker's own explanation": it has none. */
const DEFAULT_EXPLANATION = 'DEFAULT';

interface Scenario {
  readonly description: string;
  readonly tests: Readonly<Record<string, Case>>;
  readonly zonedata: Readonly<Record<string, readonly Entry[]>>;
}

interface Case {
  readonly helo: string;
  readonly host: string;
  readonly mailfrom: string;
  readonly result: string | readonly string[];
  readonly explanation?: string;
}

/** One record: its type, and what it holds. */
type Entry = 'TIMEOUT' | Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isScenario(value: unknown): value is Scenario {
  return isRecord(value) && isRecord(value['tests']) && isRecord(value['zonedata']);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

/** `TIMEOUT` lets every type time out that is not listed; `SPF` records are TXT records, unless there are some. */
function nameData(entries: readonly Entry[]): NameData | ZoneFailure {
  const sets = new Map<string, unknown[]>();
  const policies: unknown[] = [];
  let copied = true;
  let timeout = false;
  for (const entry of entries) {
    if (entry === 'TIMEOUT') {
      timeout = true;
      continue;
    }
    for (const [type, value] of Object.entries(entry)) {
      if (type === 'TXT') copied = false;
      if (value === 'NONE') continue;
      const set = type === 'SPF' ? policies : (sets.get(type) ?? []);
      if (type !== 'SPF') sets.set(type, set);
      if (type === 'MX' && Array.isArray(value)) set.push({ preference: value[0], exchange: value[1] });
      else set.push(type === 'TXT' || type === 'SPF' ? texts(value) : value);
    }
  }
  if (copied && policies.length > 0) sets.set('TXT', policies);
  if (!timeout) return Object.fromEntries(sets);
  if (sets.size === 0) return 'timeout';
  const failing = ['A', 'AAAA', 'TXT', 'MX', 'PTR'].map((type) => [type, sets.get(type) ?? { failure: 'timeout' }]);
  return Object.fromEntries(failing);
}

function zoneOf(scenario: Scenario): ZoneResolver {
  const names = Object.entries(scenario.zonedata).map(([name, entries]) => [name, nameData(entries)] as const);
  const data: ZoneData = Object.fromEntries(names);
  return new ZoneResolver(data);
}

const scenarios = existsSync(suite)
  ? parseAllDocuments(readFileSync(suite, 'utf8'))
      .map((document): unknown => document.toJS())
      .filter(isScenario)
  : [];

const missing = scenarios.length === 0;
if (missing)
  console.warn(`The test suite of RFC 7208 was not found beside the project: its ${CASES} cases are skipped.`);

describe.skipIf(missing && process.env['POSTERN_REQUIRE_SERVERS'] !== '1')('the test suite of RFC 7208', () => {
  it('is all there', () => {
    expect(scenarios.flatMap(({ tests }) => Object.keys(tests))).toHaveLength(CASES);
  });
});

describe.each(scenarios)('RFC 7208, $description', (scenario) => {
  it.each(Object.entries(scenario.tests))('%s', async (_, { helo, host, mailfrom, result, explanation }) => {
    const resolver = zoneOf(scenario);
    const check = await checkSpfMailFrom({ ip: host, helo, mailFrom: mailfrom }, { resolver });
    expect(texts(result)).toContain(check.result);
    if (explanation === undefined) return;
    expect(check.explanation).toBe(explanation === DEFAULT_EXPLANATION ? undefined : explanation);
  });
});
