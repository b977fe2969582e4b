/* Asks what it is told to ask, and answers with what came of it. */
#include <stdio.h>
#include <string.h>

#include "sandgate_http.h"

static void add(sandgate_buffer *buffer, const char *text) {
    sandgate_add(buffer, text, strlen(text));
}

static sandgate_decision failed(const char *word) {
    sandgate_buffer told = {0};
    add(&told, "{\"failed\":");
    sandgate_add_json(&told, sandgate_text_of(word));
    add(&told, "}");
    return sandgate_answer((sandgate_text){told.bytes, told.length});
}

sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    (void)context;
    sandgate_text order = sandgate_get(params, "/arguments");
    sandgate_text method = sandgate_text_of("GET");
    const sandgate_http_field fields[] = {{sandgate_text_of("x-asked"), sandgate_text_of("yes")}};
    sandgate_http_request request = {.fields = fields, .field_count = 1, .limit = 1000};
    sandgate_json_text(order, "/url", &request.url);
    sandgate_json_text(order, "/body", &request.body);
    sandgate_json_text(order, "/method", &method);
    request.method = method.bytes;
    int64_t timeout = 0;
    sandgate_json_integer(order, "/timeout", &timeout);
    request.timeout_ms = (uint32_t)timeout;
    sandgate_http_reply reply;
    switch (sandgate_http_send(request, &reply)) {
    case SANDGATE_HTTP_REPLIED:
        break;
    case SANDGATE_HTTP_DENIED:
        return failed("denied");
    case SANDGATE_HTTP_TOO_LARGE:
        return failed("too-large");
    case SANDGATE_HTTP_TIMED_OUT:
        return failed("timed-out");
    case SANDGATE_HTTP_REFUSED:
        return failed("refused");
    case SANDGATE_HTTP_CUT:
        return failed("cut");
    default:
        return failed(sandgate_http_failure());
    }
    sandgate_text type = sandgate_http_header(&reply, "Content-Type");
    sandgate_buffer told = {0};
    char status[32];
    snprintf(status, sizeof status, "{\"status\":%u", reply.status);
    add(&told, status);
    add(&told, ",\"body\":");
    sandgate_add_json(&told, sandgate_http_text(reply.body));
    add(&told, ",\"type\":");
    if (type.bytes == NULL) {
        add(&told, "null");
    } else {
        sandgate_add_json(&told, sandgate_http_text(type));
    }
    add(&told, "}");
    return sandgate_answer((sandgate_text){told.bytes, told.length});
}
