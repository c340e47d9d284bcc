import { type AggregateParseOptions, type AggregateParseResult, parseAggregateReport } from './aggregate-parse.ts';
import { type MimePart, readMimeParts } from './mime-part.ts';

/**
 * Reads the aggregate report that a message carries (RFC 9990 §3.5.2): the first of its parts that is one, or the message
 * itself when it has no parts. Media types are not relied on, as many senders have them wrong; text for a person is passed
 * over. Bounds and results as of {@link parseAggregateReport}; parts as of RFC 2045, at most 20.
 *
 * @throws TypeError or RangeError that names the option; TypeError when `message` is no `Uint8Array`
 */
export function parseAggregateMail(message: Uint8Array, options?: AggregateParseOptions): AggregateParseResult {
  if (!(message instanceof Uint8Array)) throw new TypeError('parseAggregateMail: message must be a Uint8Array');
  const mime = readMimeParts(message);
  let refused: AggregateParseResult = { ok: false, reason: 'not-xml', detail: 'The message carries no report.' };
  // A report in an archive is what it is about; XML is looked at when there is none.
  const parts = mime.ok ? mime.parts.toSorted((one, other) => Number(isArchive(other)) - Number(isArchive(one))) : [];
  for (const { content } of parts) {
    const result = parseAggregateReport(content, options);
    if (result.ok) return result;
    if (result.reason !== 'not-xml') refused = result;
  }
  return refused;
}

function isArchive({ content }: MimePart): boolean {
  return (content[0] === 0x1f && content[1] === 0x8b) || (content[0] === 0x50 && content[1] === 0x4b);
}
