import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentPlaces } from './recent-places.ts';

const word = fc.oneof(fc.nat(20), fc.integer({ min: 0, max: 0xffffffff }));
const address = fc.tuple(word, word, word, word);

describe.each([
  ['IPv4', false],
  ['IPv6', true],
])('RecentPlaces of %s', (_, wide) => {
  const of = ([one, two, three, four]: readonly [number, number, number, number]) =>
    wide ? ([one, two, three, four] as const) : ([one, 0, 0, 0] as const);

  it('knows what was kept last, and nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(address, fc.integer({ min: -1, max: 1_000 })), { maxLength: 60 }),
        address,
        (kept, other) => {
          const recent = new RecentPlaces(wide);
          const model = new Map<string, number>();
          for (const [each, place] of kept) {
            recent.keep(...of(each), place);
            expect(recent.get(...of(each))).toBe(place);
            model.set(of(each).join(), place);
          }
          for (const each of [...kept.map(([asked]) => asked), other]) {
            const place = recent.get(...of(each));
            // Another address may have taken its slot, but it never has another's place.
            if (place !== undefined) expect(place).toBe(model.get(of(each).join()));
          }
          recent.clear();
          for (const [each] of kept) expect(recent.get(...of(each))).toBeUndefined();
        },
      ),
    );
  });

  it('keeps thousands', () => {
    const recent = new RecentPlaces(wide);
    for (let n = 0; n < 1_000; n++) recent.keep(...of([n * 7_919, n, 0, n]), n);
    let known = 0;
    for (let n = 0; n < 1_000; n++) if (recent.get(...of([n * 7_919, n, 0, n])) === n) known++;
    expect(known).toBeGreaterThan(700);
  });
});
