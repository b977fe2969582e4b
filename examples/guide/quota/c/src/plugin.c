// Lets each caller make so many calls in so many seconds.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandgate.h"

// ANCHOR: settings
static long calls = 10, seconds = 60;

// The number behind `"key":`; the gateway has checked that it is one, and writes JSON without spaces.
static void read_number(const char *settings, const char *key, long *number) {
    const char *found = strstr(settings, key);
    if (found) {
        *number = strtol(found + strlen(key), NULL, 10);
    }
}

const char *sandgate_configure(sandgate_text settings) {
    sandgate_buffer text = {0};
    sandgate_add(&text, settings.bytes, settings.length);
    sandgate_add(&text, "", 1);
    read_number(text.bytes, "\"calls\":", &calls);
    read_number(text.bytes, "\"seconds\":", &seconds);
    return NULL;
}
// ANCHOR_END: settings

// ANCHOR: state
sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    (void)params;
    sandgate_text who = sandgate_principal(context);
    if (!who.bytes) {
        who = sandgate_text_of("anybody");
    }
    char key[300];
    snprintf(key, sizeof key, "calls:%.*s", (int)who.length, who.bytes);
    int64_t made;
    if (!sandgate_state_increment(key, 1, (uint64_t)seconds * 1000, &made)) {
        return sandgate_error("no state to count in");
    }
    if (made > calls) {
        char message[100];
        snprintf(message, sizeof message, "At most %ld calls in %ld seconds.", calls, seconds);
        return sandgate_refuse("quota.exceeded", message);
    }
    return sandgate_proceed();
}
// ANCHOR_END: state
