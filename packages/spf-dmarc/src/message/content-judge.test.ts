import { createHash } from 'node:crypto';
import { HeaderParser, OptionReader } from '@postern/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { spfOf } from '../spf/test-spf-check.ts';
import { ContentJudge } from './content-judge.ts';
import { readContentSettings } from './content-settings.ts';

// Of no body (RFC 6376 §3.4.3).
const hash = createHash('sha256').update('\r\n').digest('base64');
const signature = `DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; bh=${hash}; b=${hash}\r\n`;

function judgeWith(options: object): ContentJudge {
  const read = new OptionReader('test', options);
  const judge = new ContentJudge(readContentSettings(read, 'test')({ resolve: () => new Promise(() => {}) }));
  const state = new HeaderParser().write(Buffer.from(`${signature}From: ann@example.org\r\n\r\n`));
  if (state.kind === 'complete') judge.header(state.header);
  return judge;
}

describe('ContentJudge', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('has one deadline for all that is waited for, and leaves no timer behind', async () => {
    const judge = judgeWith({ timeoutMs: 1_000 });
    const ended = judge.end(spfOf('none'), 'quarantine');
    let findings: Awaited<typeof ended> | undefined;
    void ended.then((found) => {
      findings = found;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(findings).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2);
    expect(findings).toMatchObject({ dkim: [{ result: 'temperror' }], dmarc: { result: 'temperror', reason: 'dns' } });
    expect(vi.getTimerCount()).toBe(0);
  });
});
