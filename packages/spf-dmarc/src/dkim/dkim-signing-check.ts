import {
  type Check,
  type Clock,
  type Finding,
  type HeaderFields,
  isClock,
  isSubdomainOf,
  type MessageSink,
  type Opinion,
  OptionReader,
  readOriginators,
  type Transaction,
} from '@postern/core';
import { type DkimSignatureOptions, DkimSignatures, type PlannedSignature } from './dkim-signatures.ts';
import { MessageSigning } from './message-signing.ts';
import { isSignatures } from './signing-settings.ts';

/** What the {@link dkimSigning} check signs, and with what. */
export interface DkimSigningCheckOptions {
  /**
   * The signatures of the domains that are sent for. A message gets those whose `domain` is that of its author, or above it.
   * Who sends for more than a few domains gives a function of the author's domain (lower case, A-labels), which is called
   * once for each message and answers at once.
   */
  readonly signatures:
    | DkimSignatures
    | readonly DkimSignatureOptions[]
    | ((domain: string) => DkimSignatures | undefined);
  /**
   * Which messages to sign. Default: those of clients that have logged in or stand in a trusted network. Whoever signs what
   * strangers bring puts his name to their spam.
   */
  readonly when?: (transaction: Transaction) => boolean;
  /** Unique in a gateway. Default `dkim-signing`. */
  readonly name?: string;
  /** What `t=` and `x=` go by. Default: the gateway's. */
  readonly clock?: Clock;
}

/**
 * The `Check` that signs what a gateway sends: it hashes each message while it passes, and asks for the `DKIM-Signature`
 * fields on top of it (finding `dkim/signed`). It has no verdict: a message that is not signed goes on without, and the
 * finding `dkim/unsigned` says why.
 *
 * What is signed is the message as the client sent it. `Received`, `Authentication-Results` and whatever else the gateway
 * adds by itself leave the signature whole; a check that adds or removes a field of a name that is signed breaks it.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { dkimSigning } from '@postern/spf-dmarc';
 *
 * const key = readFileSync('s2026.pem');
 * const check = dkimSigning({ signatures: [{ domain: 'example.com', selector: 's2026', key }] });
 * ```
 */
export function dkimSigning(options: DkimSigningCheckOptions): Check {
  const read = new OptionReader('dkimSigning', options);
  const given = read.required('signatures', isSource, 'a list of signatures, DkimSignatures, or a function');
  const name = read.text('name', 'dkim-signing');
  const when = read.value('when', isCondition, 'a function') ?? isOurs;
  const ownClock = read.value('clock', isClock, 'a clock');
  read.done();
  const fixed = typeof given === 'function' || given instanceof DkimSignatures ? given : new DkimSignatures(given);

  return {
    name,
    start: (_session, context) => ({
      message: (transaction) => (when(transaction) ? new SigningSink(fixed, ownClock ?? context.clock) : undefined),
    }),
  };
}

type SignatureSource = DkimSignatures | ((domain: string) => DkimSignatures | undefined);

class SigningSink implements MessageSink {
  readonly #source: SignatureSource;
  readonly #clock: Clock;
  #signing: MessageSigning | undefined;
  #unsigned = 'The message has no header.';

  constructor(source: SignatureSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  header(fields: HeaderFields): void {
    const domains = authorDomains(fields);
    const signatures = domains === undefined ? [] : signaturesFor(domains, this.#source);
    if (domains === undefined) {
      this.#unsigned = 'Who the author of the message is cannot be read beyond doubt.';
    } else if (signatures.length === 0) {
      this.#unsigned = `There is no key for ${domains.join(', ').slice(0, LONGEST_SHOWN)}.`;
    } else {
      this.#signing = new MessageSigning(signatures, this.#clock);
      this.#signing.header(fields);
    }
  }

  write(chunk: Uint8Array): void {
    this.#signing?.write(chunk);
  }

  async end(): Promise<Opinion> {
    const signed = await this.#signing?.end();
    if (signed === undefined) return { finding: { kind: 'dkim/unsigned', summary: this.#unsigned } };
    if (!signed.ok) return { finding: { kind: 'dkim/unsigned', summary: signed.detail, fault: signed.fault } };
    const made = signed.signatures.map(({ domain, selector, algorithm }) => ({ domain, selector, algorithm }));
    const finding: Finding = {
      kind: 'dkim/signed',
      summary: `Signed for ${made.map(({ domain, selector }) => `${domain} (${selector})`).join(', ')}.`,
      signatures: made,
    };
    return { finding, headerEdits: signed.signatures.map(({ headerEdit }) => headerEdit) };
  }

  abort(): void {
    this.#signing = undefined;
  }
}

/** Of a list of authors, what a finding shows. */
const LONGEST_SHOWN = 260;

/** The domains of the authors, lower case; `undefined` when they cannot be read beyond doubt. */
function authorDomains(fields: HeaderFields): readonly string[] | undefined {
  const [from, second] = fields.all('from');
  if (from === undefined || second !== undefined) return undefined;
  const reading = readOriginators(from.value);
  return reading.ok ? [...new Set(reading.originators.map(({ domain }) => domain))] : undefined;
}

/** Nobody vouches for an author whom he does not know: a signature has to be for all of them. */
function signaturesFor(domains: readonly string[], source: SignatureSource): readonly PlannedSignature[] {
  const [domain = ''] = domains;
  const signatures = typeof source === 'function' ? source(domain) : source;
  // From JavaScript a promise, or a bare list, would leave all mail unsigned, and nobody would learn of it.
  if (signatures !== undefined && !(signatures instanceof DkimSignatures)) {
    throw new TypeError('dkimSigning: the function "signatures" must return DkimSignatures or undefined, at once');
  }
  return (signatures?.planned ?? []).filter((planned) =>
    domains.every((each) => each === planned.domain || isSubdomainOf(each, planned.domain)),
  );
}

function isOurs({ session }: Transaction): boolean {
  return session.user !== undefined || session.trusted;
}

function isSource(value: unknown): value is DkimSigningCheckOptions['signatures'] {
  return typeof value === 'function' || isSignatures(value);
}

function isCondition(value: unknown): value is (transaction: Transaction) => boolean {
  return typeof value === 'function';
}
