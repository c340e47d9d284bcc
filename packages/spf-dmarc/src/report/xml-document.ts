import { XMLParser } from 'fast-xml-parser';

/** The bounds of a document. */
export interface XmlBounds {
  readonly maxElements: number;
  readonly maxDepth: number;
}

/** The root of a document, or why it cannot be read. */
export type XmlReading =
  | { readonly ok: true; readonly root: XmlElement; readonly namespace: string | undefined; readonly complete: boolean }
  | { readonly ok: false; readonly reason: 'too-large' | 'not-xml'; readonly detail: string };

/** What stands in the start tag of a root element: its name and, most often, a namespace. */
const LONGEST_START_TAG = 4_096;
/** Attributes of processing instructions are read with a regular expression; no report has use for any but the first. */
const LONGEST_INSTRUCTION = 1_024;
const MAX_INSTRUCTIONS = 10;
/** From one tag to the next: comments do not end a text. The parser gathers text by the character, which takes much memory when there is much of it. */
const LONGEST_RUN = 65_536;
/** RFC 9990 has less than 50, and extensions may have some. */
const MAX_NAMES = 500;
const TEXT = '#text';
const CHARACTER_REFERENCE = /&(?:(lt|gt|amp|quot|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));/g;
const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const LARGEST_CODE_POINT = 0x10ffff;

/** An element by the names of its children. Attributes, comments and the order of different children are left out. */
export class XmlElement {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  /** The text of the element, trimmed, references resolved; `''` when there is none. */
  get text(): string {
    if (typeof this.#value === 'string') return resolveReferences(this.#value);
    const text = this.#own(TEXT);
    return typeof text === 'string' ? resolveReferences(text) : '';
  }

  /** All children of that name. */
  all(name: string): readonly XmlElement[] {
    const value = this.#own(name);
    if (value === undefined) return [];
    return Array.isArray(value) ? value.map((each) => new XmlElement(each)) : [new XmlElement(value)];
  }

  first(name: string): XmlElement | undefined {
    const value = this.#own(name);
    if (value === undefined) return undefined;
    return new XmlElement(Array.isArray(value) ? value[0] : value);
  }

  #own(name: string): unknown {
    if (typeof this.#value !== 'object' || this.#value === null || !Object.hasOwn(this.#value, name)) return undefined;
    return Reflect.get(this.#value, name);
  }
}

class TooMuch extends Error {}

/**
 * Reads a document whose root is called `rootName`. Never throws on a string.
 *
 * No document type declaration is taken, as a report has use neither for one nor for the entities that it could declare; so
 * nothing expands, but for the five names and the numbers of XML itself, which get shorter. Elements and depth are
 * counted while reading, and so are different names. What is not well-formed is read as far as it makes sense; `complete` is `false` when the root
 * does not end.
 */
export function readXmlDocument(text: string, rootName: string, bounds: XmlBounds): XmlReading {
  if (text.includes('<!DOCTYPE')) return unread('not-xml', 'The document has a document type declaration.');
  if (hasInstructions(text))
    return unread('not-xml', 'The document has too many processing instructions, or too long ones.');
  if (hasLongRun(text))
    return unread('too-large', `Some text in the document has more than ${LONGEST_RUN} characters.`);
  const start = rootStart(text, rootName);
  if (start === undefined) return unread('not-xml', `The document has no root element "${rootName}".`);
  const tree = parse(text.slice(start.at), start.prefix, bounds);
  if (!tree.ok) return tree;
  const root = new XmlElement(tree.value).first(rootName);
  if (root === undefined) return unread('not-xml', `The document has no root element "${rootName}".`);
  const complete = text.trimEnd().endsWith('>') && text.lastIndexOf(`</${start.prefix}${rootName}`) > 0;
  return { ok: true, root, namespace: start.namespace, complete };
}

function parse(
  text: string,
  prefix: string,
  { maxElements, maxDepth }: XmlBounds,
): { readonly ok: true; readonly value: unknown } | (XmlReading & { readonly ok: false }) {
  let elements = 0;
  const names = new Set<string>();
  const parser = new XMLParser({
    ignoreAttributes: true,
    parseTagValue: false,
    processEntities: false,
    ignorePiTags: true,
    jPath: false,
    maxNestedTags: maxDepth,
    transformTagName: (name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name),
    updateTag: (name) => {
      elements++;
      names.add(name);
      if (elements > maxElements || names.size > MAX_NAMES) throw new TooMuch();
      return name;
    },
  });
  try {
    return { ok: true, value: parser.parse(text) };
  } catch (error) {
    if (error instanceof TooMuch) {
      return unread('too-large', `The document has more than ${maxElements} elements, or ${MAX_NAMES} names of them.`);
    }
    return unread('not-xml', 'The document is not well-formed, or nested too deep.');
  }
}

/** The root's start tag: the first that is neither declaration nor comment. Names of namespaces may have a prefix. */
function rootStart(
  text: string,
  rootName: string,
): { readonly at: number; readonly prefix: string; readonly namespace: string | undefined } | undefined {
  let at = text.indexOf('<');
  while (at >= 0 && (text[at + 1] === '?' || text[at + 1] === '!')) {
    const end = text.indexOf(text[at + 1] === '?' ? '?>' : '-->', at);
    if (end < 0) return undefined;
    at = text.indexOf('<', end);
  }
  if (at < 0) return undefined;
  const tag = text.slice(at + 1, at + LONGEST_START_TAG);
  const name = /^[^\s/>]{1,100}/.exec(tag)?.[0] ?? '';
  if (name !== rootName && !name.endsWith(`:${rootName}`)) return undefined;
  const prefix = name.slice(0, name.length - rootName.length);
  const attribute = prefix === '' ? 'xmlns=' : `xmlns:${prefix.slice(0, -1)}=`;
  const close = tag.indexOf('>');
  const from = tag.indexOf(attribute);
  if (from < 0 || from > close) return { at, prefix, namespace: undefined };
  const quote = tag[from + attribute.length] ?? '';
  const valueFrom = from + attribute.length + 1;
  const valueTo = tag.indexOf(quote, valueFrom);
  return { at, prefix, namespace: valueTo < 0 ? undefined : tag.slice(valueFrom, valueTo) };
}

/** More of them, or longer ones, than a document has use for. */
function hasInstructions(text: string): boolean {
  let count = 0;
  for (let at = text.indexOf('<?'); at >= 0; count++) {
    const end = text.indexOf('?>', at);
    if (end < 0 || end - at > LONGEST_INSTRUCTION || count >= MAX_INSTRUCTIONS) return true;
    at = text.indexOf('<?', end);
  }
  return false;
}

function hasLongRun(text: string): boolean {
  let from = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    if (at - from > LONGEST_RUN) return true;
    if (text[at + 1] !== '!') from = at + 1;
  }
  return text.length - from > LONGEST_RUN;
}

function resolveReferences(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(CHARACTER_REFERENCE, (reference, name?: string, decimal?: string, hex?: string) => {
    if (name !== undefined) return NAMED[name] ?? reference;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code > 0 && code <= LARGEST_CODE_POINT ? String.fromCodePoint(code) : '\ufffd';
  });
}

function unread(reason: 'too-large' | 'not-xml', detail: string): XmlReading & { readonly ok: false } {
  return { ok: false, reason, detail };
}
