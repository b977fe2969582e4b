// Lets each caller make so many calls in so many seconds.
#include <stdio.h>

#include "sandgate.h"

// ANCHOR: settings
struct quota {
    int64_t calls, seconds;
};

// The defaults, for what is not set.
static struct quota quota = {.calls = 10, .seconds = 60};

static const sandgate_field fields[] = {
    SANDGATE_FIELD(struct quota, calls),
    SANDGATE_FIELD(struct quota, seconds),
};

const char *sandgate_configure(sandgate_text settings) {
    return sandgate_read(settings, fields, &quota);
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
    if (!sandgate_state_increment(key, 1, (uint64_t)quota.seconds * 1000, &made)) {
        return sandgate_error("no state to count in");
    }
    if (made > quota.calls) {
        char message[100];
        snprintf(message, sizeof message, "At most %lld calls in %lld seconds.", quota.calls, quota.seconds);
        return sandgate_refuse("quota.exceeded", message);
    }
    return sandgate_proceed();
}
// ANCHOR_END: state
