import { mailboxPath, parseIp } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { sampleSession, sampleTransaction } from './sample-session.ts';

describe('sampleSession', () => {
  it('is of that client, and different where it is told to be', () => {
    const session = sampleSession('2001:db8::1', { user: 'ann' });
    expect(session.client).toEqual({ address: '2001:db8::1', port: 40_000, ip: parseIp('2001:db8::1') });
    expect(session).toMatchObject({ user: 'ann', trusted: false });
    expect(sampleSession('unknown').client.ip).toBeUndefined();
  });
});

describe('sampleTransaction', () => {
  it('is one of a sample session, and different where it is told to be', () => {
    expect(sampleTransaction()).toMatchObject({ session: sampleSession(), recipients: [] });
    const reversePath = mailboxPath('');
    expect(sampleTransaction({ reversePath }).reversePath).toBe(reversePath);
  });
});
