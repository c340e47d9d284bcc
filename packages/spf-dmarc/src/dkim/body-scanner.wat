(module
  (memory (export "memory") 4)
  (global $lines (export "lines") (mut i32) (i32.const 0))
  (global $space (export "space") (mut i32) (i32.const 0))
  (global $cr (export "cr") (mut i32) (i32.const 0))
  (func $find (export "find") (param $at i32) (param $end i32) (param $relaxed i32) (result i32)
    (local $bytes v128) (local $before v128) (local $changes i32)
    (block $found
      (if (local.get $relaxed)
        (then (loop $next
          (br_if $found (i32.ge_u (local.get $at) (local.get $end)))
          (local.set $bytes (v128.load (local.get $at)))
          (local.set $before (v128.load (i32.sub (local.get $at) (i32.const 1))))
          (local.set $changes (i8x16.bitmask
            (v128.or
              (v128.or
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 9)))
                (v128.and
                  (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 32)))
                  (i8x16.eq (local.get $before) (i8x16.splat (i32.const 32)))))
              (v128.and
                (i8x16.eq (local.get $bytes) (i8x16.splat (i32.const 10)))
                (v128.or
                  (i8x16.ne (local.get $before) (i8x16.splat (i32.const 13)))
                  (i8x16.eq
                    (v128.load (i32.sub (local.get $at) (i32.const 2)))
                    (i8x16.splat (i32.const 32))))))))
          (br_if $found (local.get $changes))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br $next))))
      (loop $next
        (br_if $found (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $changes (i8x16.bitmask
          (v128.and
            (i8x16.eq (v128.load (local.get $at)) (i8x16.splat (i32.const 10)))
            (i8x16.ne
              (v128.load (i32.sub (local.get $at) (i32.const 1)))
              (i8x16.splat (i32.const 13))))))
        (br_if $found (local.get $changes))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (local.get $end))))
    (i32.add (local.get $at) (i32.ctz (local.get $changes))))
  (func (export "rewrite") (param $at i32) (param $end i32) (param $start i32) (param $relaxed i32) (result i32)
    (local $out i32) (local $until i32) (local $byte i32) (local $change i32) (local $lines i32) (local $space i32)
    (local.set $out (local.get $start))
    (local.set $until (i32.add (local.get $at) (i32.const 32)))
    (global.set $cr (i32.const 0))
    (block $done
      (loop $again
        ;; Byte by byte, for a while after a change and as long as something is held back.
        (block $quiet
          (loop $byte
            (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
            (br_if $quiet (i32.and
              (i32.ge_u (local.get $at) (local.get $until))
              (i32.eqz (i32.or (local.get $lines) (local.get $space)))))
            (local.set $byte (i32.load8_u (local.get $at)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (if (i32.le_u (local.get $byte) (i32.const 32))
              (then
                (if (i32.eq (local.get $byte) (i32.const 13))
                  (then
                    (if (i32.eq (local.get $at) (local.get $end))
                      (then
                        (global.set $cr (i32.const 1))
                        (br $done)))
                    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 10))
                      (then
                        (local.set $byte (i32.const 10))
                        (local.set $at (i32.add (local.get $at) (i32.const 1)))))))
                (if (i32.eq (local.get $byte) (i32.const 10))
                  (then
                    (local.set $lines (i32.add (local.get $lines) (i32.const 1)))
                    (local.set $space (i32.const 0))
                    (br $byte)))
                (if (i32.and (local.get $relaxed) (i32.or
                    (i32.eq (local.get $byte) (i32.const 32))
                    (i32.eq (local.get $byte) (i32.const 9))))
                  (then
                    (local.set $space (i32.const 1))
                    (br $byte)))))
            (if (local.get $lines)
              (then (loop $line
                (i32.store16 (local.get $out) (i32.const 0x0a0d))
                (local.set $out (i32.add (local.get $out) (i32.const 2)))
                (local.set $lines (i32.sub (local.get $lines) (i32.const 1)))
                (br_if $line (local.get $lines)))))
            (if (local.get $space)
              (then
                (i32.store8 (local.get $out) (i32.const 32))
                (local.set $out (i32.add (local.get $out) (i32.const 1)))
                (local.set $space (i32.const 0))))
            (i32.store8 (local.get $out) (local.get $byte))
            (local.set $out (i32.add (local.get $out) (i32.const 1)))
            (br $byte)))
        ;; Sixteen by sixteen, up to the next change.
        (local.set $change (call $find (local.get $at) (local.get $end) (local.get $relaxed)))
        (loop $bytes
          (v128.store (local.get $out) (v128.load (local.get $at)))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (local.set $out (i32.add (local.get $out) (i32.const 16)))
          (br_if $bytes (i32.lt_u (local.get $at) (local.get $change))))
        (local.set $out (i32.add (local.get $out) (i32.sub (local.get $change) (local.get $at))))
        (local.set $at (local.get $change))
        (local.set $until (i32.add (local.get $at) (i32.const 32)))
        ;; A CR and a space before it may turn out to be part of the end of a line.
        (if (i32.eq (i32.load8_u (i32.sub (local.get $out) (i32.const 1))) (i32.const 13))
          (then
            (local.set $at (i32.sub (local.get $at) (i32.const 1)))
            (local.set $out (i32.sub (local.get $out) (i32.const 1)))))
        (if (i32.and (local.get $relaxed)
              (i32.eq (i32.load8_u (i32.sub (local.get $out) (i32.const 1))) (i32.const 32)))
          (then
            (local.set $out (i32.sub (local.get $out) (i32.const 1)))
            (local.set $space (i32.const 1))))
        (br $again)))
    (global.set $lines (local.get $lines))
    (global.set $space (local.get $space))
    (local.get $out)))
