import { addAddressText } from './address-text.ts';
import type { AddressFormat, AddressOutput } from './line-format.ts';
import { plainFormat } from './plain-format.ts';

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The DROP lists of Spamhaus, as text (`192.0.2.0/24 ; SBL123`) and as JSON lines
 * (`{"cidr":"192.0.2.0/24","sblid":"SBL123","rir":"arin"}`), told apart line by line. The closing line of the JSON form,
 * `{"type":"metadata","records":…}`, is compared with what was found: a download that broke off is reported. The reason of
 * an entry is its SBL number.
 */
export function dropFormat(): AddressFormat {
  const plain = plainFormat();
  let records = 0;

  function json(text: string, output: AddressOutput): void {
    const value = parseJson(text);
    if (typeof value !== 'object' || value === null) {
      output.problem('skipped', 'malformed', text);
    } else if ('cidr' in value && typeof value.cidr === 'string') {
      records++;
      const id = 'sblid' in value && typeof value.sblid === 'string' ? value.sblid : '';
      addAddressText(value.cidr, output.action, id, output);
    } else if ('type' in value && value.type === 'metadata') {
      const expected = 'records' in value ? value.records : undefined;
      if (typeof expected === 'number' && expected !== records) output.problem('taken', 'incomplete', text);
      records = 0;
    } else {
      output.problem('skipped', 'malformed', text);
    }
  }

  return {
    line(text, output) {
      const trimmed = text.trimStart();
      if (trimmed.startsWith('{')) json(trimmed, output);
      else plain.line(text, output);
    },
  };
}
