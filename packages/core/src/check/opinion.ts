import type { Awaitable } from '../awaitable.ts';
import type { MethodResult } from '../message/authentication-results.ts';
import type { HeaderEdit } from '../message/header-edit.ts';
import type { PermanentReply, TransientReply } from '../smtp/smtp-reply.ts';
import type { Finding } from './finding.ts';

/** The facts of an opinion, and what they ask for besides a verdict. */
export interface OpinionFacts {
  readonly finding: Finding;
  /** Added to the transaction's score; negative speaks for the client. */
  readonly score?: number;
  /** Milliseconds that the reply is held back (a tarpit); the gateway bounds it. */
  readonly delayMs?: number;
  /** Only at connect and only from a `local` check: the client stands in a trusted network. */
  readonly trust?: true;
  readonly headerEdits?: readonly HeaderEdit[];
  readonly authResults?: readonly MethodResult[];
}

/**
 * What a check asks for: nothing, `reject` (5yz), `defer` (4yz), or `quarantine` (take it, marked). There is no "accept":
 * only `permit` on a recipient lets mail in, and it never cancels another check's refusal.
 */
export type Verdict =
  | { readonly verdict?: undefined }
  | { readonly verdict: 'reject'; readonly reply?: PermanentReply }
  | { readonly verdict: 'defer'; readonly reply?: TransientReply }
  | { readonly verdict: 'quarantine' };

/** Facts and the verdict that policy drew from them. */
export type Opinion = OpinionFacts & Verdict;

/** An opinion about a recipient, which may also say that mail to it is wanted: `local` mailboxes, or `relay` onward. */
export type RecipientOpinion = Opinion & { readonly permit?: 'local' | 'relay' };

/** An opinion about a login, which may also say who the client has proved to be. Nobody says so: the login failed. */
export type LoginOpinion = Opinion & { readonly user?: string };

/** `undefined`: nothing to say. */
export type Answer = Awaitable<Opinion | undefined>;
export type RecipientAnswer = Awaitable<RecipientOpinion | undefined>;
export type LoginAnswer = Awaitable<LoginOpinion | undefined>;
