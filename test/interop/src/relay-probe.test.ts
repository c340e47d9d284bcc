import { type ProbeResult, probeOpenRelay } from '@postern/relay-acl';
import { expect, it } from 'vitest';
import { Postfix, postfixServer } from './postfix.ts';
import { describeWith } from './real-server.ts';

/** What a stranger, who comes from 127.0.0.1, gets of a Postfix with these settings; it has the mailboxes `postmaster` and `user`. */
async function probe(settings: Readonly<Record<string, string>>): Promise<ProbeResult> {
  await using postfix = await Postfix.start(['postmaster', 'user'], { mynetworks: '192.0.2.0/24', ...settings });
  const { port } = postfix;
  return await probeOpenRelay({
    host: '127.0.0.1',
    port,
    ours: 'example.org',
    victim: 'elsewhere.example',
    helo: 'client.example',
  });
}

function namesOf(tricks: ProbeResult['results']): readonly string[] {
  return tricks.map(({ name }) => name);
}

describeWith([postfixServer], 'a probe of Postfix', () => {
  it('finds it no relay as it comes', async () => {
    const result = await probe({});
    expect(result).toMatchObject({ accepted: [], unknown: [], control: { outcome: 'accepted' } });
    expect(result.results.find(({ name }) => name === 'plain')).toMatchObject({
      outcome: 'refused',
      reply: { code: 454, enhanced: '4.7.1' },
    });
  }, 60_000);

  it('finds it open when it trusts the whole Internet', async () => {
    const result = await probe({ mynetworks: '0.0.0.0/0' });
    expect(result.status).toBe('open');
    expect(namesOf(result.accepted)).toEqual(expect.arrayContaining(['plain', 'sender-null']));
  }, 60_000);
});
