import { getServers, setServers } from 'node:dns';
import { CachingResolver, DnsClient, type Finding } from '@postern/core';
import { dnsbl } from '@postern/dnsbl';
import { relayAcl } from '@postern/relay-acl';
import { type DnsFaultRule, DnsServer, type NameData, SmtpDriver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { GatewayServer } from './gateway-server.ts';

/** Where the client comes from, and its name in the list, which lists it. */
const address = '127.0.0.66';
const name = '66.0.0.127.bl.test';
const listed: NameData = { A: '127.0.0.2', TXT: 'listed' };

/** What the client was told at RCPT, and what the check had found. */
interface Said {
  readonly code: number;
  readonly text: string;
  readonly finding: Finding;
}

/** One client comes to a gateway that asks the list, by that server or by what the system has. */
async function rcpt(server: string | undefined, onUnknown: 'ignore' | 'defer' = 'ignore'): Promise<Said> {
  const servers = server === undefined ? {} : { servers: [server] };
  using client = new DnsClient({ ...servers, timeoutMs: 1_500, attemptTimeoutMs: 500 });
  const checks = [
    relayAcl({ localDomains: ['example.org'] }),
    dnsbl({ zones: ['bl.test'], askSpecial: true, onUnknown }),
  ];
  await using gateway = await GatewayServer.start({ checks, resolver: new CachingResolver(client), deliver: () => {} });
  await using driver = await SmtpDriver.connect({ port: gateway.port, localAddress: address });
  await driver.reply();
  await driver.command('EHLO client.example');
  await driver.command('MAIL FROM:<ann@client.example>');
  const { code, text } = await driver.command('RCPT TO:<bob@example.org>');
  await driver.command('RSET');
  const found = gateway.reports[0]?.opinions.find(({ check }) => check === 'dnsbl')?.finding;
  if (found === undefined) throw new Error('the check had no finding');
  return { code, text, finding: found };
}

function unknown(...reasons: readonly string[]): object {
  return { kind: 'dnsbl/unknown', zones: [{ status: 'unknown', reasons }] };
}

describe.concurrent('a listed client', () => {
  it('is refused when all goes well', async ({ expect }) => {
    await using dns = await DnsServer.start({ [name]: listed });
    expect(await rcpt(dns.address)).toMatchObject({
      code: 550,
      text: expect.stringMatching(/^5\.7\.1 .*bl\.test/),
      finding: { kind: 'dnsbl/listed', zones: [{ status: 'listed', text: 'listed' }] },
    });
  });

  it.for<[string, readonly DnsFaultRule[], string]>([
    ['is silent', [{ fault: 'drop' }], 'timeout'],
    ['answers after the deadline', [{ fault: 'delay', delayMs: 2_000 }], 'timeout'],
    ['answers SERVFAIL', [{ fault: 'servfail' }], 'servfail'],
    ['answers REFUSED', [{ fault: 'refused' }], 'refused'],
    ['answers FORMERR', [{ fault: 'formerr' }], 'servfail'],
    ['answers NOTIMP', [{ fault: 'notimp' }], 'servfail'],
    ['answers garbage', [{ fault: 'garbage' }], 'timeout'],
    ['answers what cannot be read', [{ fault: 'malformed' }], 'malformed'],
    ['answers with another id', [{ fault: 'wrong-id' }], 'timeout'],
    ['answers from another port', [{ fault: 'wrong-source' }], 'timeout'],
    ['answers with the records of another name', [{ fault: 'wrong-owner' }], 'malformed'],
    ['answers another question', [{ fault: 'wrong-question' }], 'timeout'],
    ['has no TCP for what it truncates', [{ fault: 'truncate' }, { fault: 'close', transport: 'tcp' }], 'network'],
  ])('is unknown, and so let in, when the server %s', async ([, faults, reason], { expect }) => {
    await using dns = await DnsServer.start({ [name]: listed }, { faults });
    expect(await rcpt(dns.address)).toMatchObject({ code: 250, finding: unknown(reason) });
  });

  it('is deferred instead, when the check is told to', async ({ expect }) => {
    await using dns = await DnsServer.start({ [name]: listed }, { faults: [{ fault: 'servfail' }] });
    expect(await rcpt(dns.address, 'defer')).toMatchObject({ code: 451, text: expect.stringMatching(/^4\.3\.0 /) });
  });

  it.for<[string, Record<string, NameData>, string]>([
    ['leads in circles', { [name]: { CNAME: 'a.bl.test' }, 'a.bl.test': { CNAME: name } }, 'servfail'],
    ['leads on without end', chain(40), 'servfail'],
    ['tells what a resolver made up', { [name]: { A: '192.0.2.1' } }, 'rewritten'],
    ['has a thousand addresses, one of them made up', { [name]: { A: many(1_000) } }, 'rewritten'],
    ['has an error in it', { [name]: { A: '127.255.255.254' } }, 'open-resolver'],
  ])('is unknown, and so let in, when the list %s', async ([, zone, reason], { expect }) => {
    await using dns = await DnsServer.start(zone);
    expect(await rcpt(dns.address)).toMatchObject({ code: 250, finding: unknown(reason) });
  });

  it('is refused in a reply of one line when the list has 60 KB to say about it', async ({ expect }) => {
    const text = Array.from({ length: 240 }, (_, at) => `${at} `.padEnd(250, 'text '));
    await using dns = await DnsServer.start({ [name]: { A: '127.0.0.2', TXT: [text] } });
    const said = await rcpt(dns.address);
    expect(said).toMatchObject({ code: 550, finding: { kind: 'dnsbl/listed' } });
    // RFC 5321 §4.5.3.1.5: 512 octets with the code before the text and CRLF behind it.
    expect(said.text.length).toBeLessThanOrEqual(512 - '550 \r\n'.length);
    expect(JSON.stringify(said.finding).length).toBeLessThan(2_000);
  });

  it('is unknown, and so let in, when nobody listens', async ({ expect }) => {
    const dns = await DnsServer.start({});
    const nobody = dns.address;
    await dns.close();
    expect(await rcpt(nobody)).toMatchObject({ code: 250, finding: unknown('network') });
  });
});

it('a listed client is not known to be one when the system has no name server', async () => {
  const before = getServers();
  try {
    // As without /etc/resolv.conf.
    setServers([]);
    const { code, finding } = await rcpt(undefined);
    // Some machine may have a server on its own port 53, which knows nothing of the list.
    expect(['dnsbl/unknown', 'dnsbl/clean']).toContain(finding.kind);
    expect(code).toBe(250);
  } finally {
    setServers(before);
  }
});

function chain(length: number): Record<string, NameData> {
  const links = Array.from({ length }, (_, at): [string, NameData] => [
    at === 0 ? name : `${at}.bl.test`,
    { CNAME: `${at + 1}.bl.test` },
  ]);
  return { ...Object.fromEntries(links), [`${length}.bl.test`]: listed };
}

function many(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `127.1.${at >> 8}.${at & 255}`).with(7, '192.0.2.1');
}
