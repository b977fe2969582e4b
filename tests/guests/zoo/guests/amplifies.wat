;;! Returns a hundred thousand edits whose pointers are all the same 64 KiB of its memory: 6.5 GB where they are copied.

(module
  (import "sandgate:interceptor/call@0.1.0" "[resource-drop]context" (func $drop-context (param i32)))
  (import "sandgate:interceptor/call@0.1.0" "[resource-drop]document" (func $drop-document (param i32)))
  (import "sandgate:interceptor/call@0.1.0" "[method]document.size" (func $size (param i32) (result i64)))
  (memory (export "memory") 64)
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
    (local $edit i32)
    (if (i64.gt_u (call $size (local.get $params)) (i64.const 2))
      (then
        (local.set $edit (i32.const 131072))
        (loop $more
          ;; Twenty bytes each: `remove`, the pointer's address, its length.
          (i32.store8 (local.get $edit) (i32.const 1))
          (i32.store offset=4 (local.get $edit) (i32.const 2048))
          (i32.store offset=8 (local.get $edit) (i32.const 65536))
          (local.set $edit (i32.add (local.get $edit) (i32.const 20)))
          (br_if $more (i32.lt_u (local.get $edit) (i32.const 2131072))))
        ;; Not an error; `edit`; where the list is, and how many.
        (i32.store8 offset=4 (i32.const 1024) (i32.const 1))
        (i32.store offset=8 (i32.const 1024) (i32.const 131072))
        (i32.store offset=12 (i32.const 1024) (i32.const 100000))))
    (call $drop-document (local.get $params))
    (call $drop-context (local.get $context))
    (i32.const 1024)))
