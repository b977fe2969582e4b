{{#both}}
// Masks e-mail addresses in replies; refuses destructive commands.
{{/both}}
{{#only-pre}}
// Refuses destructive commands.
{{/only-pre}}
{{#only-post}}
// Masks e-mail addresses in replies.
{{/only-post}}
#include "sandgate.h"
{{#pre}}

sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    (void)context;
    if (sandgate_texts_contain(params, "rm -rf")) {
        return sandgate_refuse("command.destructive", "destructive command");
    }
    return sandgate_proceed();
}
{{/pre}}
{{#post}}

static bool alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool in_domain(char c) {
    return alphanumeric(c) || c == '.' || c == '-';
}

static bool in_local(char c) {
    return in_domain(c) || c == '_' || c == '%' || c == '+';
}

// Where the domain ends that begins here: behind the last point with two letters or more after it. `from` itself where
// there is none.
static size_t domain(sandgate_text text, size_t from) {
    size_t end = from, best = from;
    while (end < text.length && in_domain(text.bytes[end])) {
        end++;
    }
    for (size_t point = from + 1; point < end; point++) {
        if (text.bytes[point] != '.') {
            continue;
        }
        size_t last = point + 1;
        while (last < end && letter(text.bytes[last])) {
            last++;
        }
        if (last - point > 2) {
            best = last;
        }
    }
    return best;
}

// Puts `[email]` in the place of each address; false where there is none.
static bool mask(sandgate_text text, sandgate_buffer *masked, void *unused) {
    (void)unused;
    size_t kept = 0, at = 0;
    while (at < text.length) {
        size_t start = at;
        while (at < text.length && in_local(text.bytes[at])) {
            at++;
        }
        if (at == start || at == text.length || text.bytes[at] != '@') {
            at += at == start;
            continue;
        }
        size_t end = domain(text, at + 1);
        at++;
        if (end > at) {
            sandgate_add(masked, text.bytes + kept, start - kept);
            sandgate_add(masked, "[email]", 7);
            kept = at = end;
        }
    }
    sandgate_add(masked, text.bytes + kept, text.length - kept);
    return kept > 0;
}

sandgate_decision sandgate_post_call(sandgate_context context, sandgate_document reply) {
    (void)context;
    return sandgate_map_texts(reply, mask, NULL);
}
{{/post}}
