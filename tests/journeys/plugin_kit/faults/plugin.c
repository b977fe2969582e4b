// Fails in the way that the call asks for, and repeats the call in what it says of it.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "sandgate.h"

static bool is(sandgate_document params, const char *how) {
    sandgate_text text = sandgate_get(params, "/arguments/how");
    size_t length = strlen(how);
    return text.length == length + 2 && memcmp(text.bytes + 1, how, length) == 0;
}

static __attribute__((noinline)) int deeper(volatile int *above) {
    volatile int here[16] = {*above + 1};
    return deeper(here) + here[0];
}

static __attribute__((noinline)) void fail(sandgate_document params) {
    assert(!is(params, "assert"));
    if (is(params, "abort")) {
        abort();
    }
    if (is(params, "trap")) {
        __builtin_trap();
    }
    if (is(params, "exit")) {
        exit(3);
    }
    if (is(params, "recursion")) {
        volatile int zero = 0;
        deeper(&zero);
    }
}

sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    (void)context;
    if (is(params, "error")) {
        return sandgate_error(sandgate_json(params).bytes);
    }
    fail(params);
    return sandgate_proceed();
}
