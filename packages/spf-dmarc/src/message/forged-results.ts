import { claimsAuthservId, type HeaderEdit, type HeaderFields } from '@postern/core';

/** The field's name, as RFC 8601 writes it. */
const FIELD = 'Authentication-Results';

/**
 * The edits that remove each Authentication-Results field which claims to be ours already: whoever reads the message
 * behind us believes what stands under our name (RFC 8601 §5). What counts as a claim says `claimsAuthservId` of core: the
 * name in any case, with a trailing dot, quoted, escaped, within comments, as U-labels or as A-labels.
 *
 * Fields of other names stay. They are claims of others, and who trusts none of them is not deceived by them.
 *
 * @param header - as the client sent it: the edits count its fields
 * @param authservId - ours
 */
export function forgedResults(header: HeaderFields, authservId: string): readonly HeaderEdit[] {
  const edits: HeaderEdit[] = [];
  for (const [index, field] of header.all(FIELD).entries()) {
    if (claimsAuthservId(field, authservId)) edits.push({ action: 'remove', name: FIELD, index });
  }
  return edits;
}
