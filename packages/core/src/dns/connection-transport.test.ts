import { describe, expect, it, vi } from 'vitest';
import {
  type ConnectionExchange,
  type ConnectionOwner,
  ConnectionTransport,
  type DnsConnection,
} from './connection-transport.ts';
import type { ExchangeListener } from './dns-transport.ts';
import { Silence } from './silence.ts';

const question = { name: 'a.test', type: 'A' } as const;

class FakeConnection implements DnsConnection {
  usable = true;
  retired = false;
  closed = false;
  readonly sent: ConnectionExchange[] = [];

  send(exchange: ConnectionExchange): void {
    this.sent.push(exchange);
  }

  forget(exchange: ConnectionExchange): void {
    this.sent.splice(this.sent.indexOf(exchange), 1);
  }

  retire(): void {
    this.retired = true;
  }

  close(): void {
    this.closed = true;
  }
}

function start(): { transport: ConnectionTransport; owner: ConnectionOwner; connections: FakeConnection[] } {
  const connections: FakeConnection[] = [];
  const transport = new ConnectionTransport(() => {
    const connection = new FakeConnection();
    connections.push(connection);
    return connection;
  });
  return { transport, owner: transport, connections };
}

function listener(): ExchangeListener & { readonly failures: string[] } {
  const failures: string[] = [];
  return { failures, replied: () => {}, failed: (reason, detail) => failures.push(`${reason}: ${detail}`) };
}

describe('ConnectionTransport', () => {
  it('sends everything over one connection as long as that is usable', () => {
    const { transport, connections } = start();
    transport.ask(question, true, listener());
    transport.ask(question, true, listener());
    expect(connections.map(({ sent }) => sent.length)).toEqual([2]);
  });

  it('leaves an unusable connection to those who wait on it', () => {
    const { transport, connections } = start();
    transport.ask(question, true, listener());
    const [first] = connections;
    if (first !== undefined) first.usable = false;
    transport.ask(question, true, listener());
    expect(connections.map(({ sent, retired, closed }) => [sent.length, retired, closed])).toEqual([
      [1, true, false],
      [1, false, false],
    ]);
    transport.close();
    expect(connections.map(({ closed }) => closed)).toEqual([true, true]);
  });

  it.each([
    ['repeats a query once when a connection ends that has served', true, 2],
    ['fails a query when a connection ends that never served', false, 1],
  ])('%s', (_what, served, expected) => {
    const { transport, owner, connections } = start();
    const heard = listener();
    transport.ask(question, true, heard);
    for (let turn = 0; turn < expected; turn++) {
      const connection = connections[turn];
      const [exchange] = connection?.sent ?? [];
      if (connection === undefined || exchange === undefined) throw new Error('the query was not sent');
      expect(heard.failures).toEqual([]);
      owner.ended(connection);
      owner.lost(exchange, 'it ended', served);
    }
    expect(connections.length).toBe(expected);
    expect(heard.failures).toEqual(['network: it ended']);
  });

  it('tells nobody about a query that was cancelled', () => {
    const { transport, owner, connections } = start();
    const heard = listener();
    const exchange = transport.ask(question, true, heard);
    const [sent] = connections[0]?.sent ?? [];
    exchange.cancel();
    expect(connections[0]?.sent).toEqual([]);
    if (sent !== undefined) owner.lost(sent, 'it ended', true);
    expect(heard.failures).toEqual([]);
    expect(connections.length).toBe(1);
  });
});

describe('Silence', () => {
  it('is too long after two seconds without a word', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(10_000);
    const silence = new Silence();
    silence.restart();
    now.mockReturnValue(12_000);
    expect(silence.isTooLong).toBe(false);
    now.mockReturnValue(12_001);
    expect(silence.isTooLong).toBe(true);
    silence.restart();
    expect(silence.isTooLong).toBe(false);
    now.mockRestore();
  });
});
