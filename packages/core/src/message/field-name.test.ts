import { describe, expect, it } from 'vitest';
import { isFieldName } from './field-name.ts';

describe('isFieldName', () => {
  it('takes printable ASCII', () => {
    for (const name of ['From', 'X-Spam', '!#$%&\'*+-/=?^_`{|}~"(),;<>@[\\]', 'x'.repeat(76)])
      expect(isFieldName(name)).toBe(true);
  });

  it('takes nothing that would end the name or the line', () => {
    for (const name of ['', 'a:', 'a b', 'a\t', 'a\r\nB', 'ä', 'a\u007f', '\0', 'x'.repeat(77)])
      expect(isFieldName(name)).toBe(false);
  });
});
