import { once } from 'node:events';
import { CachingResolver, type Check, DnsClient, type Report, type Resolver, systemResolver } from '@postern/core';
import { dnsbl } from '@postern/dnsbl';
import { createGateway, smtpBackend } from '@postern/gateway';
import { relayAcl } from '@postern/relay-acl';
import { senderAuthentication } from '@postern/spf-dmarc';
import { DnsServer, Zone } from '@postern/testing';
import { SMTPServer } from 'smtp-server';
import type { Configuration } from './configuration.ts';
import { demoZone } from './demo-zone.ts';
import { type FileBackend, startFileBackend } from './file-backend.ts';

/** A running gateway, and the servers that the example brought for it. */
export interface ExampleGateway {
  readonly port: number;
  /** Present when the configuration says `embedded`. */
  readonly dns?: DnsServer;
  readonly backend?: FileBackend;
  close(): Promise<void>;
}

/** Starts what the configuration asks for: DNS and backend if they are embedded, then the gateway. */
export async function startExampleGateway(
  configuration: Configuration,
  onReport: (report: Report) => void,
): Promise<ExampleGateway> {
  const dns = configuration.dns === 'embedded' ? await DnsServer.start(Zone.fromText(demoZone)) : undefined;
  const resolver: Resolver =
    dns === undefined ? systemResolver() : new CachingResolver(new DnsClient({ servers: [dns.address] }));

  const backend =
    configuration.backend === 'embedded' ? await startFileBackend(configuration.mailDirectory) : undefined;
  const deliver = smtpBackend(
    configuration.backend === 'embedded'
      ? { host: '127.0.0.1', port: backend?.port ?? 0, name: configuration.hostname }
      : { ...configuration.backend, name: configuration.hostname },
  );

  const { localDomains, trustedNetworks, dnsblZones } = configuration;
  const checks: Check[] = [relayAcl({ localDomains, trustedNetworks }), senderAuthentication()];
  // Loopback is no address that a list of the world could know; the embedded one does.
  if (dnsblZones.length > 0) checks.push(dnsbl({ zones: dnsblZones, askSpecial: configuration.dns === 'embedded' }));

  const gateway = createGateway({
    hostname: configuration.hostname,
    checks,
    resolver,
    deliver,
    onReport,
  });
  const server = new SMTPServer(gateway.smtpServerOptions());
  gateway.attach(server);
  const { host, port } = configuration.listen;
  server.listen(port, host);
  await once(server.server, 'listening');
  const address = server.server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    ...(dns && { dns }),
    ...(backend && { backend }),
    async close() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await gateway.close();
      deliver.close();
      await Promise.all([dns?.close(), backend?.close()]);
    },
  };
}
