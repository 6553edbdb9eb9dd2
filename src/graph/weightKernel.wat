(module
  (import "env" "memory" (memory 1))
  ;; Assembled into weightKernelModule.ts (wabt: wat2wasm). Addresses are in bytes, aligned to 16; counts are rounded up to a
  ;; multiple of 4 or 8 items, so that what lies behind the last item is read and written as well. Results are those of the
  ;; plain loops in float16.ts and blockQuantisation.ts, bit for bit.

  ;; float32 to float16, to the nearest, ties to even. Returns the bits of the largest magnitude; what is beyond 65504 makes
  ;; the halves meaningless.
  (func (export "singlesToHalves") (param $from i32) (param $to i32) (param $count i32) (result i32)
    (local $end i32) (local $x v128) (local $a v128) (local $sign v128) (local $largest v128)
    (local.set $end (i32.add (local.get $from) (i32.shl (local.get $count) (i32.const 2))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
      (local.set $x (v128.load (local.get $from)))
      (local.set $sign (v128.and (local.get $x) (v128.const i32x4 0x80000000 0x80000000 0x80000000 0x80000000)))
      (local.set $a (v128.xor (local.get $x) (local.get $sign)))
      (local.set $largest (i32x4.max_u (local.get $largest) (local.get $a)))
      (local.set $x (v128.or
        (i32x4.shr_u (local.get $sign) (i32.const 16))
        (v128.bitselect
          ;; a subnormal half: adding 1/2 leaves its bits, rounded, at the end of the fraction
          (i32x4.sub
            (f32x4.add (local.get $a) (v128.const f32x4 0.5 0.5 0.5 0.5))
            (v128.const i32x4 0x3f000000 0x3f000000 0x3f000000 0x3f000000))
          ;; a normal half: exponent rebiased, just under half a unit added, one more where the result would be odd
          (i32x4.shr_u
            (i32x4.sub
              (i32x4.add (local.get $a) (v128.const i32x4 0xc8000fff 0xc8000fff 0xc8000fff 0xc8000fff))
              (i32x4.shr_s (i32x4.shl (local.get $a) (i32.const 18)) (i32.const 31)))
            (i32.const 13))
          (i32x4.lt_s (local.get $a) (v128.const i32x4 0x38800000 0x38800000 0x38800000 0x38800000)))))
      (v128.store64_lane 0 (local.get $to) (i16x8.narrow_i32x4_u (local.get $x) (local.get $x)))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (local.set $to (i32.add (local.get $to) (i32.const 8)))
      (br $next)))
    (call $greatest (local.get $largest)))

  ;; float16 to float32, exactly. Returns the bits of the half of largest magnitude; infinity and NaN become something else.
  (func (export "halvesToSingles") (param $from i32) (param $to i32) (param $count i32) (result i32)
    (local $end i32) (local $x v128) (local $a v128) (local $s v128) (local $largest v128)
    (local.set $end (i32.add (local.get $from) (i32.shl (local.get $count) (i32.const 1))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
      (local.set $x (v128.load16x4_u (local.get $from)))
      (local.set $a (v128.and (local.get $x) (v128.const i32x4 0x7fff 0x7fff 0x7fff 0x7fff)))
      (local.set $largest (i32x4.max_u (local.get $largest) (local.get $a)))
      (local.set $s (i32x4.shl (local.get $a) (i32.const 13)))
      (v128.store (local.get $to) (v128.or
        (i32x4.shl (v128.xor (local.get $x) (local.get $a)) (i32.const 16))
        (v128.bitselect
          (f32x4.sub
            (i32x4.add (local.get $s) (v128.const i32x4 0x38800000 0x38800000 0x38800000 0x38800000))
            (v128.const i32x4 0x38800000 0x38800000 0x38800000 0x38800000))
          (i32x4.add (local.get $s) (v128.const i32x4 0x38000000 0x38000000 0x38000000 0x38000000))
          (i32x4.lt_s (local.get $a) (v128.const i32x4 0x400 0x400 0x400 0x400)))))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br $next)))
    (call $greatest (local.get $largest)))

  ;; bfloat16 to float32, exactly. Returns the bits of the largest magnitude as float32.
  (func (export "bfloatsToSingles") (param $from i32) (param $to i32) (param $count i32) (result i32)
    (local $end i32) (local $x v128) (local $largest v128)
    (local.set $end (i32.add (local.get $from) (i32.shl (local.get $count) (i32.const 1))))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $from) (local.get $end)))
      (local.set $x (i32x4.shl (v128.load16x4_u (local.get $from)) (i32.const 16)))
      (local.set $largest (i32x4.max_u (local.get $largest)
        (v128.and (local.get $x) (v128.const i32x4 0x7fffffff 0x7fffffff 0x7fffffff 0x7fffffff))))
      (v128.store (local.get $to) (local.get $x))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br $next)))
    (call $greatest (local.get $largest)))

  (func $greatest (param $x v128) (result i32)
    (local.set $x (i32x4.max_u (local.get $x) (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $x) (local.get $x))))
    (i32x4.extract_lane 0
      (i32x4.max_u (local.get $x) (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $x) (local.get $x)))))

  ;; Scales of 4-bit blocks of 32 weights: of six, the one of least squared error (bestScale4). All six at once; the sums are
  ;; in double precision and in the order of the weights. Rounding is Math.round's: halves go up, and only they.
  (func (export "scales4") (param $values i32) (param $scales i32) (param $blocks i32)
    (local $last i32) (local $at i32) (local $end i32)
    (local $most v128) (local $least v128) (local $p f32) (local $q f32)
    (local $full f64) (local $best f64) (local $leastError f64) (local $weightWeight f64) (local $weight f64)
    (local $v v128) (local $x v128) (local $l v128)
    (local $half v128) (local $one v128) (local $seven v128) (local $minus8 v128)
    (local $t0 v128) (local $t1 v128) (local $t2 v128)
    (local $i0 v128) (local $i1 v128) (local $i2 v128)
    (local $w0 v128) (local $w1 v128) (local $w2 v128)
    (local $l0 v128) (local $l1 v128) (local $l2 v128)
    (local.set $half (v128.const f64x2 0.5 0.5))
    (local.set $one (v128.const f64x2 1 1))
    (local.set $seven (v128.const f64x2 7 7))
    (local.set $minus8 (v128.const f64x2 -8 -8))
    (local.set $last (i32.add (local.get $scales) (i32.shl (local.get $blocks) (i32.const 2))))
    (block $done (loop $block
      (br_if $done (i32.ge_u (local.get $scales) (local.get $last)))
      (local.set $end (i32.add (local.get $values) (i32.const 128)))
      ;; the weight of largest magnitude, the first of several
      (local.set $most (v128.const i32x4 0 0 0 0))
      (local.set $least (local.get $most))
      (local.set $at (local.get $values))
      (loop $next
        (local.set $v (v128.load (local.get $at)))
        (local.set $most (f32x4.pmax (local.get $most) (local.get $v)))
        (local.set $least (f32x4.pmin (local.get $least) (local.get $v)))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
      (local.set $p (f32.max
        (f32.max (f32x4.extract_lane 0 (local.get $most)) (f32x4.extract_lane 1 (local.get $most)))
        (f32.max (f32x4.extract_lane 2 (local.get $most)) (f32x4.extract_lane 3 (local.get $most)))))
      (local.set $q (f32.min
        (f32.min (f32x4.extract_lane 0 (local.get $least)) (f32x4.extract_lane 1 (local.get $least)))
        (f32.min (f32x4.extract_lane 2 (local.get $least)) (f32x4.extract_lane 3 (local.get $least)))))
      (if (f32.gt (f32.neg (local.get $q)) (local.get $p))
        (then (local.set $p (local.get $q)))
        (else (if (f32.eq (f32.neg (local.get $q)) (local.get $p))
          (then
            (local.set $at (local.get $values))
            (block $found (loop $search
              (br_if $found (f32.eq (f32.abs (f32.load (local.get $at))) (local.get $p)))
              (local.set $at (i32.add (local.get $at) (i32.const 4)))
              (br $search)))
            (local.set $p (f32.load (local.get $at)))))))
      (local.set $best (f64.const 0))
      (if (f32.ne (local.get $p) (f32.const 0)) (then
        (local.set $full (f64.div (f64.promote_f32 (local.get $p)) (f64.const -8)))
        (local.set $t0 (f64x2.mul (f64x2.splat (local.get $full)) (v128.const f64x2 1.06 1)))
        (local.set $t1 (f64x2.mul (f64x2.splat (local.get $full)) (v128.const f64x2 0.94 0.89)))
        (local.set $t2 (f64x2.mul (f64x2.splat (local.get $full)) (v128.const f64x2 0.84 0.79)))
        (local.set $i0 (f64x2.div (v128.const f64x2 1 1) (local.get $t0)))
        (local.set $i1 (f64x2.div (v128.const f64x2 1 1) (local.get $t1)))
        (local.set $i2 (f64x2.div (v128.const f64x2 1 1) (local.get $t2)))
        (local.set $w0 (v128.const i32x4 0 0 0 0))
        (local.set $w1 (local.get $w0)) (local.set $w2 (local.get $w0))
        (local.set $l0 (local.get $w0)) (local.set $l1 (local.get $w0)) (local.set $l2 (local.get $w0))
        (local.set $weightWeight (f64.const 0))
        (local.set $at (local.get $values))
        (loop $next
          (local.set $weight (f64.promote_f32 (f32.load (local.get $at))))
          (local.set $weightWeight (f64.add (local.get $weightWeight) (f64.mul (local.get $weight) (local.get $weight))))
          (local.set $v (f64x2.splat (local.get $weight)))
          (local.set $x (f64x2.mul (local.get $v) (local.get $i0)))
          (local.set $l (f64x2.ceil (local.get $x)))
          (local.set $l (f64x2.sub (local.get $l) (v128.and (local.get $one) (f64x2.gt (f64x2.sub (local.get $l) (local.get $half)) (local.get $x)))))
          (local.set $l (f64x2.pmax (f64x2.pmin (local.get $l) (local.get $seven)) (local.get $minus8)))
          (local.set $w0 (f64x2.add (local.get $w0) (f64x2.mul (local.get $v) (local.get $l))))
          (local.set $l0 (f64x2.add (local.get $l0) (f64x2.mul (local.get $l) (local.get $l))))
          (local.set $x (f64x2.mul (local.get $v) (local.get $i1)))
          (local.set $l (f64x2.ceil (local.get $x)))
          (local.set $l (f64x2.sub (local.get $l) (v128.and (local.get $one) (f64x2.gt (f64x2.sub (local.get $l) (local.get $half)) (local.get $x)))))
          (local.set $l (f64x2.pmax (f64x2.pmin (local.get $l) (local.get $seven)) (local.get $minus8)))
          (local.set $w1 (f64x2.add (local.get $w1) (f64x2.mul (local.get $v) (local.get $l))))
          (local.set $l1 (f64x2.add (local.get $l1) (f64x2.mul (local.get $l) (local.get $l))))
          (local.set $x (f64x2.mul (local.get $v) (local.get $i2)))
          (local.set $l (f64x2.ceil (local.get $x)))
          (local.set $l (f64x2.sub (local.get $l) (v128.and (local.get $one) (f64x2.gt (f64x2.sub (local.get $l) (local.get $half)) (local.get $x)))))
          (local.set $l (f64x2.pmax (f64x2.pmin (local.get $l) (local.get $seven)) (local.get $minus8)))
          (local.set $w2 (f64x2.add (local.get $w2) (f64x2.mul (local.get $v) (local.get $l))))
          (local.set $l2 (f64x2.add (local.get $l2) (f64x2.mul (local.get $l) (local.get $l))))
          (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end))))
        ;; i: the errors, t: the scales; the largest weight is never rounded to 0, so that l is not 0
        (local.set $v (f64x2.splat (local.get $weightWeight)))
        (local.set $i0 (f64x2.sub (local.get $v) (f64x2.div (f64x2.mul (local.get $w0) (local.get $w0)) (local.get $l0))))
        (local.set $i1 (f64x2.sub (local.get $v) (f64x2.div (f64x2.mul (local.get $w1) (local.get $w1)) (local.get $l1))))
        (local.set $i2 (f64x2.sub (local.get $v) (f64x2.div (f64x2.mul (local.get $w2) (local.get $w2)) (local.get $l2))))
        (local.set $t0 (f64x2.div (local.get $w0) (local.get $l0)))
        (local.set $t1 (f64x2.div (local.get $w1) (local.get $l1)))
        (local.set $t2 (f64x2.div (local.get $w2) (local.get $l2)))
        (local.set $best (f64x2.extract_lane 0 (local.get $t0)))
        (local.set $leastError (f64x2.extract_lane 0 (local.get $i0)))
        (if (f64.lt (f64x2.extract_lane 1 (local.get $i0)) (local.get $leastError)) (then
          (local.set $best (f64x2.extract_lane 1 (local.get $t0))) (local.set $leastError (f64x2.extract_lane 1 (local.get $i0)))))
        (if (f64.lt (f64x2.extract_lane 0 (local.get $i1)) (local.get $leastError)) (then
          (local.set $best (f64x2.extract_lane 0 (local.get $t1))) (local.set $leastError (f64x2.extract_lane 0 (local.get $i1)))))
        (if (f64.lt (f64x2.extract_lane 1 (local.get $i1)) (local.get $leastError)) (then
          (local.set $best (f64x2.extract_lane 1 (local.get $t1))) (local.set $leastError (f64x2.extract_lane 1 (local.get $i1)))))
        (if (f64.lt (f64x2.extract_lane 0 (local.get $i2)) (local.get $leastError)) (then
          (local.set $best (f64x2.extract_lane 0 (local.get $t2))) (local.set $leastError (f64x2.extract_lane 0 (local.get $i2)))))
        (if (f64.lt (f64x2.extract_lane 1 (local.get $i2)) (local.get $leastError)) (then
          (local.set $best (f64x2.extract_lane 1 (local.get $t2)))))))
      (f32.store (local.get $scales) (f32.demote_f64 (local.get $best)))
      (local.set $values (local.get $end))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (br $block))))

  ;; Scales of 8-bit blocks of 32 weights: the largest magnitude becomes 127.
  (func (export "scales8") (param $values i32) (param $scales i32) (param $blocks i32)
    (local $last i32) (local $end i32) (local $most v128)
    (local.set $last (i32.add (local.get $scales) (i32.shl (local.get $blocks) (i32.const 2))))
    (block $done (loop $block
      (br_if $done (i32.ge_u (local.get $scales) (local.get $last)))
      (local.set $end (i32.add (local.get $values) (i32.const 128)))
      (local.set $most (v128.const i32x4 0 0 0 0))
      (loop $next
        (local.set $most (f32x4.pmax (local.get $most) (f32x4.abs (v128.load (local.get $values)))))
        (br_if $next (i32.lt_u (local.tee $values (i32.add (local.get $values) (i32.const 16))) (local.get $end))))
      (f32.store (local.get $scales) (f32.demote_f64 (f64.div
        (f64.promote_f32 (f32.max
          (f32.max (f32x4.extract_lane 0 (local.get $most)) (f32x4.extract_lane 1 (local.get $most)))
          (f32.max (f32x4.extract_lane 2 (local.get $most)) (f32x4.extract_lane 3 (local.get $most)))))
        (f64.const 127))))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (br $block))))

  ;; Two numbers rounded as Math.round does, between two bounds, as integers.
  (func $level (param $x v128) (param $low v128) (param $high v128) (result v128) (local $l v128)
    (local.set $l (f64x2.ceil (local.get $x)))
    (local.set $l (f64x2.sub (local.get $l) (v128.and (v128.const f64x2 1 1) (f64x2.gt (f64x2.sub (local.get $l) (v128.const f64x2 0.5 0.5)) (local.get $x)))))
    (i32x4.trunc_sat_f64x2_s_zero (f64x2.pmax (f64x2.pmin (local.get $l) (local.get $high)) (local.get $low))))

  ;; Blocks of 32 weights as levels of 4 or 8 bits; 8 weights at a time.
  (func (export "levels") (param $values i32) (param $scales i32) (param $packed i32) (param $blocks i32) (param $bits i32)
    (local $last i32) (local $end i32) (local $scale f64) (local $inverse v128) (local $low v128) (local $high v128)
    (local $a v128) (local $b v128) (local $x v128)
    (local.set $high (f64x2.splat (f64.convert_i32_s (i32.sub (i32.shl (i32.const 1) (i32.sub (local.get $bits) (i32.const 1))) (i32.const 1)))))
    (local.set $low (f64x2.sub (f64x2.neg (local.get $high)) (v128.const f64x2 1 1)))
    (local.set $last (i32.add (local.get $scales) (i32.shl (local.get $blocks) (i32.const 2))))
    (block $done (loop $block
      (br_if $done (i32.ge_u (local.get $scales) (local.get $last)))
      (local.set $scale (f64.promote_f32 (f32.load (local.get $scales))))
      (local.set $inverse (f64x2.splat (select (f64.const 0) (f64.div (f64.const 1) (local.get $scale)) (f64.eq (local.get $scale) (f64.const 0)))))
      (local.set $end (i32.add (local.get $values) (i32.const 128)))
      (loop $next
        (local.set $a (v128.load (local.get $values)))
        (local.set $b (v128.load offset=16 (local.get $values)))
        (local.set $x (i16x8.narrow_i32x4_s
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
            (call $level (f64x2.mul (f64x2.promote_low_f32x4 (local.get $a)) (local.get $inverse)) (local.get $low) (local.get $high))
            (call $level (f64x2.mul (f64x2.promote_low_f32x4 (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $a) (local.get $a))) (local.get $inverse)) (local.get $low) (local.get $high)))
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
            (call $level (f64x2.mul (f64x2.promote_low_f32x4 (local.get $b)) (local.get $inverse)) (local.get $low) (local.get $high))
            (call $level (f64x2.mul (f64x2.promote_low_f32x4 (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $b) (local.get $b))) (local.get $inverse)) (local.get $low) (local.get $high)))))
        (if (i32.eq (local.get $bits) (i32.const 4))
          (then
            (local.set $x (i16x8.add (local.get $x) (v128.const i16x8 8 8 8 8 8 8 8 8)))
            (local.set $x (v128.and (v128.or (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 12))) (v128.const i32x4 0xff 0xff 0xff 0xff)))
            (local.set $x (i16x8.narrow_i32x4_u (local.get $x) (local.get $x)))
            (v128.store32_lane 0 (local.get $packed) (i8x16.narrow_i16x8_u (local.get $x) (local.get $x))))
          (else
            (local.set $x (i16x8.add (local.get $x) (v128.const i16x8 128 128 128 128 128 128 128 128)))
            (v128.store64_lane 0 (local.get $packed) (i8x16.narrow_i16x8_u (local.get $x) (local.get $x)))))
        (local.set $packed (i32.add (local.get $packed) (local.get $bits)))
        (br_if $next (i32.lt_u (local.tee $values (i32.add (local.get $values) (i32.const 32))) (local.get $end))))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (br $block))))

  ;; A square of 8 rows of 8 halves as columns; the strides of both in bytes.
  (func $square8 (param $from i32) (param $fromStride i32) (param $to i32) (param $toStride i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $e v128) (local $f v128) (local $g v128) (local $h v128)
    (local $i v128) (local $j v128) (local $k v128) (local $l v128) (local $m v128) (local $n v128) (local $o v128) (local $p v128)
    (local.set $a (v128.load (local.get $from)))
    (local.set $b (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    (local.set $c (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    (local.set $d (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    (local.set $e (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    (local.set $f (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    (local.set $g (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    (local.set $h (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    ;; pairs of halves of neighbouring rows
    (local.set $i (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $a) (local.get $b)))
    (local.set $j (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $a) (local.get $b)))
    (local.set $k (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $c) (local.get $d)))
    (local.set $l (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $c) (local.get $d)))
    (local.set $m (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $e) (local.get $f)))
    (local.set $n (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $e) (local.get $f)))
    (local.set $o (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $g) (local.get $h)))
    (local.set $p (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $g) (local.get $h)))
    ;; fours
    (local.set $a (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $i) (local.get $k)))
    (local.set $b (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $i) (local.get $k)))
    (local.set $c (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $j) (local.get $l)))
    (local.set $d (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $j) (local.get $l)))
    (local.set $e (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $m) (local.get $o)))
    (local.set $f (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $m) (local.get $o)))
    (local.set $g (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $n) (local.get $p)))
    (local.set $h (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $n) (local.get $p)))
    ;; whole columns
    (v128.store (local.get $to) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $e)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $e)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $b) (local.get $f)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $b) (local.get $f)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $c) (local.get $g)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $c) (local.get $g)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $d) (local.get $h)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $d) (local.get $h))))

  ;; A square of 4 rows of 4 singles as columns.
  (func $square4 (param $from i32) (param $fromStride i32) (param $to i32) (param $toStride i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $e v128) (local $f v128) (local $g v128) (local $h v128)
    (local.set $a (v128.load (local.get $from)))
    (local.set $b (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    (local.set $c (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    (local.set $d (v128.load (local.tee $from (i32.add (local.get $from) (local.get $fromStride)))))
    (local.set $e (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b)))
    (local.set $f (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b)))
    (local.set $g (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d)))
    (local.set $h (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d)))
    (v128.store (local.get $to) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $e) (local.get $g)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $e) (local.get $g)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $f) (local.get $h)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $toStride))) (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $f) (local.get $h))))

  ;; Rows of a matrix of items of 2 or 4 bytes as columns of another; rows and columns are multiples of 8. Strides in bytes.
  ;; Four squares of rows at a time, so that what is written fills a line of the cache.
  (func (export "transpose") (param $from i32) (param $fromStride i32) (param $to i32) (param $toStride i32) (param $rows i32) (param $columns i32) (param $itemBytes i32)
    (local $side i32) (local $row i32) (local $rowEnd i32) (local $column i32) (local $r i32)
    (local.set $side (i32.div_u (i32.const 16) (local.get $itemBytes)))
    (block $done (loop $rowLoop
      (br_if $done (i32.ge_u (local.get $row) (local.get $rows)))
      (local.set $rowEnd (i32.add (local.get $row) (i32.shl (local.get $side) (i32.const 2))))
      (if (i32.gt_u (local.get $rowEnd) (local.get $rows)) (then (local.set $rowEnd (local.get $rows))))
      (local.set $column (i32.const 0))
      (block $rowsDone (loop $columnLoop
        (br_if $rowsDone (i32.ge_u (local.get $column) (local.get $columns)))
        (local.set $r (local.get $row))
        (loop $squares
          (if (i32.eq (local.get $itemBytes) (i32.const 2))
            (then (call $square8
              (i32.add (local.get $from) (i32.add (i32.mul (local.get $r) (local.get $fromStride)) (i32.shl (local.get $column) (i32.const 1)))) (local.get $fromStride)
              (i32.add (local.get $to) (i32.add (i32.mul (local.get $column) (local.get $toStride)) (i32.shl (local.get $r) (i32.const 1)))) (local.get $toStride)))
            (else (call $square4
              (i32.add (local.get $from) (i32.add (i32.mul (local.get $r) (local.get $fromStride)) (i32.shl (local.get $column) (i32.const 2)))) (local.get $fromStride)
              (i32.add (local.get $to) (i32.add (i32.mul (local.get $column) (local.get $toStride)) (i32.shl (local.get $r) (i32.const 2)))) (local.get $toStride))))
          (br_if $squares (i32.lt_u (local.tee $r (i32.add (local.get $r) (local.get $side))) (local.get $rowEnd))))
        (local.set $column (i32.add (local.get $column) (local.get $side)))
        (br $columnLoop)))
      (local.set $row (local.get $rowEnd))
      (br $rowLoop))))
)
