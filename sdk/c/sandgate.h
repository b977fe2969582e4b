/* Write Sandgate interceptors in C: define `sandgate_pre_call`, `sandgate_post_call` or both, and
 * `sandgate_configure` where there is something to set. A hook that the manifest has and the plugin does not define is an
 * undefined symbol when it is built.
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

#ifdef __cplusplus
extern "C" {
#endif

#define SANDGATE_SDK_VERSION "0.1.0"

/* UTF-8 text. Not ended by a NUL, and may hold some. `bytes` is NULL where there is none at all. */
typedef struct {
    const char *bytes;
    size_t length;
} sandgate_text;

/* Several of them. */
typedef struct {
    const sandgate_text *all;
    size_t count;
} sandgate_list;

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
/* The same, with what it is about as a JSON Pointer, and JSON text for programs, for example `{"retryAfterMs": 1500}`; `{0}`
 * for either where there is none. */
sandgate_decision sandgate_refuse_at(
    const char *code, const char *message, sandgate_text pointer, sandgate_text details);
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

/* Bytes of JSON text. */
uint64_t sandgate_size(sandgate_document document);
/* The whole document as JSON text. */
sandgate_text sandgate_json(sandgate_document document);
/* The value at an RFC 6901 pointer as JSON text; none where nothing stands. */
sandgate_text sandgate_get(sandgate_document document, const char *pointer);
/* Whether one of the texts that people or models read contains this. */
bool sandgate_texts_contain(sandgate_document document, const char *needle);
/* The string values that people or models read, in document order. Left out: protocol machinery (cursors, `requestState`,
 * ids, MIME types) and base64 payloads (`data`, `blob`). */
sandgate_list sandgate_texts(sandgate_document document);
/* Every string value, nothing left out. */
sandgate_list sandgate_strings(sandgate_document document);
/* Every member name, in document order. */
sandgate_list sandgate_keys(sandgate_document document);
/* Where the n-th of `sandgate_texts` or `sandgate_strings` stands; none where there are fewer. */
sandgate_text sandgate_text_pointer(sandgate_document document, uint32_t index);
sandgate_text sandgate_string_pointer(sandgate_document document, uint32_t index);

/* ---- context ---- */

/* The same for the request and its reply, and in the call log. */
sandgate_text sandgate_id(sandgate_context context);
/* `client-to-server` or `server-to-client`. */
sandgate_text sandgate_direction(sandgate_context context);
/* MCP method, for example `tools/call`. */
sandgate_text sandgate_method(sandgate_context context);
/* The server's name in the gateway's configuration. */
sandgate_text sandgate_server(sandgate_context context);
/* Tool or prompt name or resource URI. */
sandgate_text sandgate_target(sandgate_context context);
/* The authenticated caller; none when anonymous. */
sandgate_text sandgate_principal(sandgate_context context);
/* A keyed pseudonym of the conversation; none where the protocol has none. */
sandgate_text sandgate_session(sandgate_context context);
/* The definition that the server gave of the target (description, schemas, annotations) as JSON text; none where it gave
 * none. */
sandgate_text sandgate_definition(sandgate_context context);
/* By name, for example `client.name` or `protocol.version`. */
sandgate_text sandgate_attribute(sandgate_context context, const char *name);
/* The caller's groups. */
sandgate_list sandgate_groups(sandgate_context context);
/* In a post-call: the params as they were sent. False where the gateway cannot know them. */
bool sandgate_params(sandgate_context context, sandgate_document *params);
/* In a post-call: the reply is a JSON-RPC error. */
bool sandgate_failed(sandgate_context context);
/* Microseconds left for this hook run. */
uint64_t sandgate_remaining_us(sandgate_context context);

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
/* Sets only where `expected` (none: nothing) still stands; `set` is false where it does not. */
bool sandgate_state_compare_and_set(
    const char *key, sandgate_text expected, sandgate_text value, uint64_t ttl_ms, bool *set);
/* Why the last of these failed: `denied`, `quota` or the gateway's words; NULL where none did. */
const char *sandgate_state_failure(void);

/* ---- what is noticed ---- */

typedef enum { SANDGATE_INFO, SANDGATE_WARN, SANDGATE_SEVERE } sandgate_severity;
/* Records a finding about the document of this hook; it blocks nothing. Never repeat the payload. */
void sandgate_find(const char *rule, sandgate_severity severity, const char *message);
/* A finding with more to say. What is left out is none. */
typedef struct {
    const char *rule, *message;
    sandgate_severity severity;
    /* Where, as a JSON Pointer. */
    sandgate_text pointer;
    /* JSON text for programs, for example `{"entity": "email"}`. */
    sandgate_text details;
    /* In a post-call: it is about the params, not the reply. */
    bool in_params;
} sandgate_finding;
void sandgate_report(sandgate_finding finding);

typedef enum {
    SANDGATE_LOG_TRACE,
    SANDGATE_LOG_DEBUG,
    SANDGATE_LOG_INFO,
    SANDGATE_LOG_WARN,
    SANDGATE_LOG_ERROR
} sandgate_level;
/* A line in the gateway's log. It outlives the call: never repeat the payload. */
void sandgate_log(sandgate_level level, const char *message);

/* ---- JSON text: settings, and what sandgate_get gives ---- */

typedef enum {
    SANDGATE_INT32,
    SANDGATE_INT64,
    SANDGATE_UINT32,
    SANDGATE_UINT64,
    SANDGATE_DOUBLE,
    SANDGATE_BOOL,
    SANDGATE_TEXT,
    SANDGATE_LIST
} sandgate_kind;

/* One member of a struct and the RFC 6901 pointer of the value that belongs there. */
typedef struct {
    const char *pointer;
    sandgate_kind kind;
    size_t offset;
} sandgate_field;

/* The member of this name, by its own type: an integer of 32 or 64 bits, `double`, `bool`, `sandgate_text`, or
 * `sandgate_list` for a list of texts. Another type does not compile.
 *
 *     struct quota { int64_t calls; sandgate_list except; };
 *     static struct quota quota = {.calls = 10};
 *     static const sandgate_field fields[] = {SANDGATE_FIELD(struct quota, calls), SANDGATE_FIELD(struct quota, except)};
 *
 *     const char *sandgate_configure(sandgate_text settings) {
 *         return sandgate_read(settings, fields, &quota);
 *     } */
#define SANDGATE_FIELD(type, member) SANDGATE_FIELD_AT(type, member, "/" #member)
/* The member with the value at this pointer, for example `limits.calls` with `/limits/calls`. */
#define SANDGATE_FIELD_AT(type, member, pointer)                                                                        \
    { pointer, SANDGATE_KIND(((type *)0)->member), offsetof(type, member) }
/* Reads the values into the struct. A member whose value is absent keeps what it holds. Returns NULL, or what is wrong, with
 * the pointer of the value: `/calls: is not an integer`. */
#define sandgate_read(json, fields, target) sandgate_read_fields(json, fields, sizeof(fields) / sizeof *(fields), target)
const char *sandgate_read_fields(sandgate_text json, const sandgate_field *fields, size_t count, void *target);

/* The value at a pointer (`""`: the whole) of JSON text. False, and `value` as it was, where nothing stands, or something
 * else, or the text is not JSON. Texts come without their escapes. */
bool sandgate_json_integer(sandgate_text json, const char *pointer, int64_t *value);
bool sandgate_json_number(sandgate_text json, const char *pointer, double *value);
bool sandgate_json_bool(sandgate_text json, const char *pointer, bool *value);
bool sandgate_json_text(sandgate_text json, const char *pointer, sandgate_text *value);
/* An array of texts. */
bool sandgate_json_list(sandgate_text json, const char *pointer, sandgate_list *value);
/* Whatever stands there as JSON text; none where nothing does. */
sandgate_text sandgate_json_at(sandgate_text json, const char *pointer);
/* Appends text as JSON, with its quotation marks and escapes. */
void sandgate_add_json(sandgate_buffer *buffer, sandgate_text text);

/* ---- texts ---- */

/* Of a C string, which is not copied. */
sandgate_text sandgate_text_of(const char *string);
/* Appends. */
void sandgate_add(sandgate_buffer *buffer, const char *bytes, size_t length);

#ifdef __cplusplus
}
#define SANDGATE_KIND(value) sandgate_kind_of(static_cast<decltype(&(value))>(nullptr))
constexpr sandgate_kind sandgate_kind_of(const int *) { return SANDGATE_INT32; }
constexpr sandgate_kind sandgate_kind_of(const long *) { return SANDGATE_INT32; }
constexpr sandgate_kind sandgate_kind_of(const long long *) { return SANDGATE_INT64; }
constexpr sandgate_kind sandgate_kind_of(const unsigned *) { return SANDGATE_UINT32; }
constexpr sandgate_kind sandgate_kind_of(const unsigned long *) { return SANDGATE_UINT32; }
constexpr sandgate_kind sandgate_kind_of(const unsigned long long *) { return SANDGATE_UINT64; }
constexpr sandgate_kind sandgate_kind_of(const double *) { return SANDGATE_DOUBLE; }
constexpr sandgate_kind sandgate_kind_of(const bool *) { return SANDGATE_BOOL; }
constexpr sandgate_kind sandgate_kind_of(const sandgate_text *) { return SANDGATE_TEXT; }
constexpr sandgate_kind sandgate_kind_of(const sandgate_list *) { return SANDGATE_LIST; }
#else
/* `long` has 32 bits on wasm32. */
#define SANDGATE_KIND(value)                                                                                            \
    _Generic((value),                                                                                                   \
        int: SANDGATE_INT32,                                                                                            \
        long: SANDGATE_INT32,                                                                                           \
        long long: SANDGATE_INT64,                                                                                      \
        unsigned: SANDGATE_UINT32,                                                                                      \
        unsigned long: SANDGATE_UINT32,                                                                                 \
        unsigned long long: SANDGATE_UINT64,                                                                            \
        double: SANDGATE_DOUBLE,                                                                                        \
        bool: SANDGATE_BOOL,                                                                                            \
        sandgate_text: SANDGATE_TEXT,                                                                                   \
        sandgate_list: SANDGATE_LIST)
#endif

#endif
