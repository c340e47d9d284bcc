/**
 * A gateway in a process of its own, whose memory nothing else fills: started by `large-message.test.ts`, which tells it
 * its DNS in the environment, sends it messages by SMTP and asks it what it kept.
 */
import { relayAcl } from '@postern/relay-acl';
import { senderAuthentication } from '@postern/spf-dmarc';
import { ZoneResolver } from '@postern/testing';
import { GatewayServer } from './gateway-server.ts';

/** What a gateway tells its parent: where it listens, then once for each message. */
export type LargeMessageNews =
  | { readonly port: number }
  | {
      /** The header of the message as it was delivered, and at most the first KiB of what came behind it. */
      readonly head: string;
      readonly bytes: number;
      /** The most bytes of memory that were in use while the message came and went, over what was in use before. */
      readonly growthBytes: number;
    };

const HEAD_BYTES = 16 * 1024;
const SAMPLE_MS = 20;

/** In use after everything that is garbage has gone. `external` has the array buffers in it. */
function usedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function tell(news: LargeMessageNews): void {
  process.send?.(news);
}

let before = usedBytes();
let most = before;

const sampling = setInterval(() => {
  most = Math.max(most, usedBytes());
}, SAMPLE_MS);

const server = await GatewayServer.start({
  resolver: new ZoneResolver(JSON.parse(process.env['POSTERN_TEST_ZONE'] ?? '{}')),
  maxMessageBytes: 64 * 1024 * 1024,
  checks: [relayAcl({ localDomains: ['example.org'] }), senderAuthentication()],
  async deliver(_transaction, message) {
    let bytes = 0;
    let head = '';
    for await (const chunk of message) {
      bytes += chunk.length;
      if (head.length < HEAD_BYTES) head += Buffer.from(chunk.subarray(0, HEAD_BYTES)).toString('latin1');
    }
    most = Math.max(most, usedBytes());
    tell({ head: head.slice(0, HEAD_BYTES), bytes, growthBytes: most - before });
    // What the first message leaves behind for good, machine code and caches, is not counted again.
    before = usedBytes();
    most = before;
  },
});
tell({ port: server.port });

process.once('disconnect', () => {
  clearInterval(sampling);
  void server[Symbol.asyncDispose]().then(() => process.exit());
});
