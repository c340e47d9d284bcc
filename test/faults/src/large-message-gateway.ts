/**
 * A gateway in a process of its own, whose memory nothing else fills: started by `large-message.test.ts`, which tells it
 * its DNS in the environment, sends it messages by SMTP and asks it what it kept.
 */
import type { Check } from '@postern/core';
import { reverseDns } from '@postern/rdns';
import { relayAcl } from '@postern/relay-acl';
import { senderAuthentication } from '@postern/spf-dmarc';
import { ZoneResolver } from '@postern/testing';
import { GatewayServer } from './gateway-server.ts';

/** What a gateway tells its parent: where it listens, then once for each message. */
export type LargeMessageNews =
  | { readonly port: number }
  | {
      /** The beginning of the message as it was delivered. */
      readonly head: string;
      readonly bytes: number;
      /** The most bytes of memory that were in use while the message came and went, over what was in use before. */
      readonly growthBytes: number;
    };

const HEAD_BYTES = 4 * 1024;
const SAMPLE_BYTES = 4 * 1024 * 1024;

/** Samples memory as bytes go by, not as time does: a busy machine samples as often as an idle one. */
class Samples {
  #before = 0;
  #most = 0;
  #bytes = 0;

  /** In use after everything that is garbage has gone. `external` has the array buffers in it. */
  #used(): number {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  }

  get growthBytes(): number {
    return this.#most - this.#before;
  }

  begin(): void {
    this.#before = this.#used();
    this.#most = this.#before;
  }

  passed(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < SAMPLE_BYTES) return;
    this.#bytes = 0;
    this.#most = Math.max(this.#most, this.#used());
  }
}

function tell(news: LargeMessageNews): void {
  process.send?.(news);
}

const samples = new Samples();

/** Beside the check that is measured: it keeps nothing. */
const sampling: Check = {
  name: 'sampling',
  cost: 'local',
  start: () => ({
    message: () => ({
      header: () => samples.begin(),
      write: (chunk) => samples.passed(chunk.length),
      end: () => undefined,
      abort() {},
    }),
  }),
};

const server = await GatewayServer.start({
  resolver: new ZoneResolver(JSON.parse(process.env['POSTERN_TEST_ZONE'] ?? '{}')),
  checks: [
    sampling,
    relayAcl({ localDomains: ['example.org'] }),
    // Everyone is at home here, who comes as well as who is come to.
    reverseDns({ allowPrivateTargets: true, rules: { heloOwnName: 'ignore' } }),
    senderAuthentication(),
  ],
  maxMessageBytes: 64 * 1024 * 1024,
  async deliver(_transaction, message) {
    let bytes = 0;
    let head = '';
    for await (const chunk of message) {
      bytes += chunk.length;
      if (head.length < HEAD_BYTES) head += Buffer.from(chunk.subarray(0, HEAD_BYTES)).toString('latin1');
      samples.passed(chunk.length);
    }
    tell({ head: head.slice(0, HEAD_BYTES), bytes, growthBytes: samples.growthBytes });
  },
});
tell({ port: server.port });

process.once('disconnect', () => {
  void server[Symbol.asyncDispose]().then(() => process.exit());
});
