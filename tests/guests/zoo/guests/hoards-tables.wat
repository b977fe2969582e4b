;;! Makes its table grow until it is refused.

(module
  (import "sandgate:interceptor/call@0.1.0" "[resource-drop]context" (func $drop-context (param i32)))
  (import "sandgate:interceptor/call@0.1.0" "[resource-drop]document" (func $drop-document (param i32)))
  (import "sandgate:interceptor/call@0.1.0" "[method]document.size" (func $size (param i32) (result i64)))
  (memory (export "memory") 2)
  (table $hoard 1 funcref)
  (global $next (mut i32) (i32.const 65536))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 15)) (i32.const -16)))
    (local.get $at))

  ;; All zero: accepted.
  (func (export "sandgate:interceptor/settings@0.1.0#configure") (param i32 i32) (result i32)
    (i32.const 1024))

  ;; All zero: proceed. An empty document is `{}`.
  (func (export "sandgate:interceptor/pre-call@0.1.0#handle") (param $context i32) (param $params i32) (result i32)
    (if (i64.gt_u (call $size (local.get $params)) (i64.const 2))
      (then
        (loop $more
          (br_if $more (i32.ne (table.grow $hoard (ref.null func) (i32.const 1000)) (i32.const -1))))
        (unreachable)))
    (call $drop-document (local.get $params))
    (call $drop-context (local.get $context))
    (i32.const 1024)))
