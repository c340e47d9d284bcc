import { describe, expect, it } from 'vitest';
import { readOpinion } from './read-opinion.ts';

const finding = { kind: 'test/finding', summary: 'A finding.' };
const reply = { code: 550, enhanced: '5.7.1', text: 'No' };

/** An object each property of which is another one's from the second time on that it is asked for. */
function changing(first: object, then: object): object {
  const asked = new Set<unknown>();
  return new Proxy(first, {
    get(target, name) {
      const value: unknown = Reflect.get(asked.has(name) ? then : target, name);
      asked.add(name);
      return value;
    },
  });
}

describe('readOpinion', () => {
  it('copies an opinion with everything in it', () => {
    const opinion = { finding, verdict: 'reject', reply, score: 2, delayMs: 5, permit: 'local' };
    const read = readOpinion(Object.freeze(opinion), 'recipient');
    expect(read).toEqual({ opinion });
    expect(read).not.toHaveProperty('defect');
  });

  it('says what is wrong with an answer that is none', () => {
    expect(readOpinion({ finding, verdct: 'reject' }, 'opinion')).toEqual({
      defect: 'it has a property "verdct", which no opinion has',
    });
    expect(readOpinion(7, 'opinion')).toEqual({ defect: 'it is not an object' });
  });

  it('reads what an instance of a class answers', () => {
    class Refusal {
      get finding(): object {
        return finding;
      }
      get verdict(): string {
        return 'reject';
      }
    }
    expect(readOpinion(new Refusal(), 'opinion')).toEqual({ opinion: { finding, verdict: 'reject' } });
  });

  it('keeps to what it has judged, whatever a getter says later', () => {
    let permits = false;
    const answer = {
      finding,
      get permit(): 'relay' | undefined {
        return permits ? 'relay' : undefined;
      },
    };
    const read = readOpinion(answer, 'recipient');
    permits = true;
    expect(read).toEqual({ opinion: { finding } });
  });

  it('takes nothing that changes into something else than an opinion', () => {
    const defect = 'it changes while it is read';
    expect(readOpinion(changing({ finding, score: 1 }, { finding, score: Number.NaN }), 'opinion')).toEqual({ defect });
    const weird = { finding, verdict: 'reject', reply: changing(reply, { ...reply, code: 250 }) };
    expect('opinion' in readOpinion(weird, 'opinion')).toBe(false);
  });
});
