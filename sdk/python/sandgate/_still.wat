;; A module for Python, as componentize-py links it: its one function makes an object immortal. CPython has that function for
;; itself (`_Py_SetImmortal`), and a name for it in no module of its own.
;; What is made of this text lies beside it, which a test checks.
(module
  (@dylink.0
    (mem-info (memory 128 4) (table 1 0))
    (needed "libpython3.14.so"))
  (import "env" "memory" (memory 1))
  (import "env" "__indirect_function_table" (table 0 funcref))
  (import "env" "__memory_base" (global $base i32))
  (import "env" "__table_base" (global $table i32))
  (import "env" "PyModule_Create2" (func $create (param i32 i32) (result i32)))
  (import "env" "_Py_SetImmortal" (func $still (param i32)))
  (import "GOT.mem" "_Py_NoneStruct" (global $none (mut i32)))

  ;; still(object) -> None
  (func $method (param $self i32) (param $object i32) (result i32)
    (call $still (local.get $object))
    (global.get $none))
  (elem (global.get $table) func $method)

  (func (export "PyInit__still") (result i32)
    (call $create (global.get $base) (i32.const 1013)))

  ;; The pointers within the module's own data.
  (func (export "__wasm_apply_data_relocs")
    ;; PyModuleDef.m_name, .m_methods
    (i32.store offset=20 (global.get $base) (i32.add (global.get $base) (i32.const 96)))
    (i32.store offset=32 (global.get $base) (i32.add (global.get $base) (i32.const 56)))
    ;; PyMethodDef.ml_name, .ml_meth
    (i32.store offset=56 (global.get $base) (i32.add (global.get $base) (i32.const 104)))
    (i32.store offset=60 (global.get $base) (global.get $table)))

  ;; PyModuleDef: its reference count, no more; PyMethodDef at 56, its flags METH_O; the names.
  (data (global.get $base)
    "\01\00\00\00" "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00"
    "\00\00\00\00" "\00\00\00\00" "\ff\ff\ff\ff" "\00\00\00\00"
    "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00"
    "\00\00\00\00\00\00\00\00\08\00\00\00\00\00\00\00"
    "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00"
    "_still\00\00" "still\00"))
