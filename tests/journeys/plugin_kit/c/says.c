// Says everything that the SDK can read, as one answer.
#include <stdio.h>
#include <string.h>

#include "sandgate.h"

struct settings {
    int32_t small;
    int64_t large;
    uint64_t natural;
    double share;
    bool strict;
    sandgate_text name;
    sandgate_list except;
    struct {
        int calls;
    } limits;
};

static struct settings settings = {.small = 7, .share = 0.5};

static const sandgate_field fields[] = {
    SANDGATE_FIELD(struct settings, small),
    SANDGATE_FIELD(struct settings, large),
    SANDGATE_FIELD(struct settings, natural),
    SANDGATE_FIELD(struct settings, share),
    SANDGATE_FIELD(struct settings, strict),
    SANDGATE_FIELD(struct settings, name),
    SANDGATE_FIELD(struct settings, except),
    SANDGATE_FIELD_AT(struct settings, limits.calls, "/limits/a~1b"),
};

const char *sandgate_configure(sandgate_text text) {
    return sandgate_read(text, fields, &settings);
}

static sandgate_buffer told;

static void raw(const char *text) {
    sandgate_add(&told, text, strlen(text));
}

static void key(const char *name) {
    raw(told.length > 1 ? "," : "");
    sandgate_add_json(&told, sandgate_text_of(name));
    raw(":");
}

static void text(const char *name, sandgate_text value) {
    key(name);
    if (value.bytes) {
        sandgate_add_json(&told, value);
    } else {
        raw("null");
    }
}

static void list(const char *name, sandgate_list list) {
    key(name);
    raw("[");
    for (size_t index = 0; index < list.count; index++) {
        raw(index ? "," : "");
        sandgate_add_json(&told, list.all[index]);
    }
    raw("]");
}

static void number(const char *name, double value) {
    char digits[40];
    snprintf(digits, sizeof digits, "%.17g", value);
    key(name);
    raw(digits);
}

// What the readers make of the text in `arguments.json`, at `arguments.at`.
static void reads(sandgate_document params) {
    sandgate_text json, at = sandgate_text_of(""), value;
    sandgate_json_text(sandgate_get(params, "/arguments/json"), "", &json);
    sandgate_json_text(sandgate_get(params, "/arguments/at"), "", &at);
    sandgate_text found = sandgate_json_at(json, at.bytes);
    text("found", found);
    int64_t integer;
    if (sandgate_json_integer(json, at.bytes, &integer)) {
        char digits[32];
        snprintf(digits, sizeof digits, "%lld", integer);
        text("integer", sandgate_text_of(digits));
    }
    double real;
    if (sandgate_json_number(json, at.bytes, &real)) {
        number("number", real);
    }
    bool truth;
    if (sandgate_json_bool(json, at.bytes, &truth)) {
        text("bool", sandgate_text_of(truth ? "true" : "false"));
    }
    if (sandgate_json_text(json, at.bytes, &value)) {
        text("text", value);
    }
    sandgate_list all;
    if (sandgate_json_list(json, at.bytes, &all)) {
        list("list", all);
    }
}

static void says(sandgate_context context, sandgate_document params) {
    text("id", sandgate_id(context));
    text("direction", sandgate_direction(context));
    text("session", sandgate_session(context));
    text("definition", sandgate_definition(context));
    list("groups", sandgate_groups(context));
    list("texts", sandgate_texts(params));
    list("strings", sandgate_strings(params));
    list("keys", sandgate_keys(params));
    text("first", sandgate_text_pointer(params, 0));
    text("second", sandgate_string_pointer(params, 1));
    text("none", sandgate_text_pointer(params, 99));
    number("size", (double)sandgate_size(params));
    key("time");
    raw(sandgate_remaining_us(context) > 0 ? "true" : "false");
    number("small", settings.small);
    number("large", (double)settings.large);
    number("natural", (double)settings.natural);
    number("share", settings.share);
    number("strict", settings.strict);
    text("name", settings.name);
    list("except", settings.except);
    number("calls", settings.limits.calls);
}

static void remembers(void) {
    bool set = false;
    sandgate_text none = {0}, one = sandgate_text_of("1"), two = sandgate_text_of("2");
    bool well = sandgate_state_compare_and_set("k", none, one, 0, &set);
    number("well", well);
    number("made", set);
    sandgate_state_compare_and_set("k", two, two, 0, &set);
    number("other", set);
    sandgate_state_compare_and_set("k", one, two, 0, &set);
    number("changed", set);
    int64_t sum;
    number("counts", sandgate_state_increment("k", 1, 0, &sum));
    key("failed");
    raw(sandgate_state_failure() ? "true" : "false");
}

sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    sandgate_text tool = sandgate_target(context);
    if (tool.length == 6 && !memcmp(tool.bytes, "refuse", 6)) {
        sandgate_log(SANDGATE_LOG_DEBUG, "refused");
        sandgate_report((sandgate_finding){
            .rule = "found",
            .severity = SANDGATE_WARN,
            .message = "here",
            .pointer = sandgate_text_of("/arguments/a"),
            .details = sandgate_text_of("{\"score\":1}"),
        });
        return sandgate_refuse_at(
            "not.so", "no", sandgate_text_of("/arguments/a"), sandgate_text_of("{\"retryAfterMs\":1500}"));
    }
    raw("{");
    if (tool.length == 5) {
        reads(params);
    } else if (tool.length == 9) {
        remembers();
    } else {
        says(context, params);
    }
    raw("}");
    return sandgate_answer((sandgate_text){told.bytes, told.length});
}

sandgate_decision sandgate_post_call(sandgate_context context, sandgate_document reply) {
    (void)reply;
    sandgate_document params;
    if (!sandgate_params(context, &params)) {
        return sandgate_refuse("no.params", "none");
    }
    sandgate_report((sandgate_finding){.rule = "asked", .message = "it was", .in_params = true});
    return sandgate_replace(sandgate_json(params));
}
