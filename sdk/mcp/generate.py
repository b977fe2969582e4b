"""Writes the SDKs' types of MCP's payloads from `payloads.schema.json`, each below the folder given (the repository, where none
is): `python3 sdk/mcp/generate.py`. A test compares what it writes with what is kept."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCHEMA: dict[str, dict[str, Any]] = json.loads((HERE / "payloads.schema.json").read_text("utf-8"))["$defs"]
MADE = "Made by sdk/mcp/generate.py from payloads.schema.json: change that and run it."
WHAT = "What hooks see of MCP: params, results, content and definitions, of the protocol's revisions up to 2026-07-28."


def members(name: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Name, schema and whether every revision requires it, of each member of a definition."""
    made = SCHEMA[name]
    for member, schema in made["properties"].items():
        yield member, schema, member in made.get("required", ())


def target(schema: dict[str, Any]) -> str:
    """The definition that a reference names."""
    return str(schema["$ref"]).removeprefix("#/$defs/")


def described(schema: dict[str, Any]) -> str:
    """The description; of a reference without one, its definition's."""
    of = schema.get("items", schema)
    return str(schema.get("description") or (described(SCHEMA[target(of)]) if "$ref" in of else ""))


def python() -> str:
    lines = [f'"""{WHAT}', "", "A payload is a dict, so members that are not named here stay as they are:", ""]
    lines += [">>> from sandgate import mcp, testing", '>>> params = testing.document({"name": "search", "arguments": {"q": "x"}, "new": 1})']
    lines += [">>> call: mcp.CallToolParams = params.json()", '>>> call["name"], call.get("arguments")', "('search', {'q': 'x'})"]
    lines += ['"""', "", f"# {MADE}", "", "from typing import Any, Literal, NotRequired, TypedDict"]

    def type_of(schema: dict[str, Any]) -> str:
        if "$ref" in schema:
            return target(schema)
        if "const" in schema or "enum" in schema:
            return f"Literal[{', '.join(json.dumps(word) for word in schema.get('enum', [schema.get('const')]))}]"
        match schema.get("type"):
            case "array":
                return f"list[{type_of(schema['items'])}]"
            case "object":
                return f"dict[str, {type_of(schema.get('additionalProperties', {}))}]"
            case kind:
                return {"string": "str", "integer": "int", "number": "float", "boolean": "bool", None: "Any"}[kind]

    for name, made in SCHEMA.items():
        if "anyOf" in made:
            lines += ["", "", f"{name} = {' | '.join(map(target, made['anyOf']))}", f'"""{made["description"]}"""']
            continue
        lines += ["", "", f"class {name}(TypedDict):", f'    """{made["description"]}"""', ""]
        for member, schema, required in members(name):
            lines.append(f"    {member}: {type_of(schema) if required else f'NotRequired[{type_of(schema)}]'}")
            if text := schema.get("description"):
                lines.append(f'    """{text}"""')
    return "\n".join(lines) + "\n"


def typescript() -> str:
    lines = ["/**", f" * {WHAT}", " * Members that are not named here stay as they are.", " *", " * ```ts", ' * import { type mcp, on, plugin } from "sandgate";']
    lines += [" *", " * plugin({", ' *   preCall: on("tools/call", (ctx, params) => {', " *     const { name, arguments: given } = params.json<mcp.CallToolParams>();"]
    lines += [" *     void [name, given];", " *   }),", " * });", " * ```", " */", "", f"// {MADE}"]

    def type_of(schema: dict[str, Any]) -> str:
        if "$ref" in schema:
            return target(schema)
        if "const" in schema or "enum" in schema:
            return " | ".join(json.dumps(word) for word in schema.get("enum", [schema.get("const")]))
        match schema.get("type"):
            case "array":
                inner = type_of(schema["items"])
                return f"({inner})[]" if "|" in inner else f"{inner}[]"
            case "object":
                return f"{{ [name: string]: {type_of(schema.get('additionalProperties', {}))} }}"
            case kind:
                return {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", None: "unknown"}[kind]

    for name, made in SCHEMA.items():
        lines += ["", f"/** {made['description']} */"]
        if "anyOf" in made:
            lines.append(f"export type {name} = {' | '.join(map(target, made['anyOf']))};")
            continue
        lines.append(f"export interface {name} {{")
        for member, schema, required in members(name):
            if text := schema.get("description"):
                lines.append(f"  /** {text} */")
            lines.append(f"  {member}{'' if required else '?'}: {type_of(schema)};")
        lines += ["  /** What is not named above. */", "  [member: string]: unknown;", "}"]
    return "\n".join(lines) + "\n"


INITIALS = {"uri": "URI", "_meta": "Meta", "mimeType": "MIMEType", "uriTemplate": "URITemplate", "ttlMs": "TTLMs"}


def go() -> str:
    lines = [f"// Package mcp is {WHAT[0].lower()}{WHAT[1:]}", "//", "//\tvar call mcp.CallToolParams", '//\tif err := params.Decode("", &call); err != nil {', "//\t\treturn nil, err", "//\t}"]
    lines += ["//", "// Members that are not named here are kept in Unknown and written again. A member that may be left out is a pointer, a slice or a", "// map; nil is not there. What may be anything is JSON text."]
    lines += ["package mcp", "", f"// {MADE}", "", 'import "encoding/json"']

    def type_of(schema: dict[str, Any], required: bool) -> str:
        if "$ref" in schema:
            return target(schema) if required else f"*{target(schema)}"
        match schema.get("type"):
            case "array":
                return f"[]{type_of(schema['items'], True)}"
            case "object" if "additionalProperties" in schema:
                return f"map[string]{type_of(schema['additionalProperties'], True)}"
            case "object":
                return "json.RawMessage"
            case kind if kind in ("string", "boolean", "integer", "number") or "enum" in schema or "const" in schema:
                plain = {"boolean": "bool", "integer": "json.Number", "number": "json.Number"}.get(str(kind), "string")
                return plain if required else f"*{plain}"
            case _:
                return "json.RawMessage"

    merged = {part for made in SCHEMA.values() for part in map(target, made.get("anyOf", ()))}
    for name, made in SCHEMA.items():
        if name in merged:
            continue
        lines += ["", f"// {name} is {made['description'][0].lower()}{made['description'][1:]}", f"type {name} struct {{"]
        parts = [target(one) for one in made["anyOf"]] if "anyOf" in made else [name]
        known: dict[str, tuple[dict[str, Any], bool]] = {}
        for part in parts:
            for member, schema, required in members(part):
                everywhere = all(member in SCHEMA[one].get("required", ()) for one in parts)
                known.setdefault(member, (schema, required and everywhere))
        for member, (schema, required) in known.items():
            words = INITIALS.get(member, member[0].upper() + member[1:])
            if text := described({} if "const" in schema else schema):
                lines.append(f"\t// {text}")
            elif "const" in schema:
                lines.append("\t// Which of them it is.")
            tag = member if required else f"{member},omitzero"
            lines.append(f'\t{words} {type_of(schema, required)} `json:"{tag}"`')
        lines += ["\t// What is not named above, by name.", "\tUnknown map[string]json.RawMessage `json:\"-\"`", "}"]
        lines += ["", f"func (v *{name}) UnmarshalJSON(text []byte) error {{", f"\ttype plain {name}", "\treturn read(text, (*plain)(v), &v.Unknown)", "}"]
        lines += ["", f"func (v {name}) MarshalJSON() ([]byte, error) {{", f"\ttype plain {name}", "\treturn written(plain(v), v.Unknown)", "}"]
    return "\n".join(lines) + "\n"


def c() -> str:
    lines = [f"/* {WHAT}", " *", " * Of each, what is a text, a number or a truth is a member of a struct, which `sandgate_read` fills; one that is not there keeps what the", " * struct holds. The rest has a pointer, for `sandgate_get` and `sandgate_json_at`. Nothing of a document is lost by reading it so.", " *"]
    lines += [" *     sandgate_call_tool_params call = {0};", " *     const char *wrong = sandgate_read(sandgate_json(params), SANDGATE_CALL_TOOL_PARAMS, &call);", " *     sandgate_text arguments = sandgate_get(params, SANDGATE_CALL_TOOL_PARAMS_ARGUMENTS); */", "", f"/* {MADE} */"]
    lines += ["#ifndef SANDGATE_MCP_H", "#define SANDGATE_MCP_H", "", '#include "sandgate.h"', "", "#ifdef __cplusplus", 'extern "C" {', "#endif"]
    kinds = {"string": "sandgate_text", "integer": "int64_t", "number": "double", "boolean": "bool"}

    def kind(schema: dict[str, Any]) -> str | None:
        return "sandgate_text" if "enum" in schema or "const" in schema else kinds.get(str(schema.get("type")))

    def low(name: str) -> str:
        return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower().lstrip("_")

    for name, made in SCHEMA.items():
        if "anyOf" in made:
            continue
        own = low(name)
        held = [(member, schema) for member, schema, _ in members(name) if kind(schema)]
        lines += ["", f"/* {made['description']} */", "typedef struct {"]
        for member, schema in held:
            if text := schema.get("description"):
                lines.append(f"    /* {text} */")
            lines.append(f"    {kind(schema)} {low(member)};")
        lines += [f"}} sandgate_{own};", f"__attribute__((unused)) static const sandgate_field SANDGATE_{own.upper()}[] = {{"]
        lines += [f'    SANDGATE_FIELD_AT(sandgate_{own}, {low(member)}, "/{member}"),' for member, _ in held]
        lines.append("};")
        for member, schema, _ in members(name):
            if not kind(schema):
                lines += [f"/* {described(schema)} */"] if described(schema) else []
                lines.append(f'#define SANDGATE_{own.upper()}_{low(member).upper()} "/{member}"')
    return "\n".join([*lines, "", "#ifdef __cplusplus", "}", "#endif", "#endif"]) + "\n"


def rust() -> str:
    lines = [f"//! {WHAT}", "//!", "//! Members that are not named here are kept in `unknown`, as the JSON text that they came as, and written again. A member that", "//! may be left out is an [`Option`]. What may be anything is JSON text, a [`RawValue`]."]
    lines += ["//!", "//! ```", "//! use sandgate_sdk::{Document, Error, PreDecision, mcp};", "//!", "//! fn pre_call(params: &Document) -> Result<PreDecision, Error> {", '//!     let mut call: mcp::CallToolParams = params.parse("")?;', '//!     call.name = format!("safe_{}", call.name);', "//!     Ok(PreDecision::Replace(call.json()))", "//! }", "//! ```"]
    lines += ["", f"// {MADE}", "", "mod members;", "", "use std::collections::BTreeMap;", "", "use serde_json::Number;", "use serde_json::value::RawValue;", "", "pub use members::Members;", "use members::{choice, payload};"]

    def type_of(schema: dict[str, Any]) -> str:
        if "$ref" in schema:
            return target(schema)
        if "enum" in schema:
            return "String"
        match schema.get("type"):
            case "array":
                return f"Vec<{type_of(schema['items'])}>"
            case "object" if "additionalProperties" in schema:
                return f"BTreeMap<String, {type_of(schema['additionalProperties'])}>"
            case kind:
                return {"string": "String", "integer": "Number", "number": "Number", "boolean": "bool"}.get(str(kind), "Box<RawValue>")

    def low(name: str) -> str:
        return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower().lstrip("_")

    for name, made in SCHEMA.items():
        if "anyOf" in made:
            lines += ["", "choice! {", f"    /// {made['description']}", f"    {name}: {', '.join(map(target, made['anyOf']))}", "}"]
            continue
        lines += ["", "payload! {", f"    /// {made['description']}", f"    {name} {{"]
        for member, schema, required in members(name):
            if "const" in schema:
                lines.append(f'        = "{member}" is "{schema["const"]}";')
                continue
            lines.append(f"        /// {described(schema) or 'As the protocol has it.'}")
            lines.append(f'        {low(member)}: {type_of(schema) if required else f"Option<{type_of(schema)}>"} = "{member}" {"required" if required else "optional"};')
        lines += ["    }", "}"]
    return "\n".join(lines) + "\n"


FILES: dict[str, Callable[[], str]] = {
    "sdk/python/sandgate/mcp.py": python,
    "sdk/js/src/mcp.ts": typescript,
    "sdk/go/mcp/mcp.go": go,
    "sdk/c/sandgate_mcp.h": c,
    "sdk/rust/src/mcp.rs": rust,
}

if __name__ == "__main__":
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parents[1]
    for path, make in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(make(), "utf-8")
