// Lets pass the tools that a service knows.
#include <string.h>

#include "sandgate_http.h"

// ANCHOR: http
sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    (void)params;
    sandgate_buffer asked = {0};
    sandgate_add(&asked, "{\"tool\":", strlen("{\"tool\":"));
    sandgate_add_json(&asked, sandgate_target(context));
    sandgate_add(&asked, "}", 1);
    sandgate_http_request request = {
        .method = "POST",
        .url = sandgate_text_of("https://tools.example.com/known"),
        .body = {asked.bytes, asked.length},
        .timeout_ms = 50,
    };
    sandgate_http_reply reply;
    switch (sandgate_http_send(request, &reply)) {
    case SANDGATE_HTTP_REPLIED:
        return reply.status == 200 ? sandgate_proceed() : sandgate_refuse("lookup.unknown", "This tool is not known.");
    case SANDGATE_HTTP_TIMED_OUT:
        sandgate_find("lookup.late", SANDGATE_WARN, "nobody knew in time");
        return sandgate_proceed();
    case SANDGATE_HTTP_REFUSED:
    case SANDGATE_HTTP_CUT:
        return sandgate_refuse("lookup.down", "Nobody can say whether this tool is known.");
    default:
        return sandgate_error(sandgate_http_failure());
    }
}
// ANCHOR_END: http
