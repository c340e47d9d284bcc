import {
  type AggregateParseOptions,
  type AggregateParseResult,
  parseReportFile,
  readParseOptions,
} from './aggregate-parse.ts';
import { type MimePart, readMimeParts } from './mime-part.ts';

/** Each may take as long as the largest report. */
const MAX_ARCHIVES = 3;

/**
 * Reads the aggregate report that a message carries (RFC 9990 §3.5.2): the first of its parts that is one, or the message
 * itself when it has no parts. Media types are not relied on, as many senders have them wrong; text for a person is passed
 * over. Bounds and results as of {@link parseAggregateReport}; parts as of RFC 2045, at most 20, of which at most 3
 * archives are opened. The message may be twice as large as the file, for base64 and the rest.
 *
 * @throws TypeError or RangeError that names the option; TypeError when `message` is no `Uint8Array`
 */
export function parseAggregateMail(message: Uint8Array, options?: AggregateParseOptions): AggregateParseResult {
  if (!(message instanceof Uint8Array)) throw new TypeError('parseAggregateMail: message must be a Uint8Array');
  const bounds = readParseOptions('parseAggregateMail', options);
  const maxBytes = 2 * bounds.maxFileBytes;
  if (message.length > maxBytes) {
    return { ok: false, reason: 'too-large', detail: `The message has more than ${maxBytes} bytes.` };
  }
  const mime = readMimeParts(message);
  const parts = mime.ok ? mime.parts : [];
  let refused: AggregateParseResult = { ok: false, reason: 'not-xml', detail: 'The message carries no report.' };
  // A report in an archive is what the message is about; XML is looked at when there is none.
  for (const { content } of [...parts.filter(isArchive).slice(0, MAX_ARCHIVES), ...parts.filter(isText)]) {
    const result = parseReportFile(content, bounds);
    if (result.ok) return result;
    if (result.reason !== 'not-xml') refused = result;
  }
  return refused;
}

function isArchive({ content }: MimePart): boolean {
  return (content[0] === 0x1f && content[1] === 0x8b) || (content[0] === 0x50 && content[1] === 0x4b);
}

function isText(part: MimePart): boolean {
  return !isArchive(part);
}
