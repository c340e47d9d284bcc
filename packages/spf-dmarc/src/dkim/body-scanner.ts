/** Where in a body something has to change to make it canonical. */
export interface BodyScanner {
  /** Takes the next piece to scan, at most {@link SCANNED_BYTES} of it. What was there before is gone. */
  load(piece: Uint8Array): void;
  /**
   * The next byte at `from` or behind it with which `relaxed` may have something to do: a tab, a space behind a space, an
   * LF without a CR before it, the LF of a CRLF behind a space. The end of the piece if there is none.
   */
  nextChange(from: number): number;
  /** The next LF at `from` or behind it without a CR before it in the piece; its end if there is none. */
  nextBareLineFeed(from: number): number;
}

/** What fits into the memory of the scanner. */
export const SCANNED_BYTES = 65_536;

/**
 * Sixteen bytes at a time, by the vector instructions of WebAssembly: 0.1 to 0.2 ns a byte, where SHA-256 takes 0.7 and a
 * loop in JavaScript 1 to 3. `wat2wasm` makes these bytes of
 *
 * ```wat
 *     (module
 *       (memory (export "memory") 2)
 *       (func (export "nextChange") (param $at i32) (param $end i32) (result i32)
 *         (local $bytes v128) (local $before v128) (local $hits i32)
 *         (loop $next
 *           (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (local.get $end))))
 *           (local.set $bytes (v128.load (local.get $at)))
 *           (local.set $before (v128.load (i32.sub (local.get $at) (i32.const 1))))
 *           (local.set $hits (i8x16.bitmask
 *             (v128.or
 *               (v128.or
 *                 (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 9)))
 *                 (v128.and
 *                   (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 32)))
 *                   (i8x16.eq (local.get $before) (i8x16.splat (i32.const 32)))))
 *               (v128.and
 *                 (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 10)))
 *                 (v128.or
 *                   (i8x16.ne (local.get $before) (i8x16.splat (i32.const 13)))
 *                   (i8x16.eq
 *                     (v128.load (i32.sub (local.get $at) (i32.const 2)))
 *                     (i8x16.splat (i32.const 32))))))))
 *           (if (local.get $hits)
 *             (then (return (i32.add (local.get $at) (i32.ctz (local.get $hits))))))
 *           (local.set $at (i32.add (local.get $at) (i32.const 16)))
 *           (br $next))
 *         (unreachable))
 *       (func (export "nextBareLineFeed") (param $at i32) (param $end i32) (result i32)
 *         (local $hits i32)
 *         (loop $next
 *           (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (local.get $end))))
 *           (local.set $hits (i8x16.bitmask
 *             (v128.and
 *               (i8x16.eq (v128.load (local.get $at)) (i8x16.splat (i32.const 10)))
 *               (i8x16.ne (v128.load (i32.sub (local.get $at) (i32.const 1))) (i8x16.splat (i32.const 13))))))
 *           (if (local.get $hits)
 *             (then (return (i32.add (local.get $at) (i32.ctz (local.get $hits))))))
 *           (local.set $at (i32.add (local.get $at) (i32.const 16)))
 *           (br $next))
 *         (unreachable)))
 * ```
 *
 * It sees nothing but the memory that it makes for itself, and what it answers is a number.
 */
const program =
  'AGFzbQEAAAABBwFgAn9/AX8DAwIAAAUDAQACByoDBm1lbW9yeQIACm5leHRDaGFuZ2UAABBuZXh0QmFyZUxpbmVGZWVkAAEKzwEC' +
  'ggECAnsBfwNAIAAgAU8EQCABDwsgAP0ABAAhAiAAQQFr/QAEACEDIAJBCf0P/SMgAkEg/Q/9IyADQSD9D/0j/U79UCACQQr9D/0j' +
  'IANBDf0P/SQgAEECa/0ABABBIP0P/SP9UP1O/VD9ZCEEIAQEQCAAIARoag8LIABBEGohAAwACwALSQEBfwNAIAAgAU8EQCABDwsg' +
  'AP0ABABBCv0P/SMgAEEBa/0ABABBDf0P/ST9Tv1kIQIgAgRAIAAgAmhqDwsgAEEQaiEADAALAAs=';

/** Loads reach two bytes before a piece and up to sixteen behind it. They find no blank and no end of a line there. */
const MARGIN = 16;
const PLAIN = 0x78;

interface ScannerExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  nextChange(at: number, end: number): number;
  nextBareLineFeed(at: number, end: number): number;
}

/** What is used of it; the types of Node do not have it. It is absent under `--jitless`. */
declare const WebAssembly:
  | undefined
  | {
      readonly Module: new (bytes: Uint8Array) => object;
      readonly Instance: new (module: object) => { readonly exports: ScannerExports };
    };

class VectorScanner implements BodyScanner {
  readonly #exports: ScannerExports;
  readonly #memory: Uint8Array;
  #end = MARGIN;

  constructor(exports: ScannerExports) {
    this.#exports = exports;
    this.#memory = new Uint8Array(exports.memory.buffer);
    this.#memory.fill(PLAIN, 0, MARGIN);
  }

  load(piece: Uint8Array): void {
    this.#end = MARGIN + piece.length;
    this.#memory.set(piece, MARGIN);
    this.#memory.fill(PLAIN, this.#end, this.#end + MARGIN);
  }

  nextChange(from: number): number {
    return this.#exports.nextChange(from + MARGIN, this.#end) - MARGIN;
  }

  nextBareLineFeed(from: number): number {
    return this.#exports.nextBareLineFeed(from + MARGIN, this.#end) - MARGIN;
  }
}

/** Made when the first body comes. Between `load` and the last answer nothing else runs, so one serves all. */
let scanner: BodyScanner | undefined;

/** `undefined` where there is no WebAssembly. */
export function bodyScanner(): BodyScanner | undefined {
  if (scanner === undefined && typeof WebAssembly !== 'undefined') {
    const module = new WebAssembly.Module(Buffer.from(program, 'base64'));
    scanner = new VectorScanner(new WebAssembly.Instance(module).exports);
  }
  return scanner;
}
