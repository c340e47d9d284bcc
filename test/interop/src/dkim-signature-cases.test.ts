import { beforeAll, expect, it } from 'vitest';
import { craft } from './dkim-crafted.ts';
import { type DkimKeyPairs, makeKeyPairs } from './dkim-key-pairs.ts';
import { keyName, type PeerVerdict } from './dkim-peer.ts';
import { dkimPeerServers, dkimPeers, postern } from './dkim-peers.ts';
import { signatureCases } from './dkim-signature-cases.ts';
import { describeWith } from './real-server.ts';

/** For whole batches of other processes on a busy machine. */
const PATIENCE_MS = 600_000;

describeWith(dkimPeerServers, 'odd signatures and key records', () => {
  /** By peer, of the cases in their order. */
  const verdicts = new Map<string, readonly PeerVerdict[]>();

  beforeAll(async () => {
    const { messages, records } = craftAll(await makeKeyPairs());
    await Promise.all(
      [...dkimPeers, postern].map(async (peer) => void verdicts.set(peer.name, await peer.verify(messages, records))),
    );
  }, PATIENCE_MS);

  it.each(signatureCases.map((each, at) => ({ ...each, at })))(
    'pass is $pass for: $name',
    ({ at, pass, deviate = [] }) => {
      const others = [...verdicts].flatMap(([peer, all]) => {
        const verdict = all[at];
        return deviate.includes(peer) || verdict?.pass === pass ? [] : [`${peer}: ${verdict?.detail}`];
      });
      expect(others).toEqual([]);
    },
  );
});

/** Each with a selector of its own. */
function craftAll(pairs: DkimKeyPairs): { messages: readonly Buffer[]; records: ReadonlyMap<string, string> } {
  const records = new Map<string, string>();
  const messages = signatureCases.map(({ key: pair = 'rsa2048', record, alter, ...each }, at) => {
    const key = { ...pairs[pair], selector: `s${at}` };
    const text = record === undefined ? key.record : record(key);
    if (text !== undefined) records.set(keyName(key), text);
    const fields = `From: ann@${key.domain}\r\nTo: bob@example.net\r\nX-Two: one\r\nX-Two: two\r\nSubject: two words\r\n`;
    const signed = craft(`${fields}\r\nHello you\r\n\r\n  all\r\n\r\n`, { key, ...each.craft }).toString('latin1');
    return Buffer.from(alter === undefined ? signed : alter(signed), 'latin1');
  });
  return { messages, records };
}
