/* What hooks see of MCP: params, results, content and definitions, of the protocol's revisions up to 2026-07-28.
 *
 * Of each, what is a text, a number or a truth is a member of a struct, which `sandgate_read` fills; one that is not there keeps what the
 * struct holds. The rest has a pointer, for `sandgate_get` and `sandgate_json_at`. Nothing of a document is lost by reading it so.
 *
 *     sandgate_call_tool_params call = {0};
 *     const char *wrong = sandgate_read(sandgate_json(params), SANDGATE_CALL_TOOL_PARAMS, &call);
 *     sandgate_text arguments = sandgate_get(params, SANDGATE_CALL_TOOL_PARAMS_ARGUMENTS); */

/* Made by sdk/mcp/generate.py from payloads.schema.json: change that and run it. */
#ifndef SANDGATE_MCP_H
#define SANDGATE_MCP_H

#include "sandgate.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For whom something is, and how much it matters. */
typedef struct {
    /* From 0, optional, to 1, required. */
    double priority;
    /* When it changed last, by ISO 8601. */
    sandgate_text last_modified;
} sandgate_annotations;
__attribute__((unused)) static const sandgate_field SANDGATE_ANNOTATIONS[] = {
    SANDGATE_FIELD_AT(sandgate_annotations, priority, "/priority"),
    SANDGATE_FIELD_AT(sandgate_annotations, last_modified, "/lastModified"),
};
/* For whom it is. */
#define SANDGATE_ANNOTATIONS_AUDIENCE "/audience"

/* A picture for user interfaces. */
typedef struct {
    /* Its URI: HTTPS or `data:`. */
    sandgate_text src;
    /* Its MIME type. */
    sandgate_text mime_type;
    /* The background that it is for. */
    sandgate_text theme;
} sandgate_icon;
__attribute__((unused)) static const sandgate_field SANDGATE_ICON[] = {
    SANDGATE_FIELD_AT(sandgate_icon, src, "/src"),
    SANDGATE_FIELD_AT(sandgate_icon, mime_type, "/mimeType"),
    SANDGATE_FIELD_AT(sandgate_icon, theme, "/theme"),
};
/* For example `48x48` or `any`. */
#define SANDGATE_ICON_SIZES "/sizes"

/* Text. */
typedef struct {
    sandgate_text type;
    /* The text itself. */
    sandgate_text text;
} sandgate_text_content;
__attribute__((unused)) static const sandgate_field SANDGATE_TEXT_CONTENT[] = {
    SANDGATE_FIELD_AT(sandgate_text_content, type, "/type"),
    SANDGATE_FIELD_AT(sandgate_text_content, text, "/text"),
};
/* For whom something is, and how much it matters. */
#define SANDGATE_TEXT_CONTENT_ANNOTATIONS "/annotations"
/* What implementations add. */
#define SANDGATE_TEXT_CONTENT_META "/_meta"

/* A picture. */
typedef struct {
    sandgate_text type;
    /* Its bytes, as base64. */
    sandgate_text data;
    /* For example `image/png`. */
    sandgate_text mime_type;
} sandgate_image_content;
__attribute__((unused)) static const sandgate_field SANDGATE_IMAGE_CONTENT[] = {
    SANDGATE_FIELD_AT(sandgate_image_content, type, "/type"),
    SANDGATE_FIELD_AT(sandgate_image_content, data, "/data"),
    SANDGATE_FIELD_AT(sandgate_image_content, mime_type, "/mimeType"),
};
/* For whom something is, and how much it matters. */
#define SANDGATE_IMAGE_CONTENT_ANNOTATIONS "/annotations"
/* What implementations add. */
#define SANDGATE_IMAGE_CONTENT_META "/_meta"

/* Sound. */
typedef struct {
    sandgate_text type;
    /* Its bytes, as base64. */
    sandgate_text data;
    /* For example `audio/wav`. */
    sandgate_text mime_type;
} sandgate_audio_content;
__attribute__((unused)) static const sandgate_field SANDGATE_AUDIO_CONTENT[] = {
    SANDGATE_FIELD_AT(sandgate_audio_content, type, "/type"),
    SANDGATE_FIELD_AT(sandgate_audio_content, data, "/data"),
    SANDGATE_FIELD_AT(sandgate_audio_content, mime_type, "/mimeType"),
};
/* For whom something is, and how much it matters. */
#define SANDGATE_AUDIO_CONTENT_ANNOTATIONS "/annotations"
/* What implementations add. */
#define SANDGATE_AUDIO_CONTENT_META "/_meta"

/* A resource that can be read, named in a content. */
typedef struct {
    sandgate_text type;
    /* The resource's URI. */
    sandgate_text uri;
    /* Its name for programs. */
    sandgate_text name;
    /* Its name for people. */
    sandgate_text title;
    /* What it is; models read it. */
    sandgate_text description;
    /* Its MIME type, where it is known. */
    sandgate_text mime_type;
    /* Bytes, where they are known. */
    int64_t size;
} sandgate_resource_link;
__attribute__((unused)) static const sandgate_field SANDGATE_RESOURCE_LINK[] = {
    SANDGATE_FIELD_AT(sandgate_resource_link, type, "/type"),
    SANDGATE_FIELD_AT(sandgate_resource_link, uri, "/uri"),
    SANDGATE_FIELD_AT(sandgate_resource_link, name, "/name"),
    SANDGATE_FIELD_AT(sandgate_resource_link, title, "/title"),
    SANDGATE_FIELD_AT(sandgate_resource_link, description, "/description"),
    SANDGATE_FIELD_AT(sandgate_resource_link, mime_type, "/mimeType"),
    SANDGATE_FIELD_AT(sandgate_resource_link, size, "/size"),
};
/* A picture for user interfaces. */
#define SANDGATE_RESOURCE_LINK_ICONS "/icons"
/* For whom something is, and how much it matters. */
#define SANDGATE_RESOURCE_LINK_ANNOTATIONS "/annotations"
/* What implementations add. */
#define SANDGATE_RESOURCE_LINK_META "/_meta"

/* A resource's text. */
typedef struct {
    /* The resource's URI. */
    sandgate_text uri;
    /* The text itself. */
    sandgate_text text;
    /* Its MIME type, where it is known. */
    sandgate_text mime_type;
} sandgate_text_resource_contents;
__attribute__((unused)) static const sandgate_field SANDGATE_TEXT_RESOURCE_CONTENTS[] = {
    SANDGATE_FIELD_AT(sandgate_text_resource_contents, uri, "/uri"),
    SANDGATE_FIELD_AT(sandgate_text_resource_contents, text, "/text"),
    SANDGATE_FIELD_AT(sandgate_text_resource_contents, mime_type, "/mimeType"),
};
/* What implementations add. */
#define SANDGATE_TEXT_RESOURCE_CONTENTS_META "/_meta"

/* A resource's bytes. */
typedef struct {
    /* The resource's URI. */
    sandgate_text uri;
    /* The bytes, as base64. */
    sandgate_text blob;
    /* Its MIME type, where it is known. */
    sandgate_text mime_type;
} sandgate_blob_resource_contents;
__attribute__((unused)) static const sandgate_field SANDGATE_BLOB_RESOURCE_CONTENTS[] = {
    SANDGATE_FIELD_AT(sandgate_blob_resource_contents, uri, "/uri"),
    SANDGATE_FIELD_AT(sandgate_blob_resource_contents, blob, "/blob"),
    SANDGATE_FIELD_AT(sandgate_blob_resource_contents, mime_type, "/mimeType"),
};
/* What implementations add. */
#define SANDGATE_BLOB_RESOURCE_CONTENTS_META "/_meta"

/* A resource, within a content. */
typedef struct {
    sandgate_text type;
} sandgate_embedded_resource;
__attribute__((unused)) static const sandgate_field SANDGATE_EMBEDDED_RESOURCE[] = {
    SANDGATE_FIELD_AT(sandgate_embedded_resource, type, "/type"),
};
/* What a resource holds: `text` or `blob` is there. */
#define SANDGATE_EMBEDDED_RESOURCE_RESOURCE "/resource"
/* For whom something is, and how much it matters. */
#define SANDGATE_EMBEDDED_RESOURCE_ANNOTATIONS "/annotations"
/* What implementations add. */
#define SANDGATE_EMBEDDED_RESOURCE_META "/_meta"

/* The params of `tools/call`. */
typedef struct {
    /* The tool's name. */
    sandgate_text name;
    /* What the server gave back to itself. */
    sandgate_text request_state;
} sandgate_call_tool_params;
__attribute__((unused)) static const sandgate_field SANDGATE_CALL_TOOL_PARAMS[] = {
    SANDGATE_FIELD_AT(sandgate_call_tool_params, name, "/name"),
    SANDGATE_FIELD_AT(sandgate_call_tool_params, request_state, "/requestState"),
};
/* What it is called with, by the tool's own `inputSchema`. */
#define SANDGATE_CALL_TOOL_PARAMS_ARGUMENTS "/arguments"
/* Answers to what the server asked for, by name. */
#define SANDGATE_CALL_TOOL_PARAMS_INPUT_RESPONSES "/inputResponses"
/* That it is to run as a task. */
#define SANDGATE_CALL_TOOL_PARAMS_TASK "/task"
/* What implementations add. */
#define SANDGATE_CALL_TOOL_PARAMS_META "/_meta"

/* The result of `tools/call`. */
typedef struct {
    /* The tool failed, and `content` says why. */
    bool is_error;
    /* `complete`, or another kind of result. */
    sandgate_text result_type;
} sandgate_call_tool_result;
__attribute__((unused)) static const sandgate_field SANDGATE_CALL_TOOL_RESULT[] = {
    SANDGATE_FIELD_AT(sandgate_call_tool_result, is_error, "/isError"),
    SANDGATE_FIELD_AT(sandgate_call_tool_result, result_type, "/resultType"),
};
/* What models read. */
#define SANDGATE_CALL_TOOL_RESULT_CONTENT "/content"
/* The same for programs, by the tool's `outputSchema`. */
#define SANDGATE_CALL_TOOL_RESULT_STRUCTURED_CONTENT "/structuredContent"
/* What implementations add. */
#define SANDGATE_CALL_TOOL_RESULT_META "/_meta"

/* What a server says of its tool. Hints: nobody checks them. */
typedef struct {
    /* Its name for people. */
    sandgate_text title;
    /* It changes nothing. */
    bool read_only_hint;
    /* It may destroy something. */
    bool destructive_hint;
    /* Calling it again changes nothing more. */
    bool idempotent_hint;
    /* It reaches out of its own world. */
    bool open_world_hint;
} sandgate_tool_annotations;
__attribute__((unused)) static const sandgate_field SANDGATE_TOOL_ANNOTATIONS[] = {
    SANDGATE_FIELD_AT(sandgate_tool_annotations, title, "/title"),
    SANDGATE_FIELD_AT(sandgate_tool_annotations, read_only_hint, "/readOnlyHint"),
    SANDGATE_FIELD_AT(sandgate_tool_annotations, destructive_hint, "/destructiveHint"),
    SANDGATE_FIELD_AT(sandgate_tool_annotations, idempotent_hint, "/idempotentHint"),
    SANDGATE_FIELD_AT(sandgate_tool_annotations, open_world_hint, "/openWorldHint"),
};

/* The definition of a tool. */
typedef struct {
    /* Its name for programs. */
    sandgate_text name;
    /* Its name for people. */
    sandgate_text title;
    /* What it does; models read it. */
    sandgate_text description;
} sandgate_tool;
__attribute__((unused)) static const sandgate_field SANDGATE_TOOL[] = {
    SANDGATE_FIELD_AT(sandgate_tool, name, "/name"),
    SANDGATE_FIELD_AT(sandgate_tool, title, "/title"),
    SANDGATE_FIELD_AT(sandgate_tool, description, "/description"),
};
/* The JSON Schema of its arguments. */
#define SANDGATE_TOOL_INPUT_SCHEMA "/inputSchema"
/* The JSON Schema of `structuredContent`. */
#define SANDGATE_TOOL_OUTPUT_SCHEMA "/outputSchema"
/* What a server says of its tool. Hints: nobody checks them. */
#define SANDGATE_TOOL_ANNOTATIONS "/annotations"
/* A picture for user interfaces. */
#define SANDGATE_TOOL_ICONS "/icons"
/* How it runs, for example whether as a task. */
#define SANDGATE_TOOL_EXECUTION "/execution"
/* What implementations add. */
#define SANDGATE_TOOL_META "/_meta"

/* The result of `tools/list`. */
typedef struct {
    /* There are more: where they begin. */
    sandgate_text next_cursor;
    /* How long it may be kept, in milliseconds. */
    int64_t ttl_ms;
    /* For whom it may be kept. */
    sandgate_text cache_scope;
    /* `complete`, or another kind of result. */
    sandgate_text result_type;
} sandgate_list_tools_result;
__attribute__((unused)) static const sandgate_field SANDGATE_LIST_TOOLS_RESULT[] = {
    SANDGATE_FIELD_AT(sandgate_list_tools_result, next_cursor, "/nextCursor"),
    SANDGATE_FIELD_AT(sandgate_list_tools_result, ttl_ms, "/ttlMs"),
    SANDGATE_FIELD_AT(sandgate_list_tools_result, cache_scope, "/cacheScope"),
    SANDGATE_FIELD_AT(sandgate_list_tools_result, result_type, "/resultType"),
};
/* The definition of a tool. */
#define SANDGATE_LIST_TOOLS_RESULT_TOOLS "/tools"
/* What implementations add. */
#define SANDGATE_LIST_TOOLS_RESULT_META "/_meta"

/* The definition of a resource. */
typedef struct {
    /* The resource's URI. */
    sandgate_text uri;
    /* Its name for programs. */
    sandgate_text name;
    /* Its name for people. */
    sandgate_text title;
    /* What it is; models read it. */
    sandgate_text description;
    /* Its MIME type, where it is known. */
    sandgate_text mime_type;
    /* Bytes, where they are known. */
    int64_t size;
} sandgate_resource;
__attribute__((unused)) static const sandgate_field SANDGATE_RESOURCE[] = {
    SANDGATE_FIELD_AT(sandgate_resource, uri, "/uri"),
    SANDGATE_FIELD_AT(sandgate_resource, name, "/name"),
    SANDGATE_FIELD_AT(sandgate_resource, title, "/title"),
    SANDGATE_FIELD_AT(sandgate_resource, description, "/description"),
    SANDGATE_FIELD_AT(sandgate_resource, mime_type, "/mimeType"),
    SANDGATE_FIELD_AT(sandgate_resource, size, "/size"),
};
/* A picture for user interfaces. */
#define SANDGATE_RESOURCE_ICONS "/icons"
/* For whom something is, and how much it matters. */
#define SANDGATE_RESOURCE_ANNOTATIONS "/annotations"
/* What implementations add. */
#define SANDGATE_RESOURCE_META "/_meta"

/* The definition of many resources. */
typedef struct {
    /* Their URIs, as a template by RFC 6570. */
    sandgate_text uri_template;
    /* Its name for programs. */
    sandgate_text name;
    /* Its name for people. */
    sandgate_text title;
    /* What they are; models read it. */
    sandgate_text description;
    /* The MIME type of all of them, where they have one. */
    sandgate_text mime_type;
} sandgate_resource_template;
__attribute__((unused)) static const sandgate_field SANDGATE_RESOURCE_TEMPLATE[] = {
    SANDGATE_FIELD_AT(sandgate_resource_template, uri_template, "/uriTemplate"),
    SANDGATE_FIELD_AT(sandgate_resource_template, name, "/name"),
    SANDGATE_FIELD_AT(sandgate_resource_template, title, "/title"),
    SANDGATE_FIELD_AT(sandgate_resource_template, description, "/description"),
    SANDGATE_FIELD_AT(sandgate_resource_template, mime_type, "/mimeType"),
};
/* A picture for user interfaces. */
#define SANDGATE_RESOURCE_TEMPLATE_ICONS "/icons"
/* For whom something is, and how much it matters. */
#define SANDGATE_RESOURCE_TEMPLATE_ANNOTATIONS "/annotations"
/* What implementations add. */
#define SANDGATE_RESOURCE_TEMPLATE_META "/_meta"

/* The result of `resources/list`. */
typedef struct {
    /* There are more: where they begin. */
    sandgate_text next_cursor;
    /* How long it may be kept, in milliseconds. */
    int64_t ttl_ms;
    /* For whom it may be kept. */
    sandgate_text cache_scope;
    /* `complete`, or another kind of result. */
    sandgate_text result_type;
} sandgate_list_resources_result;
__attribute__((unused)) static const sandgate_field SANDGATE_LIST_RESOURCES_RESULT[] = {
    SANDGATE_FIELD_AT(sandgate_list_resources_result, next_cursor, "/nextCursor"),
    SANDGATE_FIELD_AT(sandgate_list_resources_result, ttl_ms, "/ttlMs"),
    SANDGATE_FIELD_AT(sandgate_list_resources_result, cache_scope, "/cacheScope"),
    SANDGATE_FIELD_AT(sandgate_list_resources_result, result_type, "/resultType"),
};
/* The definition of a resource. */
#define SANDGATE_LIST_RESOURCES_RESULT_RESOURCES "/resources"
/* What implementations add. */
#define SANDGATE_LIST_RESOURCES_RESULT_META "/_meta"

/* The result of `resources/templates/list`. */
typedef struct {
    /* There are more: where they begin. */
    sandgate_text next_cursor;
    /* How long it may be kept, in milliseconds. */
    int64_t ttl_ms;
    /* For whom it may be kept. */
    sandgate_text cache_scope;
    /* `complete`, or another kind of result. */
    sandgate_text result_type;
} sandgate_list_resource_templates_result;
__attribute__((unused)) static const sandgate_field SANDGATE_LIST_RESOURCE_TEMPLATES_RESULT[] = {
    SANDGATE_FIELD_AT(sandgate_list_resource_templates_result, next_cursor, "/nextCursor"),
    SANDGATE_FIELD_AT(sandgate_list_resource_templates_result, ttl_ms, "/ttlMs"),
    SANDGATE_FIELD_AT(sandgate_list_resource_templates_result, cache_scope, "/cacheScope"),
    SANDGATE_FIELD_AT(sandgate_list_resource_templates_result, result_type, "/resultType"),
};
/* The definition of many resources. */
#define SANDGATE_LIST_RESOURCE_TEMPLATES_RESULT_RESOURCE_TEMPLATES "/resourceTemplates"
/* What implementations add. */
#define SANDGATE_LIST_RESOURCE_TEMPLATES_RESULT_META "/_meta"

/* The params of `resources/read`. */
typedef struct {
    /* The resource's URI. */
    sandgate_text uri;
    /* What the server gave back to itself. */
    sandgate_text request_state;
} sandgate_read_resource_params;
__attribute__((unused)) static const sandgate_field SANDGATE_READ_RESOURCE_PARAMS[] = {
    SANDGATE_FIELD_AT(sandgate_read_resource_params, uri, "/uri"),
    SANDGATE_FIELD_AT(sandgate_read_resource_params, request_state, "/requestState"),
};
/* Answers to what the server asked for, by name. */
#define SANDGATE_READ_RESOURCE_PARAMS_INPUT_RESPONSES "/inputResponses"
/* What implementations add. */
#define SANDGATE_READ_RESOURCE_PARAMS_META "/_meta"

/* The result of `resources/read`. */
typedef struct {
    /* How long it may be kept, in milliseconds. */
    int64_t ttl_ms;
    /* For whom it may be kept. */
    sandgate_text cache_scope;
    /* `complete`, or another kind of result. */
    sandgate_text result_type;
} sandgate_read_resource_result;
__attribute__((unused)) static const sandgate_field SANDGATE_READ_RESOURCE_RESULT[] = {
    SANDGATE_FIELD_AT(sandgate_read_resource_result, ttl_ms, "/ttlMs"),
    SANDGATE_FIELD_AT(sandgate_read_resource_result, cache_scope, "/cacheScope"),
    SANDGATE_FIELD_AT(sandgate_read_resource_result, result_type, "/resultType"),
};
/* What a resource holds: `text` or `blob` is there. */
#define SANDGATE_READ_RESOURCE_RESULT_CONTENTS "/contents"
/* What implementations add. */
#define SANDGATE_READ_RESOURCE_RESULT_META "/_meta"

/* What a prompt can be given. */
typedef struct {
    /* Its name for programs. */
    sandgate_text name;
    /* Its name for people. */
    sandgate_text title;
    /* What it is; models read it. */
    sandgate_text description;
    /* It has to be given. */
    bool required;
} sandgate_prompt_argument;
__attribute__((unused)) static const sandgate_field SANDGATE_PROMPT_ARGUMENT[] = {
    SANDGATE_FIELD_AT(sandgate_prompt_argument, name, "/name"),
    SANDGATE_FIELD_AT(sandgate_prompt_argument, title, "/title"),
    SANDGATE_FIELD_AT(sandgate_prompt_argument, description, "/description"),
    SANDGATE_FIELD_AT(sandgate_prompt_argument, required, "/required"),
};

/* The definition of a prompt. */
typedef struct {
    /* Its name for programs. */
    sandgate_text name;
    /* Its name for people. */
    sandgate_text title;
    /* What it is for; models read it. */
    sandgate_text description;
} sandgate_prompt;
__attribute__((unused)) static const sandgate_field SANDGATE_PROMPT[] = {
    SANDGATE_FIELD_AT(sandgate_prompt, name, "/name"),
    SANDGATE_FIELD_AT(sandgate_prompt, title, "/title"),
    SANDGATE_FIELD_AT(sandgate_prompt, description, "/description"),
};
/* What a prompt can be given. */
#define SANDGATE_PROMPT_ARGUMENTS "/arguments"
/* A picture for user interfaces. */
#define SANDGATE_PROMPT_ICONS "/icons"
/* What implementations add. */
#define SANDGATE_PROMPT_META "/_meta"

/* One message of a prompt. */
typedef struct {
    /* Who speaks. */
    sandgate_text role;
} sandgate_prompt_message;
__attribute__((unused)) static const sandgate_field SANDGATE_PROMPT_MESSAGE[] = {
    SANDGATE_FIELD_AT(sandgate_prompt_message, role, "/role"),
};
/* One piece of a result or of a prompt; `type` says which. */
#define SANDGATE_PROMPT_MESSAGE_CONTENT "/content"

/* The result of `prompts/list`. */
typedef struct {
    /* There are more: where they begin. */
    sandgate_text next_cursor;
    /* How long it may be kept, in milliseconds. */
    int64_t ttl_ms;
    /* For whom it may be kept. */
    sandgate_text cache_scope;
    /* `complete`, or another kind of result. */
    sandgate_text result_type;
} sandgate_list_prompts_result;
__attribute__((unused)) static const sandgate_field SANDGATE_LIST_PROMPTS_RESULT[] = {
    SANDGATE_FIELD_AT(sandgate_list_prompts_result, next_cursor, "/nextCursor"),
    SANDGATE_FIELD_AT(sandgate_list_prompts_result, ttl_ms, "/ttlMs"),
    SANDGATE_FIELD_AT(sandgate_list_prompts_result, cache_scope, "/cacheScope"),
    SANDGATE_FIELD_AT(sandgate_list_prompts_result, result_type, "/resultType"),
};
/* The definition of a prompt. */
#define SANDGATE_LIST_PROMPTS_RESULT_PROMPTS "/prompts"
/* What implementations add. */
#define SANDGATE_LIST_PROMPTS_RESULT_META "/_meta"

/* The params of `prompts/get`. */
typedef struct {
    /* The prompt's name. */
    sandgate_text name;
    /* What the server gave back to itself. */
    sandgate_text request_state;
} sandgate_get_prompt_params;
__attribute__((unused)) static const sandgate_field SANDGATE_GET_PROMPT_PARAMS[] = {
    SANDGATE_FIELD_AT(sandgate_get_prompt_params, name, "/name"),
    SANDGATE_FIELD_AT(sandgate_get_prompt_params, request_state, "/requestState"),
};
/* What it is given. */
#define SANDGATE_GET_PROMPT_PARAMS_ARGUMENTS "/arguments"
/* Answers to what the server asked for, by name. */
#define SANDGATE_GET_PROMPT_PARAMS_INPUT_RESPONSES "/inputResponses"
/* What implementations add. */
#define SANDGATE_GET_PROMPT_PARAMS_META "/_meta"

/* The result of `prompts/get`. */
typedef struct {
    /* What the prompt is for. */
    sandgate_text description;
    /* `complete`, or another kind of result. */
    sandgate_text result_type;
} sandgate_get_prompt_result;
__attribute__((unused)) static const sandgate_field SANDGATE_GET_PROMPT_RESULT[] = {
    SANDGATE_FIELD_AT(sandgate_get_prompt_result, description, "/description"),
    SANDGATE_FIELD_AT(sandgate_get_prompt_result, result_type, "/resultType"),
};
/* One message of a prompt. */
#define SANDGATE_GET_PROMPT_RESULT_MESSAGES "/messages"
/* What implementations add. */
#define SANDGATE_GET_PROMPT_RESULT_META "/_meta"

#ifdef __cplusplus
}
#endif
#endif
