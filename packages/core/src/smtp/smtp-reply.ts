import { leadingStatus } from './enhanced-status.ts';

/** An SMTP reply (RFC 5321 §4.2) with its enhanced status code (RFC 3463). */
export interface SmtpReply {
  /** 2xx, 3xx, 4xx or 5xx. */
  readonly code: number;
  /**
   * `class.subject.detail`; the class is the code's first digit. `''` when there is none: no 3xx reply has one, nor has
   * any of a server without ENHANCEDSTATUSCODES (RFC 2034).
   */
  readonly enhanced: string;
  /** For a person. A line feed starts a new reply line; every other control character is replaced when it is sent. */
  readonly text: string;
}

/** 4yz: the client should try again later. */
export interface TransientReply extends SmtpReply {
  readonly code: 421 | 432 | 450 | 451 | 452 | 454 | 455 | 458 | 459;
  readonly enhanced: `4.${number}.${number}`;
}

/** 5yz: the client should not try again. */
export interface PermanentReply extends SmtpReply {
  readonly code:
    | 500
    | 501
    | 502
    | 503
    | 504
    | 521
    | 523
    | 530
    | 534
    | 535
    | 538
    | 550
    | 551
    | 552
    | 553
    | 554
    | 555
    | 556;
  readonly enhanced: `5.${number}.${number}`;
}

function isReplyCode(code: unknown): code is number {
  return typeof code === 'number' && Number.isInteger(code) && code >= 200 && code <= 599;
}

function isStatusFor(code: number, enhanced: unknown): enhanced is string {
  return typeof enhanced === 'string' && leadingStatus(enhanced, code) === enhanced;
}

/**
 * Whether a value, of which nothing is known, is an SMTP reply: a code from 200 to 599, an enhanced status code of the
 * same class or `''`, and any text.
 */
export function isSmtpReply(value: unknown): value is SmtpReply {
  if (typeof value !== 'object' || value === null) return false;
  if (!('code' in value && 'enhanced' in value && 'text' in value)) return false;
  return isReplyCode(value.code) && isStatusFor(value.code, value.enhanced) && typeof value.text === 'string';
}

/**
 * A reply, checked where it is written: for replies that a program puts together from parts.
 *
 * @param enhanced - of the same class as `code`; `''` for none
 * @throws RangeError on a code outside of 200 to 599 or an enhanced status code that does not fit it
 */
export function replyOf(
  code: PermanentReply['code'],
  enhanced: PermanentReply['enhanced'],
  text: string,
): PermanentReply;
export function replyOf(
  code: TransientReply['code'],
  enhanced: TransientReply['enhanced'],
  text: string,
): TransientReply;
export function replyOf(code: number, enhanced: string, text: string): SmtpReply;
export function replyOf(code: number, enhanced: string, text: string): SmtpReply {
  if (!isReplyCode(code)) throw new RangeError(`replyOf: code must be a whole number from 200 to 599, got ${code}`);
  if (!isStatusFor(code, enhanced)) {
    throw new RangeError(
      `replyOf: enhanced must be a status code of the class of ${code} or '', got ${JSON.stringify(enhanced)}`,
    );
  }
  return { code, enhanced, text };
}
