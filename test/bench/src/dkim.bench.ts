/**
 * What it costs to verify a message with one signature by a key of RSA-2048: CPU time a message, DNS instant and the key
 * known, beside the raw limit (SHA-256 of the message's bytes and one check with a prepared key) and the peers. Then bodies
 * that were made to be slow, and the memory of a large message that streams.
 */
import { hash, verify } from 'node:crypto';
import { Readable } from 'node:stream';
import { type DkimMessage, verifyDkim } from '@postern/spf-dmarc';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import {
  base64Line,
  fill,
  header,
  htmlLine,
  keyData,
  keyName,
  keyRecord,
  mixedBody,
  resolver,
  rsaKey,
  sample,
  sign,
  signedMessage,
  textLine,
} from './dkim-message.ts';
import { processPeers } from './dkim-process-peer.ts';

const ROUNDS = 21;
const MB = 1_048_576;
const CHUNK = 65_536;

/** Microseconds of CPU of this process, its threads included. */
function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

type Work = () => void | Promise<void>;

/** Microseconds of CPU of each, the median of rounds in which all have their turn. */
async function measure(works: Readonly<Record<string, Work>>, count: number): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number[]>(Object.keys(works).map((name) => [name, []]));
  for (let round = -3; round < ROUNDS; round++) {
    for (const [name, work] of Object.entries(works)) {
      const start = cpuMicros();
      for (let n = 0; n < count; n++) await work();
      // The first rounds are for the compiler.
      if (round >= 0) found.get(name)?.push((cpuMicros() - start) / count);
    }
  }
  return new Map([...found].map(([name, times]) => [name, median(times)]));
}

async function ours(message: DkimMessage): Promise<void> {
  const [result] = await verifyDkim(message, { resolver });
  if (result?.result !== 'pass') throw new Error(result?.detail);
}

const mailauthResolver = async (): Promise<string[][]> => [[keyRecord]];
async function mailauth(message: Buffer): Promise<void> {
  const { results } = await dkimVerify(message, { resolver: mailauthResolver });
  if (results[0]?.status.result !== 'pass') throw new Error('mailauth');
}

function limit(message: Buffer): Work {
  return () => {
    hash('sha256', message);
    if (!verify('sha256', sample.bytes, rsaKey, sample.signature)) throw new Error('limit');
  };
}

/** A message in chunks as a socket brings them. */
function chunks(message: Buffer): Buffer[] {
  return Array.from({ length: Math.ceil(message.length / CHUNK) }, (_, n) =>
    message.subarray(n * CHUNK, (n + 1) * CHUNK),
  );
}

function line(name: string, micros: number | string, raw: number): void {
  const text =
    typeof micros === 'string'
      ? micros
      : `${micros.toFixed(1).padStart(11)} µs ${(micros / raw).toFixed(2).padStart(8)} ×`;
  console.log(`  ${name.padEnd(34)} ${text}`);
}

// A gateway runs warm: the compiler is done with code that ran some ten thousand times.
const warm = await signedMessage('relaxed', mixedBody(1_000));
for (let n = 0; n < 30_000; n++) await ours(warm);

console.log(`key of RSA-2048, p= of ${keyData.length} characters; CPU a message, and how many times the limit`);
for (const [size, bytes, count] of [
  ['2 KB', 2_048, 200],
  ['50 KB', 51_200, 60],
  ['1 MB', MB, 6],
] as const) {
  for (const canonicalization of ['relaxed', 'simple'] as const) {
    const message = await signedMessage(canonicalization, mixedBody(bytes - 1_100));
    const inChunks = chunks(message);
    const times = await measure(
      {
        limit: limit(message),
        'verifyDkim, whole': () => ours(message),
        'verifyDkim, in chunks of 64 KB': () => ours(inChunks),
        mailauth: () => mailauth(message),
      },
      count,
    );
    const raw = times.get('limit') ?? Number.NaN;
    console.log(`\n${size} ${canonicalization}/${canonicalization}`);
    for (const [name, micros] of times) line(name, micros, raw);
    for (const peer of processPeers)
      line(peer.name, peer.perMessage(message, keyName, keyRecord, bytes > 100_000 ? 40 : 400), raw);
  }
}

/** Lines of one kind each, then what nobody writes. */
const kinds: Readonly<Record<string, string>> = {
  text: fill(MB, textLine),
  'HTML, indented': fill(MB, htmlLine),
  base64: fill(MB, base64Line),
  'spaces only': ' '.repeat(MB),
  'CRLF only': '\r\n'.repeat(MB / 2),
  'one line': 'x'.repeat(MB),
  'tabs and spaces in turn': '\t '.repeat(MB / 2),
  'a tab behind each letter': 'x\t'.repeat(MB / 2),
  'two spaces behind each letter': 'x  '.repeat(MB / 3),
  'lines of a space': ' \r\n'.repeat(MB / 3),
  'lines of a letter': 'x\r\n'.repeat(MB / 3),
  'lines of a letter, bare LF': 'x\n'.repeat(MB / 2),
  NUL: '\0'.repeat(MB),
};
console.log('\nbodies of 1 MB by kind: nanoseconds of CPU a byte, and how many times those of text');
for (const canonicalization of ['relaxed', 'simple'] as const) {
  const works: Record<string, Work> = {};
  for (const [name, body] of Object.entries(kinds)) {
    const message = await signedMessage(canonicalization, body);
    const inChunks = chunks(message);
    works[name] = () => ours(inChunks);
  }
  const times = await measure(works, 3);
  const text = times.get('text') ?? Number.NaN;
  console.log(canonicalization);
  for (const [name, micros] of times) {
    console.log(
      `  ${name.padEnd(34)} ${((micros * 1_000) / MB).toFixed(2).padStart(6)} ns ${(micros / text).toFixed(2).padStart(6)} ×`,
    );
  }
}

const part = Buffer.from(fill(CHUNK, htmlLine));

/** Each chunk in memory of its own, so that it shows when they are kept. */
function* streamed(copies: number, onChunk: () => void): Generator<Buffer> {
  yield Buffer.from(header);
  for (let n = 0; n < copies; n++) {
    yield Buffer.from(part);
    onChunk();
  }
}

for (const megabytes of [1, 100]) {
  const copies = (megabytes * MB) / CHUNK;
  const signature = await sign(
    'relaxed',
    streamed(copies, () => {}),
  );
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let peak = before;
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const message = (function* () {
    yield signature;
    yield* streamed(copies, look);
  })();
  const [result] = await verifyDkim(Readable.from(message, { objectMode: false }), { resolver });
  const grown = ((peak - before) / MB).toFixed(1);
  console.log(`${megabytes} MB streamed: ${result?.result}, resident memory grew by ${grown} MB at most`);
}
const line50 = await signedMessage('relaxed', 'x'.repeat(50 * MB));
const times = await measure({ limit: limit(line50), 'one line of 50 MB': () => ours(chunks(line50)) }, 1);
for (const [name, micros] of times) line(name, micros, times.get('limit') ?? Number.NaN);
