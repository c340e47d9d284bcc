import type { DnsAnswer, RecordType, Resolver } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileZones } from './compiled-zone.ts';
import type { AddressZone } from './dnsbl-zone.ts';
import { decisionAt, type PendingZone } from './early-decision.ts';
import { skippedResult } from './judge-answer.ts';
import { queryDnsbl } from './query-dnsbl.ts';
import type { ZoneResult } from './zone-result.ts';

/** One zone of a scenario: what it may answer, and what it does answer (an index; its length: clean, beyond: unknown). */
interface Play {
  readonly kind: 'block' | 'allow';
  readonly weights: readonly number[];
  readonly plays: number;
}

// Tenths: sums that binary fractions round.
const weight = fc.constantFrom(0, 0.1, 0.2, 0.3, 0.5, 1, 2);
const play: fc.Arbitrary<Play> = fc.record({
  kind: fc.constantFrom('block', 'block', 'block', 'allow'),
  weights: fc.array(weight, { minLength: 1, maxLength: 2 }),
  plays: fc.nat(3),
});
const plays = fc.array(play, { minLength: 1, maxLength: 5 });
const threshold = fc.constantFrom(0.1, 0.3, 0.5, 0.6, 1, 1.5, 2, 4);

/** Under its weights, a zone may add these to the score: nothing as well. */
function outcomes({ weights }: Play): readonly number[] {
  return [0, ...weights];
}

function scoreOf({ weights, plays: at }: Play): number {
  return weights[at] ?? 0;
}

/** Whether the score is reached and nothing speaks against it, when all have answered. */
function isHeld(kinds: readonly Play[], scores: readonly number[], stopAtScore: number): boolean {
  let score = 0;
  let allowed = false;
  kinds.forEach(({ kind }, at) => {
    if (kind === 'allow') allowed ||= (scores[at] ?? 0) > 0;
    else score += scores[at] ?? 0;
  });
  return score >= stopAtScore && !allowed;
}

/** By trying everything that those who have not answered may say. */
function isDecided(kinds: readonly Play[], answered: ReadonlySet<number>, stopAtScore: number): boolean {
  let all: readonly (readonly number[])[] = [[]];
  kinds.forEach((each, at) => {
    const choices = answered.has(at) ? [scoreOf(each)] : outcomes(each);
    all = all.flatMap((before) => choices.map((choice) => [...before, choice]));
  });
  const held = all.map((scores) => isHeld(kinds, scores, stopAtScore));
  return held.every((each) => each === held[0]);
}

function zonesOf(kinds: readonly Play[]): AddressZone[] {
  return kinds.map(({ kind, weights }, at) => ({
    name: `z${at}.example`,
    kind,
    txt: 'never',
    answers: weights.map((each, index) => ({ code: `127.0.0.${index + 2}`, reason: `r${index}`, weight: each })),
  }));
}

function answerOf({ weights, plays: at }: Play): DnsAnswer<'A'> {
  if (at > weights.length) return { kind: 'failure', reason: 'servfail', detail: 'x' };
  if (at === weights.length) return { kind: 'nxdomain', ttl: 0, authentic: false };
  return { kind: 'records', records: [`127.0.0.${at + 2}`], ttl: 0, authentic: false };
}

/** Answers when told to. */
class SlowResolver implements Resolver {
  readonly #answers = new Map<string, (answer: DnsAnswer<'A'>) => void>();
  readonly #answered = new Set<string>();
  readonly aborted = new Set<string>();

  resolve<T extends RecordType>(name: string, _type: T, options?: { signal?: AbortSignal }): Promise<DnsAnswer<T>> {
    const zone = name.slice(name.indexOf('z'));
    const abandon = (): void => {
      if (!this.#answered.has(zone)) this.aborted.add(zone);
    };
    options?.signal?.addEventListener('abort', abandon, { once: true });
    return new Promise((resolve) => this.#answers.set(zone, (answer) => Reflect.apply(resolve, undefined, [answer])));
  }

  get asked(): readonly string[] {
    return [...this.#answers.keys()];
  }

  async answer(zone: string, answer: DnsAnswer<'A'>): Promise<void> {
    this.#answered.add(zone);
    this.#answers.get(zone)?.(answer);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('decisionAt', () => {
  it('is decided exactly when nothing that may still be said changes the outcome', () => {
    fc.assert(
      fc.property(plays, fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }), threshold, (kinds, heard, stopAt) => {
        const compiled = compileZones('test', zonesOf(kinds), 'addresses');
        const answered = new Set(kinds.flatMap((_, at) => (heard[at] ? [at] : [])));
        const pending = compiled.map((zone, at): PendingZone => {
          const result: ZoneResult = { ...skippedResult(zone, 'stopped'), score: scoreOf(kinds[at] ?? fail()) };
          return { zone, result: answered.has(at) ? result : undefined };
        });
        expect(decisionAt(stopAt, pending) === 'decided').toBe(isDecided(kinds, answered, stopAt));
      }),
      { numRuns: 1_000 },
    );
  });
});

function fail(): never {
  throw new TypeError('no such zone');
}

describe('queryDnsbl with stopAtScore', () => {
  it('ends with the answer that decides, for every order of answers, and gives the rest up', async () => {
    const order = fc.array(fc.nat(), { minLength: 5, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(plays, order, threshold, async (kinds, ranks, stopAtScore) => {
        const resolver = new SlowResolver();
        const turns = kinds.map((_, at) => at).sort((a, b) => (ranks[a] ?? 0) - (ranks[b] ?? 0) || a - b);
        let over = false;
        const query = queryDnsbl('9.9.9.9', { zones: zonesOf(kinds), resolver, stopAtScore }).then((result) => {
          over = true;
          return result;
        });
        await new Promise((resolve) => setImmediate(resolve));
        const answered = new Set<number>();
        for (const turn of turns) {
          expect(over).toBe(isDecided(kinds, answered, stopAtScore));
          if (over) break;
          await resolver.answer(`z${turn}.example`, answerOf(kinds[turn] ?? fail()));
          answered.add(turn);
        }
        expect(over).toBe(true);
        const result = await query;
        const scores = kinds.map(scoreOf);
        expect(result.score >= stopAtScore && !result.allowed).toBe(isHeld(kinds, scores, stopAtScore));
        // Whoever was asked and has not answered was told that nobody waits.
        const silent = turns.filter((turn) => !answered.has(turn)).map((turn) => `z${turn}.example`);
        for (const zone of silent) if (resolver.asked.includes(zone)) expect(resolver.aborted).toContain(zone);
        result.zones.forEach(({ status, reasons }, at) => {
          if (!answered.has(at)) expect([status, ...reasons]).toEqual(['skipped', 'stopped']);
        });
      }),
      { numRuns: 300 },
    );
  });

  const block: AddressZone = { name: 'z1.example', txt: 'never' };
  const second: AddressZone = { name: 'z2.example', txt: 'never' };
  const listed: DnsAnswer<'A'> = { kind: 'records', records: ['127.0.0.2'], ttl: 0, authentic: false };
  const clean: DnsAnswer<'A'> = { kind: 'nxdomain', ttl: 0, authentic: false };

  it('waits for an allow zone alone once the score is reached', async () => {
    const resolver = new SlowResolver();
    const allow: AddressZone = { name: 'z3.example', kind: 'allow', txt: 'never' };
    const query = queryDnsbl('9.9.9.9', { zones: [block, second, allow], resolver, stopAtScore: 1 });
    await resolver.answer('z1.example', listed);
    expect([...resolver.aborted]).toEqual(['z2.example']);
    await resolver.answer('z3.example', listed);
    expect(await query).toMatchObject({
      status: 'listed',
      score: 1,
      allowed: true,
      zones: [{ status: 'listed' }, { status: 'skipped', reasons: ['stopped'] }, { status: 'listed' }],
    });
  });

  it('does not call clean what it has not heard out', async () => {
    const resolver = new SlowResolver();
    const query = queryDnsbl('9.9.9.9', { zones: [block, second], resolver, stopAtScore: 2 });
    await resolver.answer('z2.example', clean);
    expect(await query).toMatchObject({ status: 'unknown', reason: 'stopped', score: 0 });
  });

  it('asks nobody when the score is out of reach from the start', async () => {
    const resolver = new SlowResolver();
    const result = await queryDnsbl('9.9.9.9', { zones: [block, second], resolver, stopAtScore: 3 });
    expect(result).toMatchObject({ status: 'unknown', reason: 'stopped' });
    expect(resolver.asked).toEqual([]);
  });

  it('does not wait for the text of a listing that decides', async () => {
    const resolver = new SlowResolver();
    const query = queryDnsbl('9.9.9.9', { zones: ['z1.example', 'z2.example'], resolver, stopAtScore: 1 });
    await resolver.answer('z1.example', listed);
    expect(await query).toMatchObject({ status: 'listed', zones: [{ status: 'listed', text: undefined }, {}] });
  });
});
