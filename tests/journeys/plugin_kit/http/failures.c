/* Answers with what came of requests that cannot be sent, and with bytes as text. */
#include "sandgate_http.h"

static sandgate_buffer told = {0};

static sandgate_text bytes(const char *at, size_t length) {
    return (sandgate_text){at, length};
}

static void add(const char *text) {
    if (told.length == 0) {
        sandgate_add(&told, "{\"told\":[", 9);
    } else {
        sandgate_add(&told, ",", 1);
    }
    sandgate_add_json(&told, sandgate_http_text(sandgate_text_of(text)));
}

static void send(const char *method, sandgate_text url, sandgate_text name, const char *value) {
    const sandgate_http_field field = {name, sandgate_text_of(value)};
    sandgate_http_reply reply;
    sandgate_http_outcome outcome = sandgate_http_send(
        (sandgate_http_request){.method = method, .url = url, .fields = &field, .field_count = 1}, &reply);
    const char *failure = sandgate_http_failure();
    add(outcome == SANDGATE_HTTP_REPLIED || failure == NULL || reply.status != 0 ? "replied" : failure);
}

sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    (void)context, (void)params;
    sandgate_text url = sandgate_text_of("https://api.example.com/");
    sandgate_text name = sandgate_text_of("x-a");
    send(NULL, url, name, "1");
    send(NULL, bytes("https://api.example.com/\xFF", 25), name, "1");
    send(NULL, bytes("https://a\0b/", 12), name, "1");
    send("G\xC0\x80", url, name, "1");
    send("G T", url, name, "1");
    send(NULL, url, bytes("x-\xED\xA0\x80", 5), "1");
    send(NULL, url, sandgate_text_of("x a"), "1");
    send(NULL, url, sandgate_text_of("host"), "1");
    static const char *const urls[] = {"", "a", "ftp://a/", "http://", "https://", "https:///b", "HTTP:/a"};
    for (size_t index = 0; index < sizeof urls / sizeof *urls; index++) {
        sandgate_http_reply reply;
        add(sandgate_http_get(urls[index], &reply) == SANDGATE_HTTP_URL ? "url" : urls[index]);
    }
    sandgate_http_reply none;
    add(sandgate_http_send((sandgate_http_request){0}, &none) == SANDGATE_HTTP_URL ? "url" : "none");
    add("h\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    add("a\xFF" "b\xE2\x82");
    add("\xC0\x80\xF4\x90\x80\x80");
    sandgate_add(&told, "]}", 2);
    return sandgate_answer(bytes(told.bytes, told.length));
}
