import { once } from 'node:events';
import type { Report } from '@postern/core';
import { createGateway, type Gateway, type GatewayOptions, type ServerOptions } from '@postern/gateway';
import { relayAcl } from '@postern/relay-acl';
import { ZoneResolver } from '@postern/testing';
import { SMTPServer } from 'smtp-server';

/** What a test's gateway is made of; only where its mail goes has no default. */
export type GatewayServerOptions = Partial<GatewayOptions> & Pick<GatewayOptions, 'deliver'>;

/**
 * A gateway behind a real `smtp-server` on a free port of 127.0.0.1: what an application would run. It calls itself
 * `mx.example.org`, takes mail for `example.org` alone, and asks no network, unless the options say otherwise.
 */
export class GatewayServer implements AsyncDisposable {
  /** What the gateway reported, oldest first. */
  readonly reports: Report[] = [];
  readonly #gateway: Gateway;
  readonly #server: SMTPServer;

  private constructor(options: GatewayServerOptions, extra: ServerOptions) {
    this.#gateway = createGateway({
      hostname: 'mx.example.org',
      checks: [relayAcl({ localDomains: ['example.org'] })],
      resolver: new ZoneResolver({}),
      onReport: (report) => this.reports.push(report),
      ...options,
    });
    // Milliseconds for which it waits, when it is closed, for clients to leave.
    this.#server = new SMTPServer(this.#gateway.smtpServerOptions({ closeTimeout: 1, ...extra }));
    this.#gateway.attach(this.#server);
  }

  static async start(options: GatewayServerOptions, extra: ServerOptions = {}): Promise<GatewayServer> {
    const running = new GatewayServer(options, extra);
    running.#server.listen(0, '127.0.0.1');
    await once(running.#server.server, 'listening');
    return running;
  }

  get port(): number {
    const address = this.#server.server.address();
    if (address === null || typeof address === 'string') throw new Error('GatewayServer: it is closed');
    return address.port;
  }

  /** Resolves when every session has been reported. */
  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    await this.#gateway.close();
  }
}
