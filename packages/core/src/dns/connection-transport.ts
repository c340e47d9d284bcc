import type { DnsQuestion } from './dns-query.ts';
import type { DnsTransport, Exchange, ExchangeListener } from './dns-transport.ts';

/** A query over a connection. */
export class ConnectionExchange implements Exchange {
  readonly question: DnsQuestion;
  readonly edns: boolean;
  readonly listener: ExchangeListener;
  cancelled = false;
  /** It has been asked twice because the first connection was closed under it. */
  repeated = false;
  connection: DnsConnection | undefined;
  /** The id of its query on a stream. */
  id = 0;

  constructor(question: DnsQuestion, edns: boolean, listener: ExchangeListener) {
    this.question = question;
    this.edns = edns;
    this.listener = listener;
  }

  cancel(): void {
    this.cancelled = true;
    this.connection?.forget(this);
  }
}

/** A connection that carries many queries at once; it opens itself and does not keep the process alive. */
export interface DnsConnection {
  /** Whether a query sent now has a prospect: the connection is neither closing nor silent for too long. */
  readonly usable: boolean;
  send(exchange: ConnectionExchange): void;
  forget(exchange: ConnectionExchange): void;
  /** Takes no more queries; closes as soon as none waits. */
  retire(): void;
  close(): void;
}

/** What a connection tells its transport. */
export interface ConnectionOwner {
  /**
   * A query will get no reply, because the connection went away under it.
   *
   * @param served - whether the connection had brought a reply to any query before
   */
  lost(exchange: ConnectionExchange, detail: string, served: boolean): void;
  /** The connection is over, for whatever reason but `close`; its `lost` queries come next. */
  ended(connection: DnsConnection): void;
}

/**
 * Asks one server over one connection, which all queries share, each without waiting for the ones before (RFC 7766
 * §6.2.1), and which is opened when it is needed. A connection that has fallen silent is left to the queries that wait on
 * it, and the next one goes over a new connection.
 */
export class ConnectionTransport implements DnsTransport, ConnectionOwner {
  readonly #open: (owner: ConnectionOwner) => DnsConnection;
  #current: DnsConnection | undefined;
  readonly #retired = new Set<DnsConnection>();

  constructor(open: (owner: ConnectionOwner) => DnsConnection) {
    this.#open = open;
  }

  ask(question: DnsQuestion, edns: boolean, listener: ExchangeListener): Exchange {
    const exchange = new ConnectionExchange(question, edns, listener);
    this.#send(exchange);
    return exchange;
  }

  close(): void {
    this.#current?.close();
    for (const connection of this.#retired) connection.close();
    this.#current = undefined;
    this.#retired.clear();
  }

  ended(connection: DnsConnection): void {
    this.#retired.delete(connection);
    if (this.#current === connection) this.#current = undefined;
  }

  lost(exchange: ConnectionExchange, detail: string, served: boolean): void {
    if (exchange.cancelled) return;
    // RFC 7766 §6.2.4: a server may close an idle connection just when a query is on its way. Such a query is repeated.
    if (served && !exchange.repeated) {
      exchange.repeated = true;
      this.#send(exchange);
    } else {
      exchange.listener.failed('network', detail);
    }
  }

  #send(exchange: ConnectionExchange): void {
    const current = this.#current;
    if (current?.usable === false) {
      this.#current = undefined;
      this.#retired.add(current);
      current.retire();
    }
    this.#current ??= this.#open(this);
    exchange.connection = this.#current;
    this.#current.send(exchange);
  }
}
