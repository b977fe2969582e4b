/* Write Sandgate interceptors in C: define `sandgate_pre_call`, `sandgate_post_call` or both, and
 * `sandgate_configure` where there is something to set. Hooks that are not defined let everything pass.
 *
 *     #include "sandgate.h"
 *
 *     sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
 *         if (sandgate_texts_contain(params, "rm -rf")) {
 *             return sandgate_refuse("command.destructive", "destructive command");
 *         }
 *         return sandgate_proceed();
 *     }
 *
 * Memory: every hook run is an instance of its own that is thrown away with everything in it, so nothing has to be
 * freed. Texts that are handed to a function are copied where they are kept. What runs out of memory aborts, which is a
 * malfunction and never a pass. */
#ifndef SANDGATE_H
#define SANDGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SANDGATE_SDK_VERSION "0.1.0"

/* UTF-8 text. Not ended by a NUL, and may hold some. `bytes` is NULL where there is none at all. */
typedef struct {
    const char *bytes;
    size_t length;
} sandgate_text;

/* Text that grows. Begin with `{0}`. */
typedef struct {
    char *bytes;
    size_t length, room;
} sandgate_buffer;

/* Who calls what. Valid during the hook run. */
typedef struct {
    int32_t handle;
} sandgate_context;

/* A JSON document, which stays in the gateway: only what is read crosses over. Valid during the hook run. */
typedef struct {
    int32_t handle;
} sandgate_document;

/* What a hook decides. Made by the functions below. */
typedef struct {
    enum {
        SANDGATE_PROCEED,
        SANDGATE_EDIT,
        SANDGATE_REPLACE,
        SANDGATE_ANSWER,
        SANDGATE_REFUSE,
        SANDGATE_ERROR
    } kind;
    sandgate_text text, message, pointer, details;
    /* Of an error: where it was made. */
    sandgate_text frame;
    struct sandgate_edits *edits;
} sandgate_decision;

/* ---- what a plugin defines ---- */

/* Before a request or notification goes on. */
sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params);
/* On the reply, before its asker sees it. To answer is an error here. */
sandgate_decision sandgate_post_call(sandgate_context context, sandgate_document reply);
/* Once, when the gateway prepares the plugin: every run starts from the memory that it left. `settings` is JSON text that
 * fits the schema in plugin.toml. Returns NULL, or what is wrong with the settings. */
const char *sandgate_configure(sandgate_text settings);

/* ---- decisions ---- */

/* It goes on as it is. */
sandgate_decision sandgate_proceed(void);
/* It does not go on. `code` is stable and machine-readable; `message` is for people and never repeats the payload. */
sandgate_decision sandgate_refuse(const char *code, const char *message);
/* It goes on with this JSON text instead. */
sandgate_decision sandgate_replace(sandgate_text json);
/* In a pre-call: this JSON text stands in for the server's result. */
sandgate_decision sandgate_answer(sandgate_text json);
/* A malfunction, which the operator's failure policy answers. The operator is told its file, line and function; the
 * message, which may repeat the payload, only where `fault-detail = true`. */
#define sandgate_error(message) sandgate_error_at(__FILE__, __LINE__, __func__, message)
sandgate_decision sandgate_error_at(const char *file, int line, const char *function, const char *message);

/* ---- edits ---- */

/* Gives the new text in `changed` and true, or false where the text stays. */
typedef bool (*sandgate_change)(sandgate_text text, sandgate_buffer *changed, void *user);
/* Lets `change` see each text that people or models read: the smallest edits that put its changes into effect, or to
 * proceed where there are none. */
sandgate_decision sandgate_map_texts(sandgate_document document, sandgate_change change, void *user);
/* Adds an edit to a decision to proceed or to edit: replaces the value at an RFC 6901 pointer, adds a member, or appends
 * (`/-`). `json` is JSON text. */
void sandgate_set(sandgate_decision *decision, const char *pointer, sandgate_text json);
/* Likewise: the value at this pointer goes. */
void sandgate_remove(sandgate_decision *decision, const char *pointer);

/* ---- documents ---- */

/* The whole document as JSON text. */
sandgate_text sandgate_json(sandgate_document document);
/* The value at an RFC 6901 pointer as JSON text; none where nothing stands. */
sandgate_text sandgate_get(sandgate_document document, const char *pointer);
/* Whether one of the texts that people or models read contains this. */
bool sandgate_texts_contain(sandgate_document document, const char *needle);

/* ---- context ---- */

/* MCP method, for example `tools/call`. */
sandgate_text sandgate_method(sandgate_context context);
/* The server's name in the gateway's configuration. */
sandgate_text sandgate_server(sandgate_context context);
/* Tool or prompt name or resource URI. */
sandgate_text sandgate_target(sandgate_context context);
/* The authenticated caller; none when anonymous. */
sandgate_text sandgate_principal(sandgate_context context);
/* By name, for example `client.name`; `groups` is a JSON array. */
sandgate_text sandgate_attribute(sandgate_context context, const char *name);
/* In a post-call: the reply is a JSON-RPC error. */
bool sandgate_failed(sandgate_context context);

/* Leaves a note for this plugin's post-call of the same exchange, which runs in another instance. */
void sandgate_carry(sandgate_context context, sandgate_text note);
/* In a post-call: the note that the pre-call left; none where it left none. */
sandgate_text sandgate_carried(sandgate_context context);

/* ---- memory between calls: false without the grant, over the quota, or when it is unavailable ---- */

/* What stands under the key; none where nothing does. */
bool sandgate_state_get(const char *key, sandgate_text *value);
/* `ttl_ms` 0: until it is deleted. */
bool sandgate_state_set(const char *key, sandgate_text value, uint64_t ttl_ms);
bool sandgate_state_delete(const char *key);
/* A counter; its TTL is set when it is made, so that it is a window. 0: without one. */
bool sandgate_state_increment(const char *key, int64_t by, uint64_t ttl_ms, int64_t *now);

/* ---- what is noticed ---- */

typedef enum { SANDGATE_INFO, SANDGATE_WARN, SANDGATE_SEVERE } sandgate_severity;
/* Records a finding about the document of this hook; it blocks nothing. Never repeat the payload. */
void sandgate_find(const char *rule, sandgate_severity severity, const char *message);
/* A line in the gateway's log. */
void sandgate_log(sandgate_severity level, const char *message);

/* ---- texts ---- */

/* Of a C string, which is not copied. */
sandgate_text sandgate_text_of(const char *string);
/* Appends. */
void sandgate_add(sandgate_buffer *buffer, const char *bytes, size_t length);

#endif
