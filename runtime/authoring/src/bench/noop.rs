//! A plugin that lets everything pass and reads nothing. What any plugin costs beyond it is the plugin's own doing.
//!
//! It is generated from the contract alone: no SDK and no language stands between it and the host.

use bytes::Bytes;
use sandgate_host::PluginFile;
use serde_json::json;
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_component::StringEncoding;
use wit_parser::Resolve;

use super::super::component;

/// The plugin contract.
const WIT: &str = include_str!("../../../../wit/interceptor.wit");

/// The address of the decision, which is in the module's data: all zero, which means to accept and to proceed.
const DECISION: i32 = 1024;
const DECISION_SIZE: usize = 64;
/// The address to which the settings, `{}`, are written.
const SETTINGS: i32 = 2048;

/// The plugin, with both hooks.
///
/// # Errors
///
/// The plugin cannot be made from this contract.
pub(super) fn noop() -> Result<PluginFile, String> {
    let bytes = component_bytes().map_err(|error| format!("{error:#}"))?;
    PluginFile::read(Bytes::from(bytes)).map_err(|error| error.to_string())
}

fn component_bytes() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("interceptor.wit", WIT)?;
    let world = resolve.select_world(&[package], Some("interceptor"))?;
    let name = &resolve
        .packages
        .get(package)
        .ok_or("the contract is no package")?
        .name;
    let interface = |interface: &str| name.interface_id(interface);
    let mut module = module(&interface);
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    let mut component = component::encode(&module)?;
    let hook = |role: &str| json!({ "type": role, "events": ["*"] });
    let manifest = json!({
        "name": "no-op",
        "version": "0.0.0",
        "hooks": { "pre-call": hook("validation"), "post-call": hook("mutation") },
        "settings": { "type": "object", "additionalProperties": false },
    });
    sandgate_embed::embed(&mut component, &manifest.to_string());
    Ok(component)
}

/// The core module: the functions that say yes, an allocator for the settings, and the imports that drop the two
/// handles.
fn module(interface: &dyn Fn(&str) -> String) -> Vec<u8> {
    use ValType::I32;
    let (drops, answers, allocates) = (0, 1, 2);
    let mut types = TypeSection::new();
    types.ty().function([I32], []);
    types.ty().function([I32, I32], [I32]);
    types.ty().function([I32, I32, I32, I32], [I32]);

    let mut imports = ImportSection::new();
    let call = interface("call");
    imports.import(&call, "[resource-drop]context", EntityType::Function(drops));
    imports.import(
        &call,
        "[resource-drop]document",
        EntityType::Function(drops),
    );

    let mut functions = FunctionSection::new();
    functions
        .function(answers)
        .function(answers)
        .function(allocates);
    let (configure, handle, realloc) = (2, 3, 4);

    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });

    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("cabi_realloc", ExportKind::Func, realloc);
    for (name, function) in [
        ("settings", "configure"),
        ("pre-call", "handle"),
        ("post-call", "handle"),
    ] {
        let index = if name == "settings" {
            configure
        } else {
            handle
        };
        let export = format!("{}#{function}", interface(name));
        exports.export(&export, ExportKind::Func, index);
    }

    let mut code = CodeSection::new();
    let mut function = Function::new([]);
    function.instructions().i32_const(DECISION).end();
    code.function(&function);
    let mut function = Function::new([]);
    let mut body = function.instructions();
    // Borrowed handles must be dropped before the return.
    body.local_get(1).call(1).local_get(0).call(0);
    body.i32_const(DECISION).end();
    code.function(&function);
    let mut function = Function::new([]);
    function.instructions().i32_const(SETTINGS).end();
    code.function(&function);

    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(DECISION), [0; DECISION_SIZE]);

    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code)
        .section(&data);
    module.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_is_a_plugin_of_this_contract_with_both_hooks_and_nothing_else() {
        let file = noop().unwrap();
        assert_eq!(file.manifest().hooks().len(), 2);
        let foreign: Vec<_> = file
            .imports()
            .iter()
            .filter(|import| !import.starts_with("sandgate:interceptor/"))
            .collect();
        assert!(foreign.is_empty(), "{foreign:?}");
    }
}
