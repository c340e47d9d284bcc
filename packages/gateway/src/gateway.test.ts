import { mailboxPath } from '@postern/core';
import { describe, expect, it, vi } from 'vitest';
import { bench, check, permits, sendMessage, upTo } from './test-bench.ts';

const gone = { code: 421, enhanced: '4.4.2' };

describe('gateway.close', () => {
  it('ends every session once, and whatever a client still says is too late', async () => {
    const close = vi.fn();
    const { gateway, open, reports } = bench([permits, check('closed', { close })]);
    const session = open();
    await session.connect();
    await session.helo('client.example', true);
    await gateway.close();
    expect(reports).toMatchObject([{ kind: 'session', outcome: 'none' }]);
    expect(await session.helo('another.example', true)).toMatchObject(gone);
    expect(await session.mail(mailboxPath('ann@client.example', { SIZE: '999999999999' }))).toMatchObject(gone);
    expect(await session.recipient(mailboxPath('bob@example.org'))).toMatchObject(gone);
    expect(session.data()).toMatchObject({ kind: 'refused', reply: gone });
    session.close();
    expect(reports).toHaveLength(1);
    expect(close).toHaveBeenCalledOnce();
  });

  it('waits for a message that the backend is being given, whoever calls it and how often', async () => {
    const { gateway, open, backend, reports } = bench([permits]);
    const deliver = backend.holdMessage();
    const session = open();
    await upTo(session);
    const reply = sendMessage(session);
    await vi.waitFor(() => expect(backend.messages).toHaveLength(1));
    const closed = Promise.all([gateway.close(), gateway.close()]);
    expect(reports).toEqual([]);
    deliver();
    await Promise.all([reply, closed]);
    expect(reports).toMatchObject([{ outcome: 'accepted' }]);
    await gateway.close();
  });
});
