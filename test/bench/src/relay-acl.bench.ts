/**
 * One decision about one recipient, 1,000 of them a round, with 10,000 local domains; and one argument of a command parsed.
 * No peer: others decide and parse inside a mail server.
 */
import { IpList } from '@postern/ip-list';
import { type ParsePathOptions, parsePath, RelayAcl, type RelayRequest } from '@postern/relay-acl';
import { bench, do_not_optimize, run } from 'mitata';

const REQUESTS = 1_000;

/** As a socket hands it over: one flat string, not a rope of the parts it was made of. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}

const localDomains = Array.from({ length: 10_000 }, (_, n) => `${n % 10 === 0 ? '.' : ''}domain${n}.example`);
const domains = { localDomains, relayDomains: ['backup.example'] };
const acl = new RelayAcl({ ...domains, trustedNetworks: ['198.51.100.0/24', '2001:db8:1::/48', '10.0.0.0/8'] });
const networks = IpList.from(
  Array.from({ length: 10_000 }, (_, n) => [`10.${n >> 8}.${n & 255}.0/24`, { action: 'allow' }]),
);
const manyNetworks = new RelayAcl({ ...domains, trustedNetworks: networks });

function each(name: string, request: (n: number) => RelayRequest, asked: typeof acl | typeof manyNetworks = acl): void {
  const requests = Array.from({ length: REQUESTS }, (_, n) => {
    const { ip, recipient, ...rest } = request(n);
    return { ip: typeof ip === 'string' ? flat(ip) : ip, recipient: flat(recipient), ...rest };
  });
  bench(`decide ×1,000: ${name}`, () => {
    for (const each of requests) do_not_optimize(asked.decide(each));
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

each(
  'one of 10,000 trusted networks to a foreign domain',
  (n) => ({ ip: `10.${n & 31}.2.3`, recipient: `user.${n}@elsewhere${n}.example` }),
  manyNetworks,
);
each('local, UTF-8 before the @', (n) => ({
  ip: ip(n),
  recipient: `müller.${n}@domain${n * 10 + 1}.example`,
  smtpUtf8: true,
}));

function parse(name: string, options: ParsePathOptions, text: (n: number) => string): void {
  const texts = Array.from({ length: REQUESTS }, (_, n) => flat(text(n)));
  bench(`parsePath ×1,000: ${name}`, () => {
    for (const each of texts) do_not_optimize(parsePath(each, options));
  });
}

parse('a mailbox', { kind: 'forward-path' }, (n) => `<user.${n}@domain${n}.example>`);
parse(
  'a mailbox with parameters',
  { kind: 'reverse-path' },
  (n) => `<user.${n}@domain${n}.example> SIZE=${n} BODY=8BITMIME`,
);
parse('a quoted mailbox', { kind: 'forward-path' }, (n) => `<"user ${n}"@domain${n}.example>`);
parse('a source route refused', { kind: 'forward-path' }, (n) => `<@domain${n}.example:user@victim.example>`);

await run();
