import { OptionReader, toAsciiDomain } from '@postern/core';

/** Who sends reports. */
export interface ReporterOptions {
  /** The name of the organization, such as `Example Net`. */
  readonly orgName: string;
  /** Where reports come from and where their readers may ask back. Its domain should pass DMARC (RFC 9990 §3.5.2). */
  readonly email: string;
  /** The domain that reports name as their submitter. Default: that of `email`. */
  readonly domain?: string;
  /** More about whom to ask, such as the address of a page. Default: none. */
  readonly extraContactInfo?: string;
  /** The software that writes the reports. Default `Postern`. */
  readonly generator?: string;
}

/** The same, looked at. */
export interface Reporter {
  readonly orgName: string;
  readonly email: string;
  readonly domain: string;
  readonly extraContactInfo: string | undefined;
  readonly generator: string;
}

/** RFC 5322 §3.4.1 `addr-spec` without quotes and comments: what no header and no SMTP command can misread. */
const PLAIN_LOCAL_PART = /^[!#$%&'*+\-/=?^_`{|}~0-9A-Za-z]+(?:\.[!#$%&'*+\-/=?^_`{|}~0-9A-Za-z]+)*$/;
/** RFC 5321 §4.5.3.1.1. */
const LONGEST_LOCAL_PART = 64;

/**
 * The address with its domain as `toAsciiDomain` gives it; `undefined` when it is not one plain mailbox: a dot-atom of at
 * most 64 characters, and a domain.
 */
export function plainMailbox(address: string): { readonly address: string; readonly domain: string } | undefined {
  const at = address.lastIndexOf('@');
  const localPart = address.slice(0, Math.max(at, 0));
  const domain = toAsciiDomain(address.slice(at + 1));
  if (domain === undefined || localPart.length > LONGEST_LOCAL_PART || !PLAIN_LOCAL_PART.test(localPart))
    return undefined;
  return { address: `${localPart}@${domain}`, domain };
}

/**
 * The option `reporter` of `owner`.
 *
 * @throws TypeError or RangeError that names the option
 */
export function requiredReporter(owner: string, read: OptionReader): Reporter {
  return readReporter(`${owner}: reporter`, read.required('reporter', isObject, 'who reports'));
}

/** @throws TypeError or RangeError that names the option */
export function readReporter(owner: string, options: unknown): Reporter {
  const read = new OptionReader(owner, options);
  const email = read.required('email', isText, 'the address that reports come from');
  const mailbox = plainMailbox(email);
  if (mailbox === undefined) return read.refuse('email', 'an address such as dmarc@example.com');
  const domain = toAsciiDomain(read.text('domain', mailbox.domain));
  if (domain === undefined) return read.refuse('domain', 'a domain such as mail.example.com');
  const reporter: Reporter = {
    orgName: read.required('orgName', isText, 'the name of the organization'),
    email: mailbox.address,
    domain,
    extraContactInfo: read.value('extraContactInfo', isText, 'a string'),
    generator: read.text('generator', 'Postern'),
  };
  read.done();
  return reporter;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
