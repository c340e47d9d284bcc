import { shownText } from '../shown-text.ts';
import { SpfDeadline } from './spf-deadline.ts';
import type { SpfCheck, SpfEvaluation } from './spf-evaluation.ts';
import { SpfEvaluator } from './spf-evaluator.ts';
import { clientOf, heloName, heloSender, mailFromSender, type SpfSender } from './spf-sender.ts';
import { readSpfOptions, type SpfOptions, type SpfSettings } from './spf-settings.ts';
import { traced } from './spf-tracing.ts';

/** Who sends. */
export interface SpfInput {
  /** The client's address as text. An IPv4-mapped IPv6 address is the IPv4 address. */
  readonly ip: string;
  /** The name that the client said HELO or EHLO with; `''` when it said none. */
  readonly helo: string;
  /** The reverse-path without angle brackets; `''` is the null reverse-path. */
  readonly mailFrom: string;
}

/** What is quoted of an address that is none. */
const LONGEST_ADDRESS = 64;

/** An evaluation that cannot take place. */
function withoutClient(
  { identity, domain, mailbox }: SpfSender,
  { ip, helo }: Omit<SpfInput, 'mailFrom'>,
): SpfEvaluation {
  return {
    result: 'none',
    identity,
    domain,
    sender: mailbox,
    ip: shownText(ip, LONGEST_ADDRESS),
    heloName: heloName(helo),
    record: undefined,
    matched: undefined,
    explanation: undefined,
    problem: "The client's address is no IP address.",
    lookupTerms: 0,
    voidLookups: 0,
    lookups: [],
  };
}

/** One identity. Never rejects. */
function evaluate(
  sender: SpfSender,
  input: Omit<SpfInput, 'mailFrom'>,
  settings: SpfSettings,
  signal: AbortSignal | undefined,
): Promise<SpfEvaluation> {
  const client = clientOf(input.ip, input.helo);
  if (client === undefined) return Promise.resolve(withoutClient(sender, input));
  const deadline = new SpfDeadline(settings.timeoutMs, signal);
  const evaluator = new SpfEvaluator(settings, deadline, client, sender);
  return deadline.run([(done) => evaluator.run(done)], () => evaluator.evaluation());
}

/** {@link checkSpf} for input and options that have been read. Never rejects. */
export function runSpfCheck(
  input: SpfInput,
  settings: SpfSettings,
  signal: AbortSignal | undefined,
): Promise<SpfCheck> {
  const heloIdentity = heloSender(input.helo);
  if (input.mailFrom === '') {
    return evaluate(heloIdentity, input, settings, signal).then((evaluation) => ({ ...evaluation, helo: evaluation }));
  }
  const identity = mailFromSender(input.mailFrom, input.helo);
  const client = clientOf(input.ip, input.helo);
  if (client === undefined) {
    return Promise.resolve({ ...withoutClient(identity, input), helo: withoutClient(heloIdentity, input) });
  }

  const deadline = new SpfDeadline(settings.timeoutMs, signal);
  const helo = new SpfEvaluator(settings, deadline, client, heloIdentity);
  const mailFrom = new SpfEvaluator(settings, deadline, client, identity);
  return deadline.run([(done) => mailFrom.run(done), (done) => helo.run(done)], () => ({
    ...mailFrom.evaluation(),
    helo: helo.evaluation(),
  }));
}

function checkInput(owner: string, input: Partial<SpfInput>, ...names: readonly (keyof SpfInput)[]): void {
  for (const name of names) {
    if (typeof input?.[name] !== 'string') throw new TypeError(`${owner}: ${JSON.stringify(name)} must be a string`);
  }
}

/**
 * Whether the client may send for the domain of the reverse-path, and for the one of its HELO name (RFC 7208): both
 * identities, at the same time. With a null reverse-path, that of `postmaster@` the HELO name (§2.4).
 *
 * Facts only: what `fail` or `permerror` does to a message is for others to say. DNS that fails is `temperror`, never
 * `fail` and never `none`.
 *
 * Bounds: 10 terms that ask DNS, 2 void lookups, 10 mail exchangers, 10 names of the client, for each identity;
 * `timeoutMs` for all. Of a HELO name 255 characters count, of a local part 512; an explanation has at most 500.
 *
 * Records are read once and kept by their text, at most 16 MiB of them for the whole process. What a text says depends on
 * nothing else, so that no result shows it.
 *
 * @returns never rejects because of DNS or of what a record says
 * @throws TypeError or RangeError (as a rejection) that names what is wrong with the arguments
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { checkSpf } from '@postern/spf-dmarc';
 *
 * const resolver = systemResolver();
 * const client = { ip: '192.0.2.10', helo: 'mail.example.com', mailFrom: 'ann@example.com' };
 * const { result, matched, problem } = await checkSpf(client, { resolver });
 * console.log(result, matched?.term ?? problem);
 * ```
 */
export async function checkSpf(input: SpfInput, options: SpfOptions): Promise<SpfCheck> {
  checkInput('checkSpf', input, 'ip', 'helo', 'mailFrom');
  const { settings, signal } = readSpfOptions('checkSpf', options);
  return traced(input, () => runSpfCheck(input, settings, signal));
}

/**
 * The HELO identity alone (RFC 7208 §2.3), for a decision before MAIL FROM. See {@link checkSpf}.
 *
 * @throws TypeError or RangeError (as a rejection) that names what is wrong with the arguments
 */
export async function checkSpfHelo(input: Omit<SpfInput, 'mailFrom'>, options: SpfOptions): Promise<SpfEvaluation> {
  checkInput('checkSpfHelo', input, 'ip', 'helo');
  const { settings, signal } = readSpfOptions('checkSpfHelo', options);
  return traced(input, () => evaluate(heloSender(input.helo), input, settings, signal));
}

/**
 * The MAIL FROM identity alone (RFC 7208 §2.4); with a null reverse-path, `postmaster@` the HELO name. See
 * {@link checkSpf}.
 *
 * @throws TypeError or RangeError (as a rejection) that names what is wrong with the arguments
 */
export async function checkSpfMailFrom(input: SpfInput, options: SpfOptions): Promise<SpfEvaluation> {
  checkInput('checkSpfMailFrom', input, 'ip', 'helo', 'mailFrom');
  const { settings, signal } = readSpfOptions('checkSpfMailFrom', options);
  return traced(input, () => evaluate(mailFromSender(input.mailFrom, input.helo), input, settings, signal));
}
