import { bodyScannerProgram } from './body-scanner-program.ts';

/** So many bytes are scanned at once. */
export const SCANNED_BYTES = 65_536;

/** Loads reach two bytes before a piece and up to sixteen behind it. They find nothing there that would change. */
const MARGIN = 16;
const PLAIN = 0x78;
/** Where the rewritten bytes begin: twice as many as those of a piece at most, when each of them is a bare LF. */
const REWRITTEN = 65_600;

interface Program {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly lines: { readonly value: number };
  readonly space: { readonly value: number };
  readonly cr: { readonly value: number };
  find(at: number, end: number, relaxed: number): number;
  rewrite(at: number, end: number, target: number, relaxed: number): number;
}

/** What is used of it; the types of Node do not have it. It is absent under `--jitless`. */
declare const WebAssembly:
  | undefined
  | {
      readonly Module: new (bytes: Uint8Array) => object;
      readonly Instance: new (module: object) => { readonly exports: Program };
    };

/**
 * Looks for what has to change in a body to make it canonical, and changes it, by the vector instructions of WebAssembly:
 * 0.1 to 0.2 ns a byte where nothing changes, where SHA-256 takes 0.7 and a loop in JavaScript 1 to 3; and at most some
 * nanoseconds where much does. The program sees nothing but its own memory, and what it answers are numbers.
 */
class BodyScanner {
  readonly #program: Program;
  /** The piece, and behind it what it was rewritten to. */
  readonly memory: Uint8Array;
  #end = MARGIN;

  constructor(program: Program) {
    this.#program = program;
    this.memory = new Uint8Array(program.memory.buffer);
    this.memory.fill(PLAIN, 0, MARGIN);
    this.memory[REWRITTEN - 1] = PLAIN;
  }

  /** Takes the next piece, at most `SCANNED_BYTES`. What was there before is gone. */
  load(piece: Uint8Array): void {
    this.#end = MARGIN + piece.length;
    this.memory.set(piece, MARGIN);
    this.memory.fill(PLAIN, this.#end, this.#end + MARGIN);
  }

  /**
   * The first byte from `from` on that is not canonical as it stands there: a bare LF; with `relaxed` also a tab, a space
   * behind a space, the LF of a CRLF behind a space. The length of the piece when there is none.
   */
  find(from: number, relaxed: boolean): number {
    return this.#program.find(from + MARGIN, this.#end, relaxed ? 1 : 0) - MARGIN;
  }

  /**
   * Makes the rest of the piece canonical, in `memory`. What may yet turn out to be no part of the body is counted and not
   * written: line ends, then white space, then a CR. There may be more line ends at the end of what is written.
   *
   * @param from - with nothing held back from before it
   */
  rewrite(from: number, relaxed: boolean): Rewritten {
    const end = this.#program.rewrite(from + MARGIN, this.#end, REWRITTEN, relaxed ? 1 : 0);
    const { lines, space, cr } = this.#program;
    return { start: REWRITTEN, end, lines: lines.value, space: space.value === 1, cr: cr.value === 1 };
  }
}

/** Where in `memory` the canonical bytes stand, and what is held back behind them. */
interface Rewritten {
  readonly start: number;
  readonly end: number;
  readonly lines: number;
  readonly space: boolean;
  readonly cr: boolean;
}

/**
 * Made when the first body comes, `null` where it cannot be. Nothing else runs from `load` to the last answer, and nothing
 * is left from one piece to the next, so that one serves all bodies of a thread.
 */
let scanner: BodyScanner | null | undefined;

/**
 * `undefined` where there is no WebAssembly, or it cannot do this: on a processor without the vector instructions, or
 * without memory for it.
 */
export function bodyScanner(): BodyScanner | undefined {
  if (scanner === undefined) scanner = makeScanner() ?? null;
  return scanner ?? undefined;
}

function makeScanner(): BodyScanner | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  try {
    const module = new WebAssembly.Module(Buffer.from(bodyScannerProgram, 'base64'));
    return new BodyScanner(new WebAssembly.Instance(module).exports);
  } catch {
    return undefined;
  }
}
