import { DeadlineResolver, type HeaderField, type HeaderFields, OptionReader } from '@postern/core';
import { BodyHash } from './body-canonicalization.ts';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import type { DkimReason, DkimSignatureResult } from './dkim-signature-result.ts';
import { type SignedFields, selectSignedFields, signedHeaderBytes } from './header-canonicalization.ts';
import { keyDefect } from './key-defect.ts';
import { type KeyAnswer, lookUpKeys } from './key-lookup.ts';
import { checkSignature } from './signature-check.ts';
import { choose } from './signature-order.ts';
import { type Findings, signatureResult } from './signature-result.ts';
import { readSignature, type SignatureFacts, type SignatureReading, type SignatureTags } from './signature-tags.ts';
import { type DkimVerifierOptions, VerifierSettings } from './verifier-settings.ts';

/** RFC 8301 §3.2: verifiers do not take shorter ones for valid. */
const SHORTEST_RSA = 1_024;

/** A signature that waits for its key and for the end of the body. */
interface Pending {
  readonly field: HeaderField;
  readonly facts: SignatureFacts;
  readonly tags: SignatureTags;
  readonly keys: Promise<KeyAnswer>;
}

/**
 * Verifies the DKIM signatures of one message while it arrives (RFC 6376 §6): `header`, then `write` for each chunk of the
 * body, then `end`, or `abort`. The keys are looked up while the body comes. Each body canonicalization is hashed once,
 * whatever the number of signatures and their `l=`; memory is that of the header.
 *
 * Without a signature, `write` returns at once.
 *
 * @example
 * ```ts
 * const verifier = new DkimVerifier({ resolver });
 * verifier.header(fields);
 * for await (const chunk of body) verifier.write(chunk);
 * const results = await verifier.end();
 * ```
 */
export class DkimVerifier {
  readonly #settings: VerifierSettings;
  #dns: DeadlineResolver | undefined;
  #header: HeaderFields | undefined;
  /** From top to bottom. */
  #signatures: readonly (Pending | DkimSignatureResult)[] = [];
  #arc: Pending | DkimSignatureResult | undefined;
  readonly #bodies = new Map<DkimCanonicalization, BodyHash>();
  #aborted = false;

  /** @throws TypeError or RangeError that names the option */
  constructor(options: DkimVerifierOptions) {
    if (options instanceof VerifierSettings) {
      this.#settings = options;
      return;
    }
    const read = new OptionReader('DkimVerifier', options);
    this.#settings = new VerifierSettings(read);
    read.done();
  }

  /**
   * The header, complete. Called once, before the first `write`.
   *
   * @param arcSignature - an ARC-Message-Signature that is verified beside the DKIM signatures (RFC 8617 §5.2), for
   * `arcResult`. Default: none.
   */
  header(fields: HeaderFields, arcSignature?: HeaderField): void {
    if (this.#header !== undefined) throw new TypeError('DkimVerifier: there is one header to a message');
    this.#header = fields;
    const signatures = fields.all('dkim-signature');
    if (signatures.length === 0 && arcSignature === undefined) return;
    const { maxSignatures, timeoutMs, signal, resolver } = this.#settings;
    const readings = signatures.map((field) => this.#inTime(readSignature(field)));
    const chosen = choose(readings, fields, maxSignatures);
    const arc = arcSignature && this.#inTime(readSignature(arcSignature, 'arc'));
    if (chosen.size > 0 || arc?.ok) this.#dns = new DeadlineResolver(resolver, { timeoutMs, signal });
    const lookups = new Map<string, Promise<KeyAnswer>>();
    this.#signatures = signatures.map((field, index) =>
      this.#prepare(field, readings[index], chosen.has(index), lookups),
    );
    if (arcSignature !== undefined) this.#arc = this.#prepare(arcSignature, arc, true, lookups);
    this.#hashBodies();
  }

  /** What the ARC-Message-Signature came to; `undefined` before `end`, or when there was none. */
  get arcResult(): DkimSignatureResult | undefined {
    return this.#arc !== undefined && 'result' in this.#arc ? this.#arc : undefined;
  }

  /** Bytes of the body, behind the empty line that ends the header. Not needed any more when this returns. */
  write(chunk: Uint8Array): void {
    for (const body of this.#bodies.values()) body.update(chunk);
  }

  /**
   * The message is complete: what its signatures came to, from top to bottom; nothing when it has none. Never rejects.
   * To be called once.
   *
   * @param signal - ends the waiting for keys, and the checking, as that of the options does
   */
  async end(signal?: AbortSignal): Promise<readonly DkimSignatureResult[]> {
    for (const body of this.#bodies.values()) body.end();
    const onAbort = (): void => this.abort();
    if (signal?.aborted) this.abort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const results: DkimSignatureResult[] = [];
      // One after the other: the keys have been asked for already, and each check needs a core of its own.
      for (const each of this.#signatures) results.push('result' in each ? each : await this.#judge(each));
      if (this.#arc !== undefined && !('result' in this.#arc)) this.#arc = await this.#judge(this.#arc);
      return results;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.abort();
    }
  }

  /** Nobody waits for the results any more, or `end` shall not wait any longer: lookups end, timers and listeners go. */
  abort(): void {
    this.#aborted = true;
    this.#dns?.[Symbol.dispose]();
  }

  /**
   * Instead of `end`, for a message that cannot be judged: why, of each signature that could have been.
   *
   * @internal
   */
  giveUp(reason: DkimReason, detail: string): readonly DkimSignatureResult[] {
    this.abort();
    return this.#signatures.map((each) => ('result' in each ? each : signatureResult(reason, detail, each.facts)));
  }

  /** RFC 6376 §3.5: a signature from the future or one that has expired may be taken for none. */
  #inTime(reading: SignatureReading): SignatureReading {
    const { signedAt, expiresAt } = reading.facts;
    if (!reading.ok || (signedAt === undefined && expiresAt === undefined)) return reading;
    const { clock, clockSkewMs } = this.#settings;
    const now = clock.now();
    const { facts } = reading;
    if (expiresAt !== undefined && expiresAt * 1_000 + clockSkewMs < now) {
      return { ok: false, facts, fault: { reason: 'expired', detail: `The signature expired at ${expiresAt} (x=).` } };
    }
    if (signedAt !== undefined && signedAt * 1_000 - clockSkewMs > now) {
      const detail = `The signature is of a time to come, ${signedAt} (t=).`;
      return { ok: false, facts, fault: { reason: 'not-yet-valid', detail } };
    }
    return reading;
  }

  #prepare(
    field: HeaderField,
    reading: SignatureReading | undefined,
    chosen: boolean,
    lookups: Map<string, Promise<KeyAnswer>>,
  ): Pending | DkimSignatureResult {
    if (reading === undefined || this.#dns === undefined || !reading.ok || !chosen) {
      const { maxSignatures } = this.#settings;
      const skipped = `There are more than ${maxSignatures} signatures, this one was not looked at.`;
      if (reading === undefined || reading.ok) return signatureResult('skipped', skipped, reading?.facts);
      return signatureResult(reading.fault.reason, reading.fault.detail, reading.facts);
    }
    const { facts, tags } = reading;
    let keys = lookups.get(tags.keyName);
    if (keys === undefined) {
      keys = lookUpKeys(tags.keyName, this.#dns, this.#settings.keys);
      lookups.set(tags.keyName, keys);
    }
    return { field, facts, tags, keys };
  }

  #hashBodies(): void {
    const lengths: Record<DkimCanonicalization, number[]> = { simple: [], relaxed: [] };
    const wanted = new Set<DkimCanonicalization>();
    for (const each of this.#arc === undefined ? this.#signatures : [...this.#signatures, this.#arc]) {
      if ('result' in each) continue;
      const { body, bodyLength } = each.tags;
      wanted.add(body);
      if (bodyLength !== undefined) lengths[body].push(bodyLength);
    }
    for (const each of wanted) this.#bodies.set(each, new BodyHash(each, lengths[each]));
  }

  async #judge(pending: Pending): Promise<DkimSignatureResult> {
    const { facts, tags, field } = pending;
    const answer = await pending.keys;
    const body = this.#bodies.get(tags.body);
    if (body === undefined || this.#header === undefined) throw new TypeError('DkimVerifier: there was no header');
    const signed = selectSignedFields(this.#header, facts.signedFields, field);
    const unsignedBytes = Math.max(0, body.byteLength - (tags.bodyLength ?? body.byteLength));
    const findings: Findings = { oversignedFields: [...signed.oversigned], unsignedBytes };
    const result = (reason: DkimReason, detail: string): DkimSignatureResult =>
      signatureResult(reason, detail, facts, findings);

    if (answer.kind === 'none') {
      return signatureResult('no-key', answer.detail, facts, { ...findings, authentic: answer.authentic });
    }
    // Whatever the key: this cannot pass any more.
    const bodyFault = judgeBody(body, tags);
    if (answer.kind === 'failure') {
      return bodyFault === undefined ? result(answer.reason, answer.detail) : result(bodyFault, bodyFaults[bodyFault]);
    }
    return this.#tryKeys(pending, answer, signed, bodyFault, findings);
  }

  /** With each key of the name in turn, until the signature holds with one. */
  async #tryKeys(
    { facts, tags, field }: Pending,
    { keys, authentic }: KeyAnswer & { kind: 'keys' },
    signed: SignedFields,
    bodyFault: BodyFault | undefined,
    found: Findings,
  ): Promise<DkimSignatureResult> {
    let first: DkimSignatureResult | undefined;
    let bytes: Uint8Array | undefined;
    for (const read of keys) {
      const bits = read.ok && read.key.ok ? read.key.bits : undefined;
      const findings = { ...found, keyBits: bits, testing: read.ok && read.record.testing, authentic };
      const result = (reason: DkimReason, detail: string): DkimSignatureResult =>
        signatureResult(reason, detail, facts, findings);
      const defect = keyDefect(read, tags);
      if (defect !== undefined || !read.ok || !read.key.ok) {
        first ??= result(defect?.reason ?? 'key-syntax', defect?.detail ?? 'The key cannot be read.');
        continue;
      }
      // A key that fits says more of the signature than one that does not.
      if (bodyFault !== undefined) return result(bodyFault, bodyFaults[bodyFault]);
      const { key } = read.key;
      if (tags.algorithm === 'rsa-sha256' && read.key.bits < SHORTEST_RSA) {
        first = result('weak-key', `An RSA key of ${bits} bits protects nothing; ${SHORTEST_RSA} are the least.`);
        continue;
      }
      if (this.#aborted || this.#settings.signal?.aborted) return result('incomplete', 'The caller gave up.');
      bytes ??= signedHeaderBytes(signed.fields, field.raw, tags.header);
      const holds = checkSignature(bytes, key, read.key.bits, tags.signature);
      if (!(typeof holds === 'boolean' ? holds : await holds)) {
        first = result('signature-mismatch', 'The signature does not fit the signed header fields and the key.');
        continue;
      }
      const { unsignedBytes = 0 } = findings;
      if (unsignedBytes > 0 && this.#settings.bodyLength === 'refuse') {
        return result('unsigned-body', `The last ${unsignedBytes} bytes of the body are not signed (l=).`);
      }
      return result('verified', 'The signature holds.');
    }
    return first ?? signatureResult('no-key', 'There is no key record.', facts, found);
  }
}

type BodyFault = 'body-altered' | 'body-truncated';

const bodyFaults: Readonly<Record<BodyFault, string>> = {
  'body-altered': 'The body is not the one that was signed.',
  'body-truncated': 'The body is shorter than l= says.',
};

function judgeBody(body: BodyHash, { bodyLength, bodyHash }: SignatureTags): BodyFault | undefined {
  const digest = body.digest(bodyLength);
  if (digest === undefined) return 'body-truncated';
  return Buffer.compare(digest, bodyHash) === 0 ? undefined : 'body-altered';
}
