import { describe, expect, it } from 'vitest';
import * as replies from './replies.ts';
import { isPermanentReply, isTransientReply } from './reply-class.ts';
import { formatReplyText } from './reply-format.ts';

describe('the standard replies', () => {
  it.each(Object.entries(replies))('%s is a reply of its class that fits one line as it stands', (_, reply) => {
    expect(reply.code < 500 ? isTransientReply(reply) : isPermanentReply(reply)).toBe(true);
    expect(formatReplyText(reply)).toBe(`${reply.enhanced} ${reply.text}`);
  });

  it('have the codes of the standards', () => {
    const codes = Object.fromEntries(
      Object.entries(replies).map(([name, { code, enhanced }]) => [name, `${code} ${enhanced}`]),
    );
    expect(codes).toEqual({
      relayDenied: '550 5.7.1',
      checkFailed: '451 4.3.0',
      spfFailed: '550 5.7.23',
      spfTemporaryError: '451 4.7.24',
      spfPermanentError: '550 5.7.24',
      reverseDnsFailed: '550 5.7.25',
      multipleChecksFailed: '550 5.7.26',
      senderNullMx: '550 5.7.27',
      recipientNullMx: '556 5.1.10',
      tooManyConnections: '421 4.7.0',
      rateExceeded: '450 4.7.1',
      tooManyRecipients: '452 4.5.3',
      authenticationRequired: '530 5.7.0',
      authenticationFailed: '535 5.7.8',
      authenticationThrottled: '454 4.7.0',
    });
  });
});
