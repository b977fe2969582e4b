//! WebAssembly interceptors: prepared once, a fresh instance for every hook run.
