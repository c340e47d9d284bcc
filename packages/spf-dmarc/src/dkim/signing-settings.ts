import {
  type Clock,
  HeaderBounds,
  type HeaderParserOptions,
  isClock,
  type NewlineMode,
  type OptionReader,
  systemClock,
} from '@postern/core';
import { type DkimSignatureOptions, DkimSignatures } from './dkim-signatures.ts';

/** How to sign. There is no `l=`: what it leaves unsigned anybody can write (RFC 6376 §8.2). */
export interface DkimSigningOptions {
  /** The signatures, 1 to 10, in the order in which they come to stand in the header. */
  readonly signatures: DkimSignatures | readonly DkimSignatureOptions[];
  /**
   * A message in which a CR or an LF stands alone. `refuse`: it is not signed. `normalize`: each counts as CRLF, and has to
   * be sent as such. Default `refuse`; of `DkimSigner`, which writes the CRLF itself, `normalize`.
   */
  readonly bareNewlines?: NewlineMode;
  /** The bounds of the header. Default: 256 KiB and 1,000 fields. */
  readonly header?: HeaderParserOptions;
  /** What `t=` and `x=` go by. Default: the machine's. */
  readonly clock?: Clock;
  /** Ends the work: `incomplete`. */
  readonly signal?: AbortSignal;
}

/** The options of `signDkim` and `DkimSigner`, read. */
export interface SigningSettings {
  readonly signatures: DkimSignatures;
  readonly bareNewlines: NewlineMode;
  readonly header: HeaderBounds;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** Reads what both have in common; the caller calls `done`. */
export function readSigningSettings(read: OptionReader, bareNewlines: NewlineMode): SigningSettings {
  const signatures = read.required('signatures', isSignatures, 'a list of signatures, or DkimSignatures');
  return {
    signatures: signatures instanceof DkimSignatures ? signatures : new DkimSignatures(signatures),
    bareNewlines: read.oneOf('bareNewlines', ['refuse', 'normalize'], bareNewlines),
    header: new HeaderBounds(read.value('header', isObject, 'an object')),
    clock: read.value('clock', isClock, 'a clock') ?? systemClock,
    signal: read.signal('signal'),
  };
}

/** Whether an option may be signatures; what the list holds is for `DkimSignatures` to look at. */
export function isSignatures(value: unknown): value is DkimSignatures | readonly DkimSignatureOptions[] {
  return value instanceof DkimSignatures || Array.isArray(value);
}

function isObject(value: unknown): value is HeaderParserOptions {
  return typeof value === 'object' && value !== null;
}
