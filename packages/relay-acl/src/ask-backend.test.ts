import { type Backend, type Delivery, mailboxPath, type SmtpReply, type Transaction } from '@postern/core';
import { sampleTransaction } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { askBackend } from './ask-backend.ts';

const { signal } = new AbortController();
const bob = mailboxPath('bob@example.com', { NOTIFY: 'NEVER' });

class TestBackend implements Backend {
  readonly begun: Transaction[] = [];
  readonly asked: string[] = [];
  aborted = 0;
  readonly #answer: () => Promise<SmtpReply>;
  /** What `begin` waits for. */
  ready: Promise<void> | undefined;

  constructor(answer: () => Promise<SmtpReply>) {
    this.#answer = answer;
  }

  begin(transaction: Transaction): Delivery | Promise<Delivery> {
    this.begun.push(transaction);
    const delivery: Delivery = {
      recipient: ({ address }) => {
        this.asked.push(address);
        return this.#answer();
      },
      message: () => Promise.reject(new Error('no message was to be sent')),
      abort: () => {
        this.aborted++;
      },
    };
    return this.ready === undefined ? delivery : this.ready.then(() => delivery);
  }
}

function says(code: number, enhanced: string): TestBackend {
  return new TestBackend(async () => ({ code, enhanced, text: 'as it says' }));
}

async function ask(backend: Backend, transaction: Transaction = sampleTransaction()): Promise<boolean> {
  return askBackend(backend)(bob, { signal, transaction });
}

describe('askBackend', () => {
  it.each<[number, string, boolean]>([
    [250, '2.1.5', true],
    [250, '', true],
    [251, '2.1.5', true],
    [550, '5.1.1', false],
    [550, '5.1.10', false],
    [550, '5.1.2', false],
    [550, '', false],
    [550, '5.0.0', false],
    [551, '5.1.6', false],
    [553, '5.1.3', false],
    [556, '5.1.10', false],
    [550, '5.2.1', false],
    [550, '5.4.1', false],
  ])('takes %i %s for %s', async (code, enhanced, exists) => {
    const backend = says(code, enhanced);
    expect(await ask(backend)).toBe(exists);
    expect(backend.aborted).toBe(1);
  });

  it.each([
    [450, '4.1.1'],
    [451, '4.3.0'],
    [452, '4.2.2'],
    [421, '4.3.2'],
    [550, '5.7.1'],
    [550, '5.1.7'],
    [550, '5.1.8'],
    [553, '5.7.1'],
    [554, '5.1.1'],
    [530, '5.7.0'],
    [501, '5.5.4'],
    [354, ''],
  ])('takes %i %s for neither', async (code, enhanced) => {
    const backend = says(code, enhanced);
    await expect(ask(backend)).rejects.toThrow(`the backend answered ${code}`);
    expect(backend.aborted).toBe(1);
  });

  it('sends as a bounce would, for the same client, and sends nothing', async () => {
    const backend = says(250, '2.1.5');
    const reversePath = mailboxPath('ann@client.example', { SMTPUTF8: true, SIZE: '100' });
    const transaction = sampleTransaction({ reversePath, recipients: [mailboxPath('other@example.com')] });
    await ask(backend, transaction);
    const { session, id } = transaction;
    expect(backend.begun).toMatchObject([{ id, session, recipients: [], reversePath: { address: '' } }]);
    expect(backend.begun[0]?.reversePath.parameters).toEqual({ SMTPUTF8: true });
    expect(backend.asked).toEqual(['bob@example.com']);
  });

  it('leaves the backend when it fails', async () => {
    const backend = new TestBackend(() => Promise.reject(new Error('broken')));
    await expect(ask(backend)).rejects.toThrow('broken');
    expect(backend.aborted).toBe(1);
  });

  it('leaves the backend at once when nobody waits any more', async () => {
    const controller = new AbortController();
    let fail: (error: Error) => void = () => {};
    const backend = new TestBackend(
      () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    );
    const exists = askBackend(backend)(bob, { signal: controller.signal, transaction: sampleTransaction() });
    expect(backend.asked).toHaveLength(1);
    controller.abort();
    expect(backend.aborted).toBe(1);
    fail(new Error('aborted'));
    await expect(exists).rejects.toThrow('aborted');
    expect(backend.aborted).toBe(1);
  });

  it('leaves a backend that begins when nobody waits any more', async () => {
    const controller = new AbortController();
    const backend = says(250, '2.1.5');
    let begin: () => void = () => {};
    backend.ready = new Promise((resolve) => {
      begin = resolve;
    });
    const exists = askBackend(backend)(bob, { signal: controller.signal, transaction: sampleTransaction() });
    controller.abort();
    begin();
    await expect(exists).rejects.toThrow('nobody waited');
    expect([backend.asked.length, backend.aborted]).toEqual([0, 1]);
  });

  it.each([undefined, null, {}, () => {}])('refuses %o', (backend) => {
    expect(() => Reflect.apply(askBackend, undefined, [backend])).toThrow(TypeError);
  });
});
