//! An MCP gateway whose every policy is a sandboxed WebAssembly component.
