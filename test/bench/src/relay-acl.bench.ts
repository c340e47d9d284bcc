/**
 * One decision about one recipient, 1,000 of them a round, with 10,000 local domains. No peer: others decide inside a mail
 * server.
 */
import { RelayAcl, type RelayRequest } from '@postern/relay-acl';
import { bench, do_not_optimize, run } from 'mitata';

const REQUESTS = 1_000;

/** As a socket hands it over: one flat string, not a rope of the parts it was made of. */
function flat(text: string): string {
  return Buffer.from(text).toString('latin1');
}

const acl = new RelayAcl({
  localDomains: Array.from({ length: 10_000 }, (_, n) => `${n % 10 === 0 ? '.' : ''}domain${n}.example`),
  relayDomains: ['backup.example'],
  trustedNetworks: ['198.51.100.0/24', '2001:db8:1::/48', '10.0.0.0/8'],
});

function each(name: string, request: (n: number) => RelayRequest): void {
  const requests = Array.from({ length: REQUESTS }, (_, n) => {
    const { ip, recipient, ...rest } = request(n);
    return { ip: typeof ip === 'string' ? flat(ip) : ip, recipient: flat(recipient), ...rest };
  });
  bench(`decide ×1,000: ${name}`, () => {
    for (const each of requests) do_not_optimize(acl.decide(each));
  });
}

const ip = (n: number): string => `203.0.${n % 256}.9`;
each('local, exact', (n) => ({ ip: ip(n), recipient: `user.${n}@domain${n * 10 + 1}.example` }));
each('local, subdomain', (n) => ({ ip: ip(n), recipient: `user.${n}@mail.domain${n * 10}.example` }));
each('a stranger to a foreign domain', (n) => ({ ip: ip(n), recipient: `user.${n}@victim${n}.example` }));
each('a stranger with a percent hack', (n) => ({
  ip: ip(n),
  recipient: `u%victim.example@domain${n * 10 + 1}.example`,
}));
each('a user to a foreign domain', (n) => ({ ip: ip(n), user: 'alice', recipient: `user.${n}@elsewhere${n}.example` }));
each('a trusted network to a foreign domain', (n) => ({
  ip: '10.1.2.3',
  recipient: `user.${n}@elsewhere${n}.example`,
}));

await run();
