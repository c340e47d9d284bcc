import type { Carrier, DnsExchange, DnsTransport } from './dns-transport.ts';

/** A connection that carries many queries at once; it opens itself and does not keep the process alive. */
export interface DnsConnection extends Carrier {
  /** Whether a query sent now has a prospect: the connection is neither closing nor silent for too long. */
  readonly usable: boolean;
  send(exchange: DnsExchange): void;
  /** Takes no more queries; closes as soon as none waits. */
  retire(): void;
  close(): void;
}

/** What a connection tells its transport. */
export interface ConnectionOwner {
  /**
   * A query will get no reply, because the connection went away under it.
   *
   * @param served - whether the connection had brought a reply to any query before, or refused just this one for now
   */
  lost(exchange: DnsExchange, detail: string, served: boolean): void;
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

  ask(exchange: DnsExchange): void {
    const current = this.#current;
    if (current?.usable === false) {
      this.#current = undefined;
      this.#retired.add(current);
      current.retire();
    }
    this.#current ??= this.#open(this);
    exchange.carrier = this.#current;
    this.#current.send(exchange);
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

  lost(exchange: DnsExchange, detail: string, served: boolean): void {
    if (exchange.cancelled) return;
    // RFC 7766 §6.2.4: a server may close an idle connection just when a query is on its way. Such a query is repeated.
    if (served && !exchange.repeated) {
      exchange.repeated = true;
      this.ask(exchange);
    } else {
      exchange.failed('network', detail);
    }
  }
}
