/** What the configuration of a test's own unbound depends on. */
export interface UnboundSettings {
  /** Where it may look for its files. */
  readonly folder: string;
  /** Its port for UDP and TCP, on 127.0.0.1. */
  readonly port: number;
  /** Its ports for DNS over TLS and HTTPS, with the files of their certificate in the folder. */
  readonly tls?: { readonly tlsPort: number; readonly httpsPort: number; readonly key: string; readonly pem: string };
}

function tlsLines({ tlsPort, httpsPort, key, pem }: NonNullable<UnboundSettings['tls']>): string {
  return `
  interface: 127.0.0.1@${tlsPort}
  interface: 127.0.0.1@${httpsPort}
  tls-port: ${tlsPort}
  https-port: ${httpsPort}
  tls-service-key: "${key}"
  tls-service-pem: "${pem}"`;
}

/**
 * unbound.conf for an unbound in the foreground that asks and is asked on loopback only, and that takes `.test` (RFC 6761
 * §6.2) for a domain like any other. What follows it may be zones.
 */
export function unboundConfiguration({ folder, port, tls }: UnboundSettings): string {
  return `server:
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  num-threads: 1
  interface: 127.0.0.1@${port}${tls === undefined ? '' : tlsLines(tls)}
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-ip6: no
  module-config: "iterator"
  local-zone: "test." nodefault
  local-zone: "refused.contract.test." always_refuse
  local-zone: "timeout.contract.test." always_deny
remote-control:
  control-enable: no
`;
}
