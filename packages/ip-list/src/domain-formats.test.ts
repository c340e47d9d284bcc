import { describe, expect, it } from 'vitest';
import { collectDomains } from './collected-entries.ts';

describe('the plain format of names', () => {
  it('reads patterns and comments', async () => {
    const text = `# comment
example.com
.Example.NET  # and below
*.example.org ; below
registrable:mail.example.co.uk
bücher.example.
_dmarc.example.com
`;
    expect(await collectDomains(text, {})).toEqual({
      entries: [
        'example.com block',
        '.example.net block and below',
        '.example.org block below',
        'registrable:mail.example.co.uk block',
        'xn--bcher-kva.example block',
        '_dmarc.example.com block',
      ],
      problems: [],
    });
  });

  it('reports what is no pattern', async () => {
    const text = '192.0.2.1\nexa mple.com\n*.\nuser@example.com\nregistrable:co.uk\nok.example\nhttps://example.com/\n';
    const { entries, problems } = await collectDomains(text, {});
    expect(entries).toEqual(['ok.example block']);
    expect(problems).toEqual([1, 2, 3, 4, 5, 7].map((line) => `${line} skipped not-a-domain`));
  });

  it('makes each name stand for those below it when told to', async () => {
    expect((await collectDomains('example.com\n.example.net\n', { subdomains: true })).entries).toEqual([
      'example.com block',
      '.example.com block',
      '.example.net block',
    ]);
  });
});

describe('hosts files', () => {
  it('reads the names that lead nowhere', async () => {
    const text = `127.0.0.1 localhost localhost.localdomain
::1 localhost
255.255.255.255 broadcasthost
0.0.0.0 0.0.0.0
0.0.0.0 bad.example other.example # ads
127.0.0.1	worse.example
:: ipv6.example
192.0.2.1 myhost.example
nonsense bad.example
0.0.0.0
0.0.0.0 ba_d.example -x.example
`;
    expect(await collectDomains(text, { format: 'hosts' })).toEqual({
      entries: [
        'bad.example block ads',
        'other.example block ads',
        'worse.example block',
        'ipv6.example block',
        'ba_d.example block',
      ],
      problems: [
        '8 skipped unsupported',
        '9 skipped not-an-address',
        '10 skipped malformed',
        '11 skipped not-a-domain',
      ],
    });
  });
});

describe('dnset zone files of rbldnsd', () => {
  it('maps names, wildcards and exclusions', async () => {
    const text = `:127.0.0.2:Listed, see $
example.com
*.example.net
.example.org :3:Both
!ok.example.org
!.fine.example
.fine.example
192.0.2.1
$SOA 1w a b 0 1 1 1 1
$DATASET ip4set x
`;
    expect(await collectDomains(text, { format: 'dnset' })).toEqual({
      entries: [
        'example.com block Listed, see $',
        '.example.net block Listed, see $',
        'example.org block Both',
        '.example.org block Both',
        'ok.example.org allow',
        'fine.example allow',
        '.fine.example allow',
      ],
      problems: ['8 skipped not-a-domain', '10 skipped unsupported'],
    });
  });
});

describe('combined zone files of rbldnsd', () => {
  it('gives the names of their dnset data sets alone', async () => {
    const text = `$DATASET generic:common @
www A 127.0.0.8
$DATASET dnset:a names
:2:first
!ok.example.com
$DATASET dnset:b @ names
.example.com
!example.com
`;
    expect(await collectDomains(text, { format: 'dnset' })).toEqual({
      entries: ['ok.example.com allow', 'example.com block', '.example.com block', 'example.com allow'],
      problems: ['1 skipped unsupported', '6 taken other-data-set', '8 taken other-data-set'],
    });
  });
});

describe('Postfix access tables', () => {
  it('takes keys that are names, and reports the others', async () => {
    const text = `example.com REJECT
   not here
.example.net OK
user@example.com REJECT
192.0.2 REJECT
example.org
example.edu HOLD
`;
    expect(await collectDomains(text, { format: 'postfix-access' })).toEqual({
      entries: ['example.com block REJECT   not here', '.example.net allow OK', 'example.edu allow HOLD'],
      problems: ['4 skipped unsupported', '5 skipped not-a-domain', '6 skipped malformed', '7 taken unknown-action'],
    });
  });
});
