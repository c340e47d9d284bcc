/** A message in its parts: the fields as they stand there, without their last CRLF, and the body. */
interface Parts {
  readonly fields: readonly string[];
  readonly body: string;
}

/** Changes a part of a message that `share`, from 0 to below 1, picks. */
type Mutation = (parts: Parts, share: number) => Parts;

function inField(change: (field: string) => string): Mutation {
  return ({ fields, body }, share) => {
    const at = Math.floor(share * fields.length);
    return { fields: fields.with(at, change(fields[at] ?? '')), body };
  };
}

function inBody(change: (body: string, share: number) => string): Mutation {
  return ({ fields, body }, share) => ({ fields, body: change(body, share) });
}

/** Changes the one of the places where the pattern fits that `share` picks, if there is any. */
function replaced(text: string, pattern: RegExp, share: number, by: string): string {
  const places = [...text.matchAll(pattern)];
  const place = places[Math.floor(share * places.length)];
  if (place === undefined) return text;
  return text.slice(0, place.index) + by + text.slice(place.index + place[0].length);
}

function inSignature(change: (field: string, share: number) => string): Mutation {
  return ({ fields: [first = '', ...others], body }, share) => ({ fields: [change(first, share), ...others], body });
}

/**
 * What happens to messages on their way, and what somebody may do to them. Some of it `relaxed` forgives, some of it
 * everybody, some nobody. No line ends in anything but CRLF, and no byte is NUL.
 */
export const mutations: Readonly<Record<string, Mutation>> = {
  'a name in capitals': inField((field) => field.replace(/^[^:]*/, (name) => name.toUpperCase())),
  'a name in small letters': inField((field) => field.replace(/^[^:]*/, (name) => name.toLowerCase())),
  // Not right behind the colon: opendkim does not get to see what is there.
  'a fold at a space': inField((field) => field.replace(/(?<=[!-9;-~]) (?=[!-~])/, '\r\n ')),
  'a fold undone': inField((field) => field.replace(/\r\n/, '')),
  'a tab for a space': inField((field) => field.replace(/(?<=: .*[!-~]) /, '\t')),
  'a space doubled': inField((field) => field.replace(/(?<=[!-9;-~]) (?=[!-~])/, '  ')),
  'a character of a field': inField((field) => field.replace(/(?<=^.{9,})[a-z](?=[^a-z]*$)/s, 'Q')),
  'a field less': ({ fields, body }, share) => ({
    fields: fields.toSpliced(Math.floor(share * fields.length), 1),
    body,
  }),
  'a field twice': ({ fields, body }, share) => {
    const field = fields[1 + Math.floor(share * (fields.length - 1))] ?? '';
    return { fields: [...fields, field], body };
  },
  'a field twice, on top': ({ fields, body }, share) => {
    const field = fields[1 + Math.floor(share * (fields.length - 1))] ?? '';
    return { fields: [...fields.slice(0, 1), field, ...fields.slice(1)], body };
  },
  'two fields swapped': ({ fields, body }, share) => {
    const at = 1 + Math.floor(share * (fields.length - 2));
    const [one, two] = [fields[at] ?? '', fields[at + 1] ?? ''];
    return { fields: fields.with(at, two).with(at + 1, one), body };
  },
  'a new field': ({ fields, body }) => ({ fields: [...fields, 'X-New: some value'], body }),
  'a new Received field': ({ fields, body }) => ({
    fields: ['Received: from elsewhere.example', ...fields.slice(1)],
    body,
  }),
  'white space in the signature': inSignature((field, share) =>
    replaced(field, /(?<=[A-Za-z0-9+/]{4})(?=[A-Za-z0-9+/]{4}=*$)/g, share, '\r\n '),
  ),
  'a character of the signature': inSignature((field) =>
    field.replace(/[A-Za-z](?=[^A-Za-z]*$)/, (one) => (one === 'A' ? 'B' : 'A')),
  ),
  'a character of the body hash': inSignature((field) =>
    field.replace(/(?<=bh=\s*[A-Za-z0-9+/]{5})[A-Za-z0-9+/]/, (one) => (one === 'A' ? 'B' : 'A')),
  ),
  'another canonicalization': inSignature((field, share) =>
    field.replace(/(?<=c=)\w+\/\w+/, share < 0.5 ? 'simple/relaxed' : 'relaxed/simple'),
  ),
  'a name less that is signed': inSignature((field) => field.replace(/(?<=h=[^;]*):[^;:]+(?=;)/, '')),
  'another selector': inSignature((field) => field.replace(/s=one/, 's=two')),
  'a shorter length': inSignature((field) => field.replace(/b=/, 'l=1; b=')),
  'an empty line at the end': inBody((body) => `${body}\r\n`),
  'a line of white space at the end': inBody((body) => `${body} \t\r\n`),
  'a line more': inBody((body) => `${body}more\r\n`),
  'a line less': inBody((body) => body.replace(/[^\r\n]*\r\n$/, '')),
  'an empty line in between': inBody((body, share) => replaced(body, /\r\n/g, share, '\r\n\r\n')),
  'white space at the end of a line': inBody((body, share) => replaced(body, /\r\n/g, share, ' \t\r\n')),
  'white space at the start of a line': inBody((body, share) => replaced(body, /\r\n(?=.)/g, share, '\r\n ')),
  'a space of the body doubled': inBody((body, share) => replaced(body, / /g, share, '  ')),
  'a tab for a space of the body': inBody((body, share) => replaced(body, / /g, share, '\t')),
  'a space of the body less': inBody((body, share) => replaced(body, / /g, share, '')),
  'a character of the body': inBody((body, share) => replaced(body, /[a-z]/g, share, 'Q')),
  'a letter of the body in capitals': inBody((body, share) => replaced(body, /l/g, share, 'L')),
  'no body': inBody(() => ''),
};

/** Applies one after the other. */
export function mutate(message: Buffer, chosen: readonly (readonly [string, number])[]): Buffer {
  const text = message.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  let parts: Parts = { fields: text.slice(0, end).split(/\r\n(?![ \t])/), body: text.slice(end + 4) };
  for (const [name, share] of chosen) parts = mutations[name]?.(parts, share) ?? parts;
  return Buffer.from(`${parts.fields.join('\r\n')}\r\n\r\n${parts.body}`, 'latin1');
}
