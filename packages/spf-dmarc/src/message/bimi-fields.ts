import type { HeaderEdit, HeaderFields } from '@postern/core';

const fields = ['BIMI-Location', 'BIMI-Indicator'];

/**
 * The edits that remove what only a receiver writes: a mailbox that shows logos by these fields would show the sender's own
 * (draft-brand-indicators-for-message-identification §5.10).
 */
export function bimiFields(header: HeaderFields): readonly HeaderEdit[] {
  return fields.filter((name) => header.first(name) !== undefined).map((name) => ({ action: 'remove', name }));
}
