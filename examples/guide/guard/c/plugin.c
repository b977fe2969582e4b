// Refuses destructive commands, and deletions by anybody who is no admin.
#include <string.h>

#include "sandgate.h"

static bool begins_with(sandgate_text text, const char *word) {
    return text.length >= strlen(word) && memcmp(text.bytes, word, strlen(word)) == 0;
}

static bool contains(sandgate_text text, const char *word) {
    for (; text.length > 0; text.bytes++, text.length--) {
        if (begins_with(text, word)) {
            return true;
        }
    }
    return false;
}

sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    if (sandgate_texts_contain(params, "rm -rf")) {
        return sandgate_refuse("command.destructive", "destructive command");
    }
    // `groups` is a JSON array.
    bool admin = contains(sandgate_attribute(context, "groups"), "\"admins\"");
    if (begins_with(sandgate_target(context), "delete_") && !admin) {
        return sandgate_refuse("delete.forbidden", "Only admins may delete.");
    }
    return sandgate_proceed();
}
