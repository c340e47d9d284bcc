/**
 * A list of 1,000,000 names: building, memory, and lookups of names that are listed, that are below a listed one, and that
 * are not, beside a bare `Set` that is asked for each parent in turn.
 */
import { DomainList, type DomainListInput } from '@postern/ip-list';
import { bench, do_not_optimize, run, summary } from 'mitata';

const NAMES = 1_000_000;
const LOOKUPS = 4_096;

/** Deterministic and spread out: names as they stand in feeds, of 15 to 20 characters. */
function nameOf(number: number): string {
  return `${((number * 2_654_435_761) >>> 0).toString(36)}${number % 97}.example${number % 13}.com`;
}

/** A string of its own, as it comes off the wire: not one whose hash is known from building the list. */
function fresh(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function memory(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

function* inputs(form: (name: string) => string): Generator<DomainListInput> {
  const entry = { reason: 'feed', source: 'feed.txt' };
  for (let number = 0; number < NAMES; number++) yield [form(nameOf(number)), entry];
}

function build(label: string, form: (name: string) => string): DomainList {
  const before = memory();
  const start = performance.now();
  const list = DomainList.from(inputs(form));
  const ms = performance.now() - start;
  const bytes = (memory() - before) / NAMES;
  console.log(`${label}: ${NAMES} names in ${Math.round(ms)} ms, about ${Math.round(bytes)} bytes each`);
  return list;
}

const exact = build('exact', (name) => name);
const below = build('.suffix', (name) => `.${name}`);
const registrable = build('registrable', (name) => `registrable:${name.replace('.example', '')}`);
const set = new Set(Array.from({ length: NAMES }, (_, number) => nameOf(number)));

function lookupsOf(form: (name: string) => string): () => readonly string[] {
  const names = Array.from({ length: LOOKUPS }, (_, n) => form(nameOf((n * 244_037) % NAMES)));
  return () => names.map(fresh);
}

function setLookup(name: string): boolean {
  if (set.has(name)) return true;
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    if (set.has(name.slice(dot + 1))) return true;
  }
  return false;
}

/** Lists that say nothing of the names are asked for them as often as lists that do. */
const cases = [
  ['exact, listed', exact, lookupsOf((name) => name)],
  ['exact, not listed', exact, lookupsOf((name) => `x${name}`)],
  ['.suffix, listed', below, lookupsOf((name) => `mail.${name}`)],
  ['.suffix, not listed', below, lookupsOf((name) => `mail.x${name}`)],
  ['registrable, listed', registrable, lookupsOf((name) => `mail.${name.replace('.example', '')}`)],
  ['registrable, not listed', registrable, lookupsOf((name) => `mail.x${name.replace('.example', '')}`)],
] as const;

summary(() => {
  for (const [name, list, lookups] of cases) {
    bench(`${name} ×${LOOKUPS}`, function* () {
      yield {
        [0]: lookups,
        bench: (names: readonly string[]) => {
          for (const each of names) do_not_optimize(list.lookup(each));
        },
      };
    });
  }
  bench(`bare Set, each parent, not listed ×${LOOKUPS}`, function* () {
    yield {
      [0]: lookupsOf((name) => `mail.x${name}`),
      bench: (names: readonly string[]) => {
        for (const each of names) do_not_optimize(setLookup(each));
      },
    };
  });
});

await run();
