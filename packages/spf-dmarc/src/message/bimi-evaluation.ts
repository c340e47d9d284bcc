/**
 * What BIMI comes to (draft-brand-indicators-for-message-identification §7.7).
 *
 * - `pass`: the domain names a logo, and the message deserves to be shown with it. The certificate (VMC), if there is one, is
 *   not looked at.
 * - `none`: no record.
 * - `fail`: the record cannot be used.
 * - `declined`: the domain wants no logo shown.
 * - `skipped`: the message or the domain's DMARC policy does not qualify.
 * - `temperror`: DNS failed for now.
 */
export type BimiResult = 'pass' | 'none' | 'fail' | 'declined' | 'skipped' | 'temperror';

/** Which logo a message may be shown with. Plain JSON. Nothing has been fetched: the addresses come from the sender's DNS. */
export interface BimiEvaluation {
  readonly result: BimiResult;
  /** Why, when it is not `pass`. */
  readonly detail: string | undefined;
  /** Whose record it is. */
  readonly domain: string | undefined;
  readonly selector: string | undefined;
  /** `l=`: an https address of the logo. */
  readonly location: string | undefined;
  /** `a=`: an https address of the certificate that says whose logo it is; `undefined`: there is none. */
  readonly authority: string | undefined;
}
