import { describe, expect, it, vi } from 'vitest';
import { type ConnectionOwner, ConnectionTransport, type DnsConnection } from './connection-transport.ts';
import { DnsExchange } from './dns-transport.ts';
import { Silence } from './silence.ts';

class FakeConnection implements DnsConnection {
  usable = true;
  retired = false;
  closed = false;
  readonly sent: DnsExchange[] = [];

  send(exchange: DnsExchange): void {
    this.sent.push(exchange);
  }

  forget(exchange: DnsExchange): void {
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

class Heard extends DnsExchange {
  readonly failures: string[] = [];

  constructor() {
    super({ name: 'a.test', type: 'A' }, true);
  }

  override replied(): void {}

  override failed(reason: string, detail: string): void {
    this.failures.push(`${reason}: ${detail}`);
  }
}

describe('ConnectionTransport', () => {
  it('sends everything over one connection as long as that is usable', () => {
    const { transport, connections } = start();
    transport.ask(new Heard());
    transport.ask(new Heard());
    expect(connections.map(({ sent }) => sent.length)).toEqual([2]);
  });

  it('leaves an unusable connection to those who wait on it', () => {
    const { transport, connections } = start();
    transport.ask(new Heard());
    const [first] = connections;
    if (first !== undefined) first.usable = false;
    transport.ask(new Heard());
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
    const heard = new Heard();
    transport.ask(heard);
    for (let turn = 0; turn < expected; turn++) {
      const connection = connections[turn];
      if (connection === undefined) throw new Error('there is no connection');
      expect(connection.sent).toEqual([heard]);
      expect(heard.failures).toEqual([]);
      owner.ended(connection);
      owner.lost(heard, 'it ended', served);
    }
    expect(connections.length).toBe(expected);
    expect(heard.failures).toEqual(['network: it ended']);
  });

  it('tells nobody about a query that was cancelled', () => {
    const { transport, owner, connections } = start();
    const heard = new Heard();
    transport.ask(heard);
    heard.cancel();
    expect(connections[0]?.sent).toEqual([]);
    owner.lost(heard, 'it ended', true);
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
