import { type Delivery, mailboxPath, type SmtpReply } from '@postern/core';
import { describe, expect, it, vi } from 'vitest';
import { bench, permits, sendMessage, text, upTo } from './test-bench.ts';

/** What a backend that ignores its types may answer. */
type Anything = ReturnType<typeof JSON.parse>;

const never = (): Promise<never> => new Promise(() => {});
const to = (name: string) => mailboxPath(`${name}@example.org`);

describe('a backend', () => {
  it('is not asked before a recipient is let in, and told when the transaction is over', async () => {
    const { open, backend } = bench([permits]);
    const session = open();
    await upTo(session, 'x@elsewhere.example');
    expect(backend.begun).toBe(0);
    await session.recipient(to('bob'));
    await session.recipient(to('ben'));
    expect(backend).toMatchObject({ begun: 1, aborted: 0, recipients: ['bob@example.org', 'ben@example.org'] });
    session.reset();
    expect(backend.aborted).toBe(1);
    session.close();
    expect(backend.aborted).toBe(1);
  });

  it('is not asked twice about one recipient', async () => {
    const { open, backend } = bench([permits]);
    const session = open();
    await upTo(session);
    expect((await session.recipient(mailboxPath('bob@EXAMPLE.org'))).code).toBe(250);
    expect((await session.recipient(mailboxPath('Bob@example.org'))).code).toBe(250);
    expect(backend.recipients).toEqual(['bob@example.org', 'Bob@example.org']);
  });

  it('refuses a recipient for the client, and keeps the others', async () => {
    const { open, backend, reports } = bench([permits]);
    const no: SmtpReply = { code: 550, enhanced: '5.1.1', text: 'No such user' };
    backend.answers.recipient = async (address) =>
      address.startsWith('two@') ? no : { code: 250, enhanced: '2.1.5', text: 'OK' };
    const session = open();
    await upTo(session, 'one@example.org');
    const two = await session.recipient(to('two'));
    expect(two).toMatchObject({ code: 550, enhanced: '5.1.1' });
    expect((await session.recipient(to('three'))).code).toBe(250);
    expect((await sendMessage(session)).code).toBe(250);
    expect(backend.messages).toHaveLength(1);
    expect(reports[0]).toMatchObject({
      outcome: 'accepted',
      recipients: [{ permit: 'local' }, { address: 'two@example.org', reply: two }, { permit: 'local' }],
    });
    expect(reports[0]?.opinions.find(({ finding }) => finding.kind === 'gateway/backend-refused')).toMatchObject({
      recipient: 'two@example.org',
      enforced: true,
    });
  });

  const failing: Record<string, () => Anything> = {
    throws: () => {
      throw new Error('secret detail');
    },
    rejects: () => Promise.reject(new Error('secret detail')),
    hangs: never,
    'answers nothing': () => Promise.resolve(undefined),
    'answers 354': () => Promise.resolve({ code: 354, enhanced: '', text: 'Go' }),
    'answers rubbish': () => Promise.resolve({ code: '250', enhanced: '2.0.0', text: 'OK' }),
  };

  it.each(Object.entries(failing))('that %s at begin is a 451, and no transaction of its', async (what, act) => {
    const { open, backend, reports } = bench([permits], { backendTimeoutMs: 10 });
    // What begin answers when it answers is a delivery, or useless.
    backend.answers.begin = act;
    const session = open();
    const first = (await upTo(session)).recipient;
    expect(first).toMatchObject({ code: 451, enhanced: '4.3.0' });
    expect(first.text).not.toContain('secret');
    expect((await session.recipient(to('ben'))).code).toBe(451);
    expect(backend.begun, what).toBe(1);
    expect(session.data()).toMatchObject({ kind: 'refused' });
    session.close();
    expect(reports).toMatchObject([{ outcome: 'deferred' }]);
    expect(reports[0]?.opinions.some(({ finding }) => finding.kind === 'gateway/backend-failed')).toBe(true);
  });

  it.each(Object.entries(failing))('that %s at a recipient gets no message at all', async (what, act) => {
    const { open, backend, reports } = bench([permits], { backendTimeoutMs: 10 });
    const session = open();
    await upTo(session);
    backend.answers.recipient = act;
    // The recording backend falls back to 250 where nothing is answered.
    if (what === 'answers nothing') backend.answers.recipient = () => Promise.resolve(JSON.parse('{}'));
    expect((await session.recipient(to('ben'))).code).toBe(451);
    expect(backend.aborted).toBe(1);
    // Nobody knows whether it holds the second recipient, who was told 451.
    expect((await sendMessage(session)).code).toBe(451);
    expect(backend.messages).toEqual([]);
    expect(reports).toMatchObject([{ outcome: 'deferred' }]);
  });

  it.each(Object.entries(failing))('that %s at the message may have it', async (what, act) => {
    const { open, backend, reports } = bench([permits], { deliveryTimeoutMs: 10 });
    backend.answers.message = act;
    if (what === 'answers nothing') backend.answers.message = () => Promise.resolve(JSON.parse('{}'));
    const session = open();
    await upTo(session);
    const reply = await sendMessage(session);
    expect(reply).toMatchObject({ code: 451, enhanced: '4.3.0' });
    expect(reply.text).not.toContain('secret');
    expect(reports).toMatchObject([{ outcome: 'unknown', reply: { code: 451 } }]);
    expect(backend.aborted).toBe(0);
  });

  it.each([
    ['refused', 552, 'rejected'],
    ['refused', 452, 'deferred'],
    ['unknown', 451, 'unknown'],
  ] as const)('whose result is %s with %i makes it %s', async (outcome, code, reported) => {
    const { open, backend, reports } = bench([permits]);
    const enhanced = `${String(code)[0]}.2.2`;
    backend.answers.message = async () => ({ outcome, reply: { code, enhanced, text: 'So it is' } });
    const session = open();
    await upTo(session);
    expect(await sendMessage(session)).toMatchObject({ code, enhanced });
    expect(reports).toMatchObject([{ outcome: reported, reply: { code } }]);
  });

  it('that closes its own connection with 421 does not close the client’s', async () => {
    const { open, backend } = bench([permits]);
    backend.answers.message = async () => ({
      outcome: 'refused',
      reply: { code: 421, enhanced: '4.3.2', text: 'Shutting down' },
    });
    const session = open();
    await upTo(session);
    expect(await sendMessage(session)).toMatchObject({ code: 451, enhanced: '4.3.2' });
    expect(session.farewell).toBeUndefined();
  });

  it('may answer at once, though it should promise', async () => {
    const { open, backend } = bench([permits]);
    // @ts-expect-error: a backend written in JavaScript
    backend.delivery.recipient = () => ({ code: 250, enhanced: '2.1.5', text: 'OK' });
    const session = open();
    expect((await upTo(session)).recipient.code).toBe(250);
    expect((await sendMessage(session)).code).toBe(250);
  });

  it('that begins too late is told that nobody waits', async () => {
    const { open, backend } = bench([permits], { backendTimeoutMs: 5 });
    let begin: (delivery: Delivery) => void = () => {};
    backend.answers.begin = () =>
      new Promise((resolve) => {
        begin = resolve;
      });
    await upTo(open());
    expect(backend.aborted).toBe(0);
    begin(backend.delivery);
    await vi.waitFor(() => expect(backend.aborted).toBe(1));

    const other = bench([permits]);
    other.backend.answers.begin = backend.answers.begin;
    const session = other.open();
    const pending = upTo(session);
    await vi.waitFor(() => expect(other.backend.begun).toBe(1));
    session.close();
    await pending;
    begin(other.backend.delivery);
    await vi.waitFor(() => expect(other.backend.aborted).toBe(1));
    expect(other.reports).toMatchObject([{ outcome: 'aborted' }]);
  });

  it('that has the message when the client is gone has accepted it, though nobody hears the reply', async () => {
    const { open, backend, reports, gateway } = bench([permits]);
    const deliver = backend.holdMessage();
    const session = open();
    await upTo(session);
    const reply = sendMessage(session);
    await vi.waitFor(() => expect(backend.messages).toHaveLength(1));
    session.close();
    const closed = gateway.close();
    expect(reports).toEqual([]);
    deliver();
    await Promise.all([reply, closed]);
    expect(reports).toMatchObject([{ outcome: 'accepted', message: { bytes: text.length } }]);
    expect(reports[0]).not.toHaveProperty('reply');
    expect(backend.aborted).toBe(0);
  });

  it('that refuses the message when the client is gone has refused it, though nobody hears the reply', async () => {
    const { open, backend, reports } = bench([permits]);
    const refuse = backend.holdMessage({ outcome: 'refused', reply: { code: 550, enhanced: '5.7.1', text: 'No' } });
    const session = open();
    await upTo(session);
    const reply = sendMessage(session);
    await vi.waitFor(() => expect(backend.messages).toHaveLength(1));
    session.close();
    refuse();
    await reply;
    expect(reports).toMatchObject([{ outcome: 'rejected' }]);
    expect(reports[0]).not.toHaveProperty('reply');
  });

  it('gets nothing of a client that is gone while the message is judged', async () => {
    const { open, backend, reports } = bench([
      permits,
      {
        name: 'slow',
        start: () => ({ message: () => ({ header() {}, write() {}, end: never, abort() {} }) }),
      },
    ]);
    const session = open();
    await upTo(session);
    const reply = sendMessage(session);
    await new Promise(setImmediate);
    session.close();
    expect((await reply).code).toBe(421);
    expect(backend).toMatchObject({ messages: [], aborted: 1 });
    expect(reports).toMatchObject([{ outcome: 'aborted' }]);
  });
});
