;; What Go's runtime asks of WASI's first preview, answered with the second's: time, randomness, sleeping and stderr are
;; the host's; there are no arguments, variables or files. Unlike the usual adapter it needs no memory of its own, and so
;; works before Go's runtime has begun.
(module
  (import "env" "memory" (memory 0))
  (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
  (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop-pollable (param i32)))
  (import "wasi:cli/stderr@0.2.0" "get-stderr" (func $stderr (result i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
    (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $drop-stream (param i32)))

  ;; Go leaves the first 4096 bytes of memory alone, so that a nil pointer is found out. There lie:
  ;; 1024: what the host answers, 16 bytes.
  ;; 1040: not 0 while the host waits for memory (i32): it may not be asked anything then. The SDK sets it.
  ;; 1048: the monotonic time that was seen last (i64).

  (func (export "random_get") (param $at i32) (param $left i32) (result i32)
    (local $word i64)
    (block $done
      (loop $more
        (br_if $done (i32.lt_u (local.get $left) (i32.const 8)))
        (i64.store align=1 (local.get $at) (call $random))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $left (i32.sub (local.get $left) (i32.const 8)))
        (br $more)))
    (if (local.get $left)
      (then
        (local.set $word (call $random))
        (loop $more
          (i64.store8 (local.get $at) (local.get $word))
          (local.set $word (i64.shr_u (local.get $word) (i64.const 8)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br_if $more (local.get $left)))))
    (i32.const 0))

  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $at i32) (result i32)
    (if (i32.load (i32.const 1040))
      (then
        (i64.store (local.get $at) (i64.load (i32.const 1048)))
        (return (i32.const 0))))
    (if (i32.eqz (local.get $clock))
      (then
        (call $wall (i32.const 1024))
        (i64.store (local.get $at)
          (i64.add
            (i64.mul (i64.load (i32.const 1024)) (i64.const 1000000000))
            (i64.load32_u (i32.const 1032)))))
      ;; The clock stands at 0 in `configure`, and Go takes a zero for a broken one.
      (else
        (i64.store (i32.const 1048) (i64.add (call $monotonic) (i64.const 1)))
        (i64.store (local.get $at) (i64.load (i32.const 1048)))))
    (i32.const 0))

  ;; Subscriptions of 48 bytes: what to say (8), the kind (1), at 24 for how long. Without a clock among them nothing would
  ;; ever happen: not supported.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $count i32) (param $happened i32) (result i32)
    (local $pollable i32)
    (loop $next
      (if (i32.eqz (local.get $count)) (then (return (i32.const 52))))
      (if (i32.load8_u offset=8 (local.get $in))
        (then
          (local.set $in (i32.add (local.get $in) (i32.const 48)))
          (local.set $count (i32.sub (local.get $count) (i32.const 1)))
          (br $next))))
    (local.set $pollable (call $after (i64.load offset=24 (local.get $in))))
    (call $block (local.get $pollable))
    (call $drop-pollable (local.get $pollable))
    (i64.store (local.get $out) (i64.load (local.get $in)))
    (i32.store offset=8 (local.get $out) (i32.const 0))
    (i32.store (local.get $happened) (i32.const 1))
    (i32.const 0))

  (func (export "sched_yield") (result i32) (i32.const 0))

  ;; Both outputs go where a plugin's stderr goes, at most 4096 bytes at a time as the host wants it. The stream is given
  ;; back at once: a component that holds one cannot be snapshotted.
  (func (export "fd_write") (param $fd i32) (param $vector i32) (param $count i32) (param $written i32) (result i32)
    (local $stream i32) (local $at i32) (local $left i32) (local $part i32) (local $sum i32)
    (if (i32.or (i32.eqz (local.get $fd)) (i32.gt_u (local.get $fd) (i32.const 2)))
      (then (return (i32.const 8))))
    (if (i32.load (i32.const 1040))
      (then
        (i32.store (local.get $written) (i32.load offset=4 (local.get $vector)))
        (return (i32.const 0))))
    (local.set $stream (call $stderr))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $at (i32.load (local.get $vector)))
        (local.set $left (i32.load offset=4 (local.get $vector)))
        (local.set $sum (i32.add (local.get $sum) (local.get $left)))
        (block $written-all
          (loop $more
            (br_if $written-all (i32.eqz (local.get $left)))
            (local.set $part
              (select (local.get $left) (i32.const 4096) (i32.lt_u (local.get $left) (i32.const 4096))))
            (call $write (local.get $stream) (local.get $at) (local.get $part) (i32.const 1024))
            (local.set $at (i32.add (local.get $at) (local.get $part)))
            (local.set $left (i32.sub (local.get $left) (local.get $part)))
            (br $more)))
        (local.set $vector (i32.add (local.get $vector) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (call $drop-stream (local.get $stream))
    (i32.store (local.get $written) (local.get $sum))
    (i32.const 0))

  ;; Go's runtime has said why on stderr.
  (func (export "proc_exit") (param i32) unreachable)

  (func $none (param i32 i32) (result i32)
    (i32.store (local.get 0) (i32.const 0))
    (i32.store (local.get 1) (i32.const 0))
    (i32.const 0))
  (export "args_sizes_get" (func $none))
  (export "environ_sizes_get" (func $none))
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_get") (param i32 i32) (result i32) (i32.const 0))

  ;; No such descriptor.
  (func $no-descriptor-1 (param i32) (result i32) (i32.const 8))
  (func $no-descriptor-2 (param i32 i32) (result i32) (i32.const 8))
  (export "fd_close" (func $no-descriptor-1))
  (export "fd_datasync" (func $no-descriptor-1))
  (export "fd_sync" (func $no-descriptor-1))
  (export "fd_fdstat_set_flags" (func $no-descriptor-2))
  (export "fd_filestat_get" (func $no-descriptor-2))
  (export "fd_prestat_get" (func $no-descriptor-2))
  (export "sock_shutdown" (func $no-descriptor-2))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 8))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 8))
  (func $no-descriptor-4 (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (export "fd_read" (func $no-descriptor-4))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func $no-descriptor-5 (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (export "fd_pread" (func $no-descriptor-5))
  (export "fd_pwrite" (func $no-descriptor-5))
  (export "fd_readdir" (func $no-descriptor-5))
  (func $no-path-3 (param i32 i32 i32) (result i32) (i32.const 8))
  (export "path_create_directory" (func $no-path-3))
  (export "path_remove_directory" (func $no-path-3))
  (export "path_unlink_file" (func $no-path-3))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 8))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 8))
  (func $no-path-6 (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 8))
  (export "path_readlink" (func $no-path-6))
  (export "path_rename" (func $no-path-6))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 8))

  ;; An output, and nothing that can be waited for: Go looks at the outputs when it begins.
  (func (export "fd_fdstat_get") (param $fd i32) (param $at i32) (result i32)
    (if (i32.or (i32.eqz (local.get $fd)) (i32.gt_u (local.get $fd) (i32.const 2)))
      (then (return (i32.const 8))))
    (i64.store (local.get $at) (i64.const 2))
    (i64.store offset=8 (local.get $at) (i64.const 64))
    (i64.store offset=16 (local.get $at) (i64.const 0))
    (i32.const 0))
)
