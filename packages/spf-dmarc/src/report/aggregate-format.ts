import { XMLBuilder } from 'fast-xml-parser';
import {
  AGGREGATE_NAMESPACE,
  type AggregateReport,
  type AggregateRow,
  type PolicyOverride,
  type PublishedPolicy,
  type ReportedDkim,
  type ReportedSpf,
  type ReportMetadata,
} from './aggregate-report.ts';
import { XmlText } from './xml-text.ts';

/** An aggregate report as XML. */
export interface FormattedReport {
  readonly xml: string;
  /** How many characters XML cannot hold; each became U+FFFD. */
  readonly replaced: number;
}

/** RFC 1035 §2.3.4 with room for what is no domain: it came from the client. */
const LONGEST_DOMAIN = 255;
/** RFC 9990 §3.1.5: an error should not be extremely large. The same goes for comments. */
const LONGEST_TEXT = 1_000;
/** RFC 9990 §3.1.3: no more than so many signatures for a row. */
const MAX_SIGNATURES = 100;

/** Elements in the order in which they are written. */
type Elements = { readonly [name: string]: string | Elements | readonly Elements[] | undefined };

/**
 * Writes an aggregate report by RFC 9990 §3.1.1, elements in the order of its schema.
 *
 * Whatever stands in the values, the document is well-formed: markup is escaped, and characters that XML 1.0 cannot hold
 * become U+FFFD and are counted. Domains are cut at 255 characters, other text at 1,000; a row names at most its first 100
 * signatures and one SPF result (that of MAIL FROM). Several errors become one element.
 *
 * @example
 * ```ts
 * import { formatAggregateReport } from '@postern/spf-dmarc/reports';
 *
 * const { xml } = formatAggregateReport({
 *   metadata: {
 *     orgName: 'Example', email: 'dmarc@example.net', reportId: 'a1b2', begin: 1795305600, end: 1795391999, errors: [],
 *   },
 *   policy: { domain: 'example.com', p: 'reject' },
 *   rows: [],
 * });
 * xml.includes('<report_id>a1b2</report_id>'); // true
 * ```
 */
export function formatAggregateReport({ metadata, policy, rows }: AggregateReport): FormattedReport {
  const text = new XmlText();
  const builder = new XMLBuilder({ ignoreAttributes: false, format: true, indentBy: ' ' });
  const xml = builder.build({
    '?xml': { '@_version': '1.0', '@_encoding': 'UTF-8' },
    feedback: {
      '@_xmlns': AGGREGATE_NAMESPACE,
      version: '1.0',
      report_metadata: metadataElements(metadata, text),
      policy_published: policyElements(policy, text),
      record: rows.map((row) => recordElements(row, text)),
    } satisfies Elements,
  });
  return { xml, replaced: text.replaced };
}

function metadataElements(metadata: ReportMetadata, text: XmlText): Elements {
  const { extraContactInfo, generator, errors } = metadata;
  return {
    org_name: text.of(metadata.orgName, LONGEST_TEXT),
    email: text.of(metadata.email, LONGEST_TEXT),
    extra_contact_info: extraContactInfo === undefined ? undefined : text.of(extraContactInfo, LONGEST_TEXT),
    report_id: text.of(metadata.reportId, LONGEST_TEXT),
    date_range: { begin: String(metadata.begin), end: String(metadata.end) },
    error: errors.length === 0 ? undefined : text.of(errors.join('; '), LONGEST_TEXT),
    generator: generator === undefined ? undefined : text.of(generator, LONGEST_TEXT),
  };
}

function policyElements(policy: PublishedPolicy, text: XmlText): Elements {
  const { fo, testing } = policy;
  return {
    domain: text.of(policy.domain, LONGEST_DOMAIN),
    discovery_method: policy.discoveryMethod,
    p: policy.p,
    sp: policy.sp,
    np: policy.np,
    fo: fo === undefined ? undefined : text.of(fo, LONGEST_TEXT),
    adkim: policy.adkim,
    aspf: policy.aspf,
    testing: testing === undefined ? undefined : testing ? 'y' : 'n',
  };
}

function recordElements(row: AggregateRow, text: XmlText): Elements {
  const { envelopeFrom, envelopeTo } = row;
  const spf = row.spfResults.find(({ scope }) => scope !== 'helo');
  return {
    row: {
      source_ip: text.of(row.sourceIp, LONGEST_DOMAIN),
      count: String(row.count),
      policy_evaluated: {
        disposition: row.disposition,
        dkim: row.dkim,
        spf: row.spf,
        reason: row.reasons.map((reason) => reasonElements(reason, text)),
      },
    },
    identifiers: {
      header_from: text.of(row.headerFrom, LONGEST_DOMAIN),
      envelope_from: envelopeFrom === undefined ? undefined : text.of(envelopeFrom, LONGEST_DOMAIN),
      envelope_to: envelopeTo === undefined ? undefined : text.of(envelopeTo, LONGEST_DOMAIN),
    },
    auth_results: {
      dkim: row.dkimResults.slice(0, MAX_SIGNATURES).map((dkim) => dkimElements(dkim, text)),
      spf: spf === undefined ? undefined : spfElements(spf, text),
    },
  };
}

function reasonElements({ type, comment }: PolicyOverride, text: XmlText): Elements {
  // RFC 9990 §3.1.6 dropped two types of RFC 7489.
  const written = type === 'forwarded' || type === 'sampled_out' ? 'other' : type;
  return { type: written, comment: comment === undefined ? undefined : text.of(comment, LONGEST_TEXT) };
}

function dkimElements({ domain, selector, result, humanResult }: ReportedDkim, text: XmlText): Elements {
  return {
    domain: text.of(domain, LONGEST_DOMAIN),
    selector: text.of(selector, LONGEST_DOMAIN),
    result,
    human_result: humanResult === undefined ? undefined : text.of(humanResult, LONGEST_TEXT),
  };
}

function spfElements({ domain, result, humanResult }: ReportedSpf, text: XmlText): Elements {
  return {
    domain: text.of(domain, LONGEST_DOMAIN),
    scope: 'mfrom',
    result,
    human_result: humanResult === undefined ? undefined : text.of(humanResult, LONGEST_TEXT),
  };
}
