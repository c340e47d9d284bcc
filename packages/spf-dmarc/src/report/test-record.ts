import type { DmarcReportUri } from '../dmarc/dmarc-record.ts';
import type { AggregateRecord } from './aggregate-record.ts';
import type { ReportedMessage } from './aggregate-report.ts';

/** An address for reports, as a record has it. */
export function mailto(address: string): DmarcReportUri {
  return { uri: `mailto:${address}`, address, domain: address.slice(address.indexOf('@') + 1) };
}

/** An evaluated message of a policy domain, for tests. */
export function recordOf(domain: string, message: Partial<ReportedMessage> = {}): AggregateRecord {
  return {
    policy: { domain, p: 'reject' },
    rua: [mailto(`dmarc@${domain}`)],
    message: {
      sourceIp: '192.0.2.1',
      disposition: 'none',
      dkim: 'pass',
      spf: 'fail',
      reasons: [],
      headerFrom: domain,
      dkimResults: [{ domain, selector: 's', result: 'pass' }],
      spfResults: [],
      ...message,
    },
  };
}
