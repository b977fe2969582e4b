//! What hooks see of MCP: params, results, content and definitions, of the protocol's revisions up to 2026-07-28.
//!
//! Members that are not named here are kept in `unknown`, as the JSON text that they came as, and written again. A member that
//! may be left out is an [`Option`]. What may be anything is JSON text, a [`RawValue`].
//!
//! ```
//! use sandgate_sdk::{Document, Error, PreDecision, mcp};
//!
//! fn pre_call(params: &Document) -> Result<PreDecision, Error> {
//!     let mut call: mcp::CallToolParams = params.parse("")?;
//!     call.name = format!("safe_{}", call.name);
//!     Ok(PreDecision::Replace(call.json()))
//! }
//! ```

// Made by sdk/mcp/generate.py from payloads.schema.json: change that and run it.

mod members;

use std::collections::BTreeMap;

use serde_json::Number;
use serde_json::value::RawValue;

pub use members::Members;
use members::{choice, payload};

payload! {
    /// For whom something is, and how much it matters.
    Annotations {
        /// For whom it is.
        audience: Option<Vec<String>> = "audience" optional;
        /// From 0, optional, to 1, required.
        priority: Option<Number> = "priority" optional;
        /// When it changed last, by ISO 8601.
        last_modified: Option<String> = "lastModified" optional;
    }
}

payload! {
    /// A picture for user interfaces.
    Icon {
        /// Its URI: HTTPS or `data:`.
        src: String = "src" required;
        /// Its MIME type.
        mime_type: Option<String> = "mimeType" optional;
        /// For example `48x48` or `any`.
        sizes: Option<Vec<String>> = "sizes" optional;
        /// The background that it is for.
        theme: Option<String> = "theme" optional;
    }
}

payload! {
    /// Text.
    TextContent {
        = "type" is "text";
        /// The text itself.
        text: String = "text" required;
        /// For whom something is, and how much it matters.
        annotations: Option<Annotations> = "annotations" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// A picture.
    ImageContent {
        = "type" is "image";
        /// Its bytes, as base64.
        data: String = "data" required;
        /// For example `image/png`.
        mime_type: String = "mimeType" required;
        /// For whom something is, and how much it matters.
        annotations: Option<Annotations> = "annotations" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// Sound.
    AudioContent {
        = "type" is "audio";
        /// Its bytes, as base64.
        data: String = "data" required;
        /// For example `audio/wav`.
        mime_type: String = "mimeType" required;
        /// For whom something is, and how much it matters.
        annotations: Option<Annotations> = "annotations" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// A resource that can be read, named in a content.
    ResourceLink {
        = "type" is "resource_link";
        /// The resource's URI.
        uri: String = "uri" required;
        /// Its name for programs.
        name: String = "name" required;
        /// Its name for people.
        title: Option<String> = "title" optional;
        /// What it is; models read it.
        description: Option<String> = "description" optional;
        /// Its MIME type, where it is known.
        mime_type: Option<String> = "mimeType" optional;
        /// Bytes, where they are known.
        size: Option<Number> = "size" optional;
        /// A picture for user interfaces.
        icons: Option<Vec<Icon>> = "icons" optional;
        /// For whom something is, and how much it matters.
        annotations: Option<Annotations> = "annotations" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// A resource's text.
    TextResourceContents {
        /// The resource's URI.
        uri: String = "uri" required;
        /// The text itself.
        text: String = "text" required;
        /// Its MIME type, where it is known.
        mime_type: Option<String> = "mimeType" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// A resource's bytes.
    BlobResourceContents {
        /// The resource's URI.
        uri: String = "uri" required;
        /// The bytes, as base64.
        blob: String = "blob" required;
        /// Its MIME type, where it is known.
        mime_type: Option<String> = "mimeType" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

choice! {
    /// What a resource holds: `text` or `blob` is there.
    ResourceContents: TextResourceContents, BlobResourceContents
}

payload! {
    /// A resource, within a content.
    EmbeddedResource {
        = "type" is "resource";
        /// What a resource holds: `text` or `blob` is there.
        resource: ResourceContents = "resource" required;
        /// For whom something is, and how much it matters.
        annotations: Option<Annotations> = "annotations" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

choice! {
    /// One piece of a result or of a prompt; `type` says which.
    ContentBlock: TextContent, ImageContent, AudioContent, ResourceLink, EmbeddedResource
}

payload! {
    /// The params of `tools/call`.
    CallToolParams {
        /// The tool's name.
        name: String = "name" required;
        /// What it is called with, by the tool's own `inputSchema`.
        arguments: Option<Box<RawValue>> = "arguments" optional;
        /// Answers to what the server asked for, by name.
        input_responses: Option<Box<RawValue>> = "inputResponses" optional;
        /// What the server gave back to itself.
        request_state: Option<String> = "requestState" optional;
        /// That it is to run as a task.
        task: Option<Box<RawValue>> = "task" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The result of `tools/call`.
    CallToolResult {
        /// What models read.
        content: Vec<ContentBlock> = "content" required;
        /// The same for programs, by the tool's `outputSchema`.
        structured_content: Option<Box<RawValue>> = "structuredContent" optional;
        /// The tool failed, and `content` says why.
        is_error: Option<bool> = "isError" optional;
        /// `complete`, or another kind of result.
        result_type: Option<String> = "resultType" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// What a server says of its tool. Hints: nobody checks them.
    ToolAnnotations {
        /// Its name for people.
        title: Option<String> = "title" optional;
        /// It changes nothing.
        read_only_hint: Option<bool> = "readOnlyHint" optional;
        /// It may destroy something.
        destructive_hint: Option<bool> = "destructiveHint" optional;
        /// Calling it again changes nothing more.
        idempotent_hint: Option<bool> = "idempotentHint" optional;
        /// It reaches out of its own world.
        open_world_hint: Option<bool> = "openWorldHint" optional;
    }
}

payload! {
    /// The definition of a tool.
    Tool {
        /// Its name for programs.
        name: String = "name" required;
        /// Its name for people.
        title: Option<String> = "title" optional;
        /// What it does; models read it.
        description: Option<String> = "description" optional;
        /// The JSON Schema of its arguments.
        input_schema: Box<RawValue> = "inputSchema" required;
        /// The JSON Schema of `structuredContent`.
        output_schema: Option<Box<RawValue>> = "outputSchema" optional;
        /// What a server says of its tool. Hints: nobody checks them.
        annotations: Option<ToolAnnotations> = "annotations" optional;
        /// A picture for user interfaces.
        icons: Option<Vec<Icon>> = "icons" optional;
        /// How it runs, for example whether as a task.
        execution: Option<Box<RawValue>> = "execution" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The result of `tools/list`.
    ListToolsResult {
        /// The definition of a tool.
        tools: Vec<Tool> = "tools" required;
        /// There are more: where they begin.
        next_cursor: Option<String> = "nextCursor" optional;
        /// How long it may be kept, in milliseconds.
        ttl_ms: Option<Number> = "ttlMs" optional;
        /// For whom it may be kept.
        cache_scope: Option<String> = "cacheScope" optional;
        /// `complete`, or another kind of result.
        result_type: Option<String> = "resultType" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The definition of a resource.
    Resource {
        /// The resource's URI.
        uri: String = "uri" required;
        /// Its name for programs.
        name: String = "name" required;
        /// Its name for people.
        title: Option<String> = "title" optional;
        /// What it is; models read it.
        description: Option<String> = "description" optional;
        /// Its MIME type, where it is known.
        mime_type: Option<String> = "mimeType" optional;
        /// Bytes, where they are known.
        size: Option<Number> = "size" optional;
        /// A picture for user interfaces.
        icons: Option<Vec<Icon>> = "icons" optional;
        /// For whom something is, and how much it matters.
        annotations: Option<Annotations> = "annotations" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The definition of many resources.
    ResourceTemplate {
        /// Their URIs, as a template by RFC 6570.
        uri_template: String = "uriTemplate" required;
        /// Its name for programs.
        name: String = "name" required;
        /// Its name for people.
        title: Option<String> = "title" optional;
        /// What they are; models read it.
        description: Option<String> = "description" optional;
        /// The MIME type of all of them, where they have one.
        mime_type: Option<String> = "mimeType" optional;
        /// A picture for user interfaces.
        icons: Option<Vec<Icon>> = "icons" optional;
        /// For whom something is, and how much it matters.
        annotations: Option<Annotations> = "annotations" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The result of `resources/list`.
    ListResourcesResult {
        /// The definition of a resource.
        resources: Vec<Resource> = "resources" required;
        /// There are more: where they begin.
        next_cursor: Option<String> = "nextCursor" optional;
        /// How long it may be kept, in milliseconds.
        ttl_ms: Option<Number> = "ttlMs" optional;
        /// For whom it may be kept.
        cache_scope: Option<String> = "cacheScope" optional;
        /// `complete`, or another kind of result.
        result_type: Option<String> = "resultType" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The result of `resources/templates/list`.
    ListResourceTemplatesResult {
        /// The definition of many resources.
        resource_templates: Vec<ResourceTemplate> = "resourceTemplates" required;
        /// There are more: where they begin.
        next_cursor: Option<String> = "nextCursor" optional;
        /// How long it may be kept, in milliseconds.
        ttl_ms: Option<Number> = "ttlMs" optional;
        /// For whom it may be kept.
        cache_scope: Option<String> = "cacheScope" optional;
        /// `complete`, or another kind of result.
        result_type: Option<String> = "resultType" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The params of `resources/read`.
    ReadResourceParams {
        /// The resource's URI.
        uri: String = "uri" required;
        /// Answers to what the server asked for, by name.
        input_responses: Option<Box<RawValue>> = "inputResponses" optional;
        /// What the server gave back to itself.
        request_state: Option<String> = "requestState" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The result of `resources/read`.
    ReadResourceResult {
        /// What a resource holds: `text` or `blob` is there.
        contents: Vec<ResourceContents> = "contents" required;
        /// How long it may be kept, in milliseconds.
        ttl_ms: Option<Number> = "ttlMs" optional;
        /// For whom it may be kept.
        cache_scope: Option<String> = "cacheScope" optional;
        /// `complete`, or another kind of result.
        result_type: Option<String> = "resultType" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// What a prompt can be given.
    PromptArgument {
        /// Its name for programs.
        name: String = "name" required;
        /// Its name for people.
        title: Option<String> = "title" optional;
        /// What it is; models read it.
        description: Option<String> = "description" optional;
        /// It has to be given.
        required: Option<bool> = "required" optional;
    }
}

payload! {
    /// The definition of a prompt.
    Prompt {
        /// Its name for programs.
        name: String = "name" required;
        /// Its name for people.
        title: Option<String> = "title" optional;
        /// What it is for; models read it.
        description: Option<String> = "description" optional;
        /// What a prompt can be given.
        arguments: Option<Vec<PromptArgument>> = "arguments" optional;
        /// A picture for user interfaces.
        icons: Option<Vec<Icon>> = "icons" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// One message of a prompt.
    PromptMessage {
        /// Who speaks.
        role: String = "role" required;
        /// One piece of a result or of a prompt; `type` says which.
        content: ContentBlock = "content" required;
    }
}

payload! {
    /// The result of `prompts/list`.
    ListPromptsResult {
        /// The definition of a prompt.
        prompts: Vec<Prompt> = "prompts" required;
        /// There are more: where they begin.
        next_cursor: Option<String> = "nextCursor" optional;
        /// How long it may be kept, in milliseconds.
        ttl_ms: Option<Number> = "ttlMs" optional;
        /// For whom it may be kept.
        cache_scope: Option<String> = "cacheScope" optional;
        /// `complete`, or another kind of result.
        result_type: Option<String> = "resultType" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The params of `prompts/get`.
    GetPromptParams {
        /// The prompt's name.
        name: String = "name" required;
        /// What it is given.
        arguments: Option<BTreeMap<String, String>> = "arguments" optional;
        /// Answers to what the server asked for, by name.
        input_responses: Option<Box<RawValue>> = "inputResponses" optional;
        /// What the server gave back to itself.
        request_state: Option<String> = "requestState" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}

payload! {
    /// The result of `prompts/get`.
    GetPromptResult {
        /// What the prompt is for.
        description: Option<String> = "description" optional;
        /// One message of a prompt.
        messages: Vec<PromptMessage> = "messages" required;
        /// `complete`, or another kind of result.
        result_type: Option<String> = "resultType" optional;
        /// What implementations add.
        meta: Option<Box<RawValue>> = "_meta" optional;
    }
}
