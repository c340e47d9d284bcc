import { mailboxPath, parseIp, type Session, type Transaction } from '@postern/core';

/**
 * A session to ask a check about: a client that has said EHLO on an MX, without TLS and without a login.
 *
 * @param address - the client's. Default `192.0.2.1`
 * @param facts - what is different about it
 *
 * @example
 * ```ts
 * const run = check.start(sampleSession('203.0.113.9', { user: 'ann' }), context);
 * ```
 */
export function sampleSession(address: string = '192.0.2.1', facts: Partial<Session> = {}): Session {
  return {
    id: 's1',
    service: 'mx',
    client: { address, port: 40_000, ip: parseIp(address) },
    local: { address: '198.51.100.25', port: 25 },
    startedAt: 0,
    helo: 'client.example',
    esmtp: true,
    tls: undefined,
    user: undefined,
    trusted: false,
    ...facts,
  };
}

/**
 * A transaction of `sampleSession`, from `ann@client.example`, with no recipient yet.
 *
 * @param facts - what is different about it
 */
export function sampleTransaction(facts: Partial<Transaction> = {}): Transaction {
  return {
    id: 't1',
    session: sampleSession(),
    startedAt: 0,
    reversePath: mailboxPath('ann@client.example'),
    recipients: [],
    ...facts,
  };
}
