import { mailboxPath } from '@postern/core';
import { FakeClock, sampleTransaction } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import type { RecipientLookup } from './recipient-set.ts';
import { rememberRecipients } from './remember-recipients.ts';

const transaction = sampleTransaction();
const { signal } = new AbortController();
const ann = mailboxPath('ann@example.com');

/** Holds each question until the test answers it. */
class Held {
  readonly asked: string[] = [];
  readonly signals: AbortSignal[] = [];
  readonly #answers: { resolve: (exists: boolean) => void; reject: (error: Error) => void }[] = [];

  readonly lookup: RecipientLookup = (recipient, { signal: stop }) => {
    this.asked.push(recipient.address);
    this.signals.push(stop);
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  };

  answer(index: number, exists: boolean): void {
    this.#answers[index]?.resolve(exists);
  }

  fail(index: number): void {
    this.#answers[index]?.reject(new Error('no database'));
  }
}

describe('rememberRecipients', () => {
  it('asks again when the time has passed, sooner about those that do not exist', async () => {
    const clock = new FakeClock();
    const asked: string[] = [];
    const lookup = rememberRecipients(
      ({ address }) => {
        asked.push(address);
        return address.startsWith('ann');
      },
      { knownMs: 1_000, unknownMs: 100, clock },
    );
    const ask = async (name: string): Promise<boolean> =>
      lookup(mailboxPath(`${name}@example.com`), { signal, transaction });
    expect([await ask('ann'), await ask('bob'), await ask('ann'), await ask('bob')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(asked).toEqual(['ann@example.com', 'bob@example.com']);
    clock.advance(100);
    expect([await ask('ann'), await ask('bob')]).toEqual([true, false]);
    expect(asked.slice(2)).toEqual(['bob@example.com']);
    clock.advance(900);
    await ask('ann');
    expect(asked.slice(3)).toEqual(['ann@example.com']);
  });

  it('keeps two spellings of a domain for one, and two local parts for two', async () => {
    const held = new Held();
    const lookup = rememberRecipients(held.lookup);
    const answers = ['a@bücher.example', 'a@xn--bcher-kva.EXAMPLE', 'A@bücher.example'].map((address) =>
      lookup(mailboxPath(address), { signal, transaction }),
    );
    expect(held.asked).toEqual(['a@bücher.example', 'A@bücher.example']);
    held.answer(0, true);
    held.answer(1, false);
    expect(await Promise.all(answers)).toEqual([true, true, false]);
  });

  it('tells a failure to all who wait, and asks anew behind it', async () => {
    const held = new Held();
    const lookup = rememberRecipients(held.lookup);
    const answers = Promise.allSettled([lookup(ann, { signal, transaction }), lookup(ann, { signal, transaction })]);
    held.fail(0);
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = lookup(ann, { signal, transaction });
    held.answer(1, true);
    expect(await again).toBe(true);
  });

  it('does not take what is no boolean for an answer', async () => {
    const answers: readonly unknown[] = [undefined, 1, 'yes', null];
    for (const answer of answers) {
      const sync = Reflect.apply(rememberRecipients, undefined, [() => answer]);
      expect(() => sync(ann, { signal, transaction })).toThrow(TypeError);
      const later = Reflect.apply(rememberRecipients, undefined, [async () => answer]);
      await expect(later(ann, { signal, transaction })).rejects.toThrow(TypeError);
    }
  });

  it('stops the lookup when the last one who waits has gone, not before', async () => {
    const held = new Held();
    const lookup = rememberRecipients(held.lookup);
    const first = new AbortController();
    const second = new AbortController();
    const answers = [
      lookup(ann, { signal: first.signal, transaction }),
      lookup(ann, { signal: second.signal, transaction }),
    ];
    const settled = Promise.allSettled(answers);
    first.abort();
    expect(held.signals[0]?.aborted).toBe(false);
    second.abort();
    expect(held.signals[0]?.aborted).toBe(true);
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);

    // Who comes now does not get the answer that was given up.
    const third = lookup(ann, { signal, transaction });
    expect(held.asked).toHaveLength(2);
    held.fail(0);
    held.answer(1, true);
    expect(await third).toBe(true);
  });

  it('answers one who waits when another has gone', async () => {
    const held = new Held();
    const lookup = rememberRecipients(held.lookup);
    const gone = new AbortController();
    const first = Promise.resolve(lookup(ann, { signal: gone.signal, transaction }));
    const second = lookup(ann, { signal, transaction });
    gone.abort();
    await expect(first).rejects.toThrow();
    held.answer(0, true);
    expect(await second).toBe(true);
  });

  it('does not let those who come later wait for what others have waited for in vain', async () => {
    const held = new Held();
    const lookup = rememberRecipients(held.lookup);
    const impatient = new AbortController();
    const gone = Promise.resolve(lookup(ann, { signal: impatient.signal, transaction }));
    const patient = lookup(ann, { signal, transaction });
    impatient.abort();
    await expect(gone).rejects.toThrow();
    const late = lookup(ann, { signal, transaction });
    expect(held.asked).toHaveLength(2);
    held.answer(1, true);
    expect(await late).toBe(true);
    expect(held.signals[0]?.aborted).toBe(false);
    held.answer(0, true);
    expect(await patient).toBe(true);
  });

  it('is bounded, and forgets those that do not exist first', async () => {
    const asked: string[] = [];
    const lookup = rememberRecipients(
      ({ address }) => {
        asked.push(address);
        return !address.startsWith('x');
      },
      { maxEntries: 4, clock: new FakeClock() },
    );
    const ask = async (address: string): Promise<boolean> => lookup(mailboxPath(address), { signal, transaction });
    await ask('ann@example.com');
    for (let n = 0; n < 100; n++) await ask(`x${n}@example.com`);
    asked.length = 0;
    await ask('ann@example.com');
    expect(asked).toEqual([]);
    await ask('x0@example.com');
    expect(asked).toEqual(['x0@example.com']);
  });

  it('refuses what is no lookup', () => {
    // @ts-expect-error as a program without types would
    expect(() => rememberRecipients(['ann@example.com'])).toThrow('lookup must be a function');
    expect(() => rememberRecipients(() => true, { knownMs: -1 })).toThrow('rememberRecipients: option "knownMs"');
  });
});
