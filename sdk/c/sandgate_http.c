/* One request by wasi:http. Each resource is given back before the one it came from. */
#include "sandgate_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wasi_http.h"

/* What one read asks for, and what one write takes, in bytes. */
#define AT_ONCE (64 << 10)
#define WRITE (4 << 10)

static const char internal_error[] = "internal-error";
static const char uri_invalid[] = "HTTP-request-URI-invalid";

/* In WASI's order. */
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
static const char *const header_errors[] = {"invalid-syntax", "forbidden", "immutable"};
static const char *const words[] = {
    "DNS-timeout", "DNS-error", "destination-not-found", "destination-unavailable", "destination-IP-prohibited",
    "destination-IP-unroutable", "connection-refused", "connection-terminated", "connection-timeout",
    "connection-read-timeout", "connection-write-timeout", "connection-limit-reached", "TLS-protocol-error",
    "TLS-certificate-error", "TLS-alert-received", "HTTP-request-denied", "HTTP-request-length-required",
    "HTTP-request-body-size", "HTTP-request-method-invalid", uri_invalid, "HTTP-request-URI-too-long",
    "HTTP-request-header-section-size", "HTTP-request-header-size", "HTTP-request-trailer-section-size",
    "HTTP-request-trailer-size", "HTTP-response-incomplete", "HTTP-response-header-section-size",
    "HTTP-response-header-size", "HTTP-response-body-size", "HTTP-response-trailer-section-size",
    "HTTP-response-trailer-size", "HTTP-response-transfer-coding", "HTTP-response-content-coding",
    "HTTP-response-timeout", "HTTP-upgrade-failed", "HTTP-protocol-error", "loop-detected", "configuration-error",
    internal_error,
};

/* Why the last request had no reply. */
static const char *why;

static sandgate_http_outcome failed(const char *word) {
    why = word;
    return SANDGATE_HTTP_FAILED;
}

static sandgate_http_outcome timed_out(void) {
    why = words[WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_TIMEOUT];
    return SANDGATE_HTTP_TIMED_OUT;
}

static sandgate_http_outcome cut(void) {
    why = words[WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_INCOMPLETE];
    return SANDGATE_HTTP_CUT;
}

static sandgate_http_outcome refused(const wasi_http_types_error_code_t *code) {
    if (code->tag == WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_DENIED) {
        why = "the operator has not granted this host";
        return SANDGATE_HTTP_DENIED;
    }
    /* Its name alone: what stands in it is the other side's. */
    sandgate_http_outcome outcome = failed(code->tag < sizeof words / sizeof *words ? words[code->tag] : internal_error);
    switch (code->tag) {
    case WASI_HTTP_TYPES_ERROR_CODE_DNS_TIMEOUT:
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_TIMEOUT:
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_READ_TIMEOUT:
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_WRITE_TIMEOUT:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_TIMEOUT:
        return SANDGATE_HTTP_TIMED_OUT;
    case WASI_HTTP_TYPES_ERROR_CODE_DNS_ERROR:
    case WASI_HTTP_TYPES_ERROR_CODE_DESTINATION_NOT_FOUND:
    case WASI_HTTP_TYPES_ERROR_CODE_DESTINATION_UNAVAILABLE:
    case WASI_HTTP_TYPES_ERROR_CODE_DESTINATION_IP_UNROUTABLE:
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_REFUSED:
        return SANDGATE_HTTP_REFUSED;
    case WASI_HTTP_TYPES_ERROR_CODE_CONNECTION_TERMINATED:
    case WASI_HTTP_TYPES_ERROR_CODE_HTTP_RESPONSE_INCOMPLETE:
        return SANDGATE_HTTP_CUT;
    default:
        return outcome;
    }
}

/* When a request is given up. */
struct deadline {
    bool set;
    wasi_io_poll_own_pollable_t timer;
};

/* Waits until it is ready, and gives it back. False: the request is given up before. */
static bool waited(const struct deadline *until, wasi_io_poll_own_pollable_t ready) {
    bool in_time = true;
    if (until->set) {
        wasi_io_poll_borrow_pollable_t both[] = {
            wasi_io_poll_borrow_pollable(ready), wasi_io_poll_borrow_pollable(until->timer)};
        wasi_io_poll_list_borrow_pollable_t all = {both, 2};
        wasi_http_list_u32_t first;
        wasi_io_poll_poll(&all, &first);
        in_time = first.len > 0 && first.ptr[0] == 0;
        wasi_http_list_u32_free(&first);
    } else {
        wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
    }
    wasi_io_poll_pollable_drop_own(ready);
    return in_time;
}

static void dropped(wasi_io_streams_stream_error_t *error) {
    if (error->tag == WASI_IO_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED) {
        wasi_io_error_error_drop_own(error->val.last_operation_failed);
    }
}

static sandgate_http_outcome too_large(size_t limit) {
    static char text[sizeof "the reply has more than  bytes" + 20];
    snprintf(text, sizeof text, "the reply has more than %zu bytes", limit);
    why = text;
    return SANDGATE_HTTP_TOO_LARGE;
}

static wasi_http_string_t lent(sandgate_text text) {
    /* Nothing is read of none, but an address must be one. */
    return (wasi_http_string_t){(uint8_t *)(text.length > 0 ? text.bytes : ""), text.length};
}

/* Bytes of the character that begins here; 0 where none does: longer than need be, a surrogate, beyond the last. */
static size_t character(const uint8_t *at, const uint8_t *end) {
    uint8_t first = *at;
    size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (length < 2 || (size_t)(end - at) < length) {
        return length < 2 ? length : 0;
    }
    uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    for (size_t index = 1; index < length; index++, low = 0x80, high = 0xBF) {
        if (at[index] < low || at[index] > high) {
            return 0;
        }
    }
    return length;
}

/* What is none would end the run where it crosses over. */
static bool is_utf8(sandgate_text text) {
    const uint8_t *at = (const uint8_t *)text.bytes, *end = at + text.length;
    for (size_t length; at < end; at += length) {
        length = character(at, end);
        if (length == 0) {
            return false;
        }
    }
    return true;
}

sandgate_text sandgate_http_text(sandgate_text bytes) {
    if (is_utf8(bytes)) {
        return bytes;
    }
    sandgate_buffer text = {0};
    const uint8_t *at = (const uint8_t *)bytes.bytes, *end = at + bytes.length;
    while (at < end) {
        size_t length = character(at, end);
        sandgate_add(&text, length > 0 ? (const char *)at : "\xEF\xBF\xBD", length > 0 ? length : 3);
        at += length > 0 ? length : 1;
    }
    return (sandgate_text){text.bytes, text.length};
}

/* Host with port, and path with query. */
struct parts {
    bool secure;
    sandgate_text authority, path;
};

static bool parted(sandgate_text url, struct parts *parts) {
    const char *at = url.bytes, *end = at + url.length;
    if (url.length > 7 && memcmp(at, "http://", 7) == 0) {
        at += 7;
    } else if (url.length > 8 && memcmp(at, "https://", 8) == 0) {
        parts->secure = true;
        at += 8;
    } else {
        return false;
    }
    const char *fragment = memchr(at, '#', (size_t)(end - at));
    end = fragment == NULL ? end : fragment;
    const char *path = at;
    while (path < end && *path != '/' && *path != '?') {
        path++;
    }
    if (path == at || !is_utf8((sandgate_text){at, (size_t)(end - at)})) {
        return false;
    }
    sandgate_buffer whole = {0};
    if (path == end || *path != '/') {
        sandgate_add(&whole, "/", 1);
    }
    sandgate_add(&whole, path, (size_t)(end - path));
    parts->authority = (sandgate_text){at, (size_t)(path - at)};
    parts->path = (sandgate_text){whole.bytes, whole.length};
    return true;
}

/* NULL, or what is wrong with it. */
static const char *appended(wasi_http_types_own_fields_t to, sandgate_http_field field) {
    wasi_http_types_header_error_t error = {WASI_HTTP_TYPES_HEADER_ERROR_INVALID_SYNTAX};
    wasi_http_string_t name = lent(field.name), value = lent(field.value);
    wasi_http_types_field_value_t bytes = {value.ptr, value.len};
    if (is_utf8(field.name) && wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(to), &name, &bytes, &error)) {
        return NULL;
    }
    const char *word = header_errors[error.tag < 3 ? error.tag : 0];
    sandgate_buffer text = {0};
    if (is_utf8(field.name)) {
        sandgate_add(&text, field.name.bytes, field.name.length);
    } else {
        sandgate_add(&text, "a header's name", 15);
    }
    sandgate_add(&text, ": ", 2);
    sandgate_add(&text, word, strlen(word) + 1);
    return text.bytes;
}

/* What is written until the other side takes no more, or, false, the request is given up. */
static bool write_until(
    wasi_io_streams_borrow_output_stream_t stream, sandgate_text body, const struct deadline *until) {
    wasi_io_streams_stream_error_t error;
    for (size_t at = 0; at < body.length;) {
        uint64_t room;
        if (!waited(until, wasi_io_streams_method_output_stream_subscribe(stream))) {
            return false;
        }
        if (!wasi_io_streams_method_output_stream_check_write(stream, &room, &error)) {
            dropped(&error);
            return true;
        }
        size_t left = body.length - at;
        wasi_http_list_u8_t part = {(uint8_t *)body.bytes + at, left < room ? left : (size_t)room};
        if (!wasi_io_streams_method_output_stream_write(stream, &part, &error)) {
            dropped(&error);
            return true;
        }
        at += part.len;
    }
    if (!wasi_io_streams_method_output_stream_flush(stream, &error)) {
        dropped(&error);
        return true;
    }
    return waited(until, wasi_io_streams_method_output_stream_subscribe(stream));
}

static void write_all(wasi_io_streams_borrow_output_stream_t stream, sandgate_text body) {
    for (size_t at = 0; at < body.length; at += WRITE) {
        size_t left = body.length - at;
        wasi_http_list_u8_t part = {(uint8_t *)body.bytes + at, left < WRITE ? left : WRITE};
        wasi_io_streams_stream_error_t error;
        if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(stream, &part, &error)) {
            dropped(&error);
            return;
        }
    }
}

/* Who answers need not have read everything; where nobody does, the reply says why. False: the request is given up. */
static bool written(
    wasi_http_types_own_outgoing_body_t content, sandgate_text body, const struct deadline *until) {
    wasi_http_types_own_output_stream_t stream;
    bool in_time = true;
    if (wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(content), &stream)) {
        wasi_io_streams_borrow_output_stream_t to = wasi_io_streams_borrow_output_stream(stream);
        if (until->set) {
            in_time = write_until(to, body, until);
        } else {
            write_all(to, body);
        }
        wasi_io_streams_output_stream_drop_own(stream);
    }
    if (!in_time) {
        wasi_http_types_outgoing_body_drop_own(content);
        return false;
    }
    wasi_http_types_error_code_t error;
    wasi_http_types_static_outgoing_body_finish(content, NULL, &error);
    return true;
}

static sandgate_http_outcome sent(
    const sandgate_http_request *request, const struct deadline *until,
    wasi_http_types_own_future_incoming_response_t *coming) {
    struct parts parts = {0};
    if (!parted(request->url, &parts)) {
        why = "the URL does not begin with http:// or https:// and a host";
        return SANDGATE_HTTP_URL;
    }
    sandgate_text name = sandgate_text_of(request->method == NULL ? methods[0] : request->method);
    if (!is_utf8(name)) {
        return failed("HTTP-request-method-invalid");
    }
    wasi_http_types_own_fields_t fields = wasi_http_types_constructor_fields();
    const char *wrong = NULL;
    for (size_t index = 0; index < request->field_count && wrong == NULL; index++) {
        wrong = appended(fields, request->fields[index]);
    }
    if (request->body.length > 0 && wrong == NULL) {
        char length[24];
        snprintf(length, sizeof length, "%zu", request->body.length);
        wrong = appended(
            fields, (sandgate_http_field){sandgate_text_of("content-length"), sandgate_text_of(length)});
    }
    if (wrong != NULL) {
        wasi_http_types_fields_drop_own(fields);
        return failed(wrong);
    }
    wasi_http_types_own_outgoing_request_t outgoing = wasi_http_types_constructor_outgoing_request(fields);
    wasi_http_types_borrow_outgoing_request_t made = wasi_http_types_borrow_outgoing_request(outgoing);
    wasi_http_types_method_t method = {.tag = 0};
    while (method.tag < WASI_HTTP_TYPES_METHOD_OTHER && strcmp(methods[method.tag], name.bytes) != 0) {
        method.tag++;
    }
    method.val.other = lent(name);
    wasi_http_types_scheme_t scheme = {
        .tag = parts.secure ? WASI_HTTP_TYPES_SCHEME_HTTPS : WASI_HTTP_TYPES_SCHEME_HTTP};
    wasi_http_string_t authority = lent(parts.authority), path = lent(parts.path);
    if (!wasi_http_types_method_outgoing_request_set_method(made, &method)
        || !wasi_http_types_method_outgoing_request_set_scheme(made, &scheme)
        || !wasi_http_types_method_outgoing_request_set_authority(made, &authority)
        || !wasi_http_types_method_outgoing_request_set_path_with_query(made, &path)) {
        wasi_http_types_outgoing_request_drop_own(outgoing);
        return failed(uri_invalid);
    }
    wasi_http_types_own_outgoing_body_t content;
    bool has = request->body.length > 0 && wasi_http_types_method_outgoing_request_body(made, &content);
    wasi_http_types_error_code_t code;
    if (!wasi_http_outgoing_handler_handle(outgoing, NULL, coming, &code)) {
        if (has) {
            wasi_http_types_outgoing_body_drop_own(content);
        }
        return refused(&code);
    }
    if (has && !written(content, request->body, until)) {
        wasi_http_types_future_incoming_response_drop_own(*coming);
        return timed_out();
    }
    return SANDGATE_HTTP_REPLIED;
}

static void read_fields(wasi_http_types_borrow_incoming_response_t response, sandgate_http_reply *reply) {
    wasi_http_types_own_headers_t headers = wasi_http_types_method_incoming_response_headers(response);
    wasi_http_types_list_tuple2_field_key_field_value_t all;
    wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(headers), &all);
    wasi_http_types_fields_drop_own(headers);
    sandgate_buffer fields = {0};
    for (size_t index = 0; index < all.len; index++) {
        wasi_http_string_t name = all.ptr[index].f0;
        for (size_t at = 0; at < name.len; at++) {
            if (name.ptr[at] >= 'A' && name.ptr[at] <= 'Z') {
                name.ptr[at] += 'a' - 'A';
            }
        }
        sandgate_http_field field = {
            {(const char *)name.ptr, name.len},
            {(const char *)all.ptr[index].f1.ptr, all.ptr[index].f1.len},
        };
        sandgate_add(&fields, (const char *)&field, sizeof field);
    }
    reply->fields = (const sandgate_http_field *)(void *)fields.bytes;
    reply->field_count = all.len;
}

static sandgate_http_outcome read_body(
    wasi_http_types_own_incoming_body_t content, size_t limit, const struct deadline *until, sandgate_text *body) {
    wasi_http_types_own_input_stream_t stream;
    if (!wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(content), &stream)) {
        return failed(internal_error);
    }
    sandgate_http_outcome outcome = SANDGATE_HTTP_REPLIED;
    sandgate_buffer whole = {0};
    while (outcome == SANDGATE_HTTP_REPLIED) {
        wasi_http_list_u8_t part;
        wasi_io_streams_stream_error_t error;
        wasi_io_streams_borrow_input_stream_t from = wasi_io_streams_borrow_input_stream(stream);
        if (until->set && !waited(until, wasi_io_streams_method_input_stream_subscribe(from))) {
            outcome = timed_out();
            break;
        }
        if (!wasi_io_streams_method_input_stream_blocking_read(from, AT_ONCE, &part, &error)) {
            if (error.tag == WASI_IO_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED) {
                outcome = cut();
            }
            dropped(&error);
            break;
        }
        if (part.len > limit - whole.length) {
            outcome = too_large(limit);
        } else {
            sandgate_add(&whole, (const char *)part.ptr, part.len);
        }
        if (part.len > 0) {
            free(part.ptr);
        }
    }
    wasi_io_streams_input_stream_drop_own(stream);
    if (outcome == SANDGATE_HTTP_REPLIED) {
        *body = (sandgate_text){whole.length > 0 ? whole.bytes : "", whole.length};
    }
    return outcome;
}

static sandgate_http_outcome read_reply(
    wasi_http_types_own_incoming_response_t response, size_t limit, const struct deadline *until,
    sandgate_http_reply *reply) {
    wasi_http_types_borrow_incoming_response_t read = wasi_http_types_borrow_incoming_response(response);
    reply->status = wasi_http_types_method_incoming_response_status(read);
    read_fields(read, reply);
    wasi_http_types_own_incoming_body_t content;
    if (!wasi_http_types_method_incoming_response_consume(read, &content)) {
        return failed(internal_error);
    }
    sandgate_http_outcome outcome = read_body(content, limit, until, &reply->body);
    wasi_http_types_incoming_body_drop_own(content);
    return outcome;
}

static sandgate_http_outcome answered(
    const sandgate_http_request *request, const struct deadline *until, sandgate_http_reply *reply) {
    wasi_http_types_own_future_incoming_response_t coming;
    sandgate_http_outcome outcome = sent(request, until, &coming);
    if (outcome != SANDGATE_HTTP_REPLIED) {
        return outcome;
    }
    wasi_http_types_borrow_future_incoming_response_t awaited = wasi_http_types_borrow_future_incoming_response(coming);
    wasi_http_types_result_result_own_incoming_response_error_code_void_t got;
    if (!waited(until, wasi_http_types_method_future_incoming_response_subscribe(awaited))) {
        outcome = timed_out();
    } else if (!wasi_http_types_method_future_incoming_response_get(awaited, &got) || got.is_err) {
        outcome = failed(internal_error);
    } else if (got.val.ok.is_err) {
        outcome = refused(&got.val.ok.val.err);
    } else {
        wasi_http_types_own_incoming_response_t response = got.val.ok.val.ok;
        outcome = read_reply(response, request->limit == 0 ? SANDGATE_HTTP_LIMIT : request->limit, until, reply);
        wasi_http_types_incoming_response_drop_own(response);
    }
    wasi_http_types_future_incoming_response_drop_own(coming);
    return outcome;
}

sandgate_http_outcome sandgate_http_send(sandgate_http_request request, sandgate_http_reply *reply) {
    *reply = (sandgate_http_reply){0};
    why = NULL;
    struct deadline until = {.set = request.timeout_ms > 0};
    if (until.set) {
        until.timer = wasi_clocks_monotonic_clock_subscribe_duration((uint64_t)request.timeout_ms * 1000000);
    }
    sandgate_http_outcome outcome = answered(&request, &until, reply);
    if (until.set) {
        wasi_io_poll_pollable_drop_own(until.timer);
    }
    if (outcome != SANDGATE_HTTP_REPLIED) {
        *reply = (sandgate_http_reply){0};
    }
    return outcome;
}

sandgate_http_outcome sandgate_http_get(const char *url, sandgate_http_reply *reply) {
    return sandgate_http_send((sandgate_http_request){.url = sandgate_text_of(url)}, reply);
}

sandgate_http_outcome sandgate_http_post(const char *url, sandgate_text body, sandgate_http_reply *reply) {
    return sandgate_http_send(
        (sandgate_http_request){.method = "POST", .url = sandgate_text_of(url), .body = body}, reply);
}

sandgate_text sandgate_http_header(const sandgate_http_reply *reply, const char *name) {
    size_t length = strlen(name);
    for (size_t index = 0; index < reply->field_count; index++) {
        sandgate_text one = reply->fields[index].name;
        if (one.length == length && strncasecmp(one.bytes, name, length) == 0) {
            return reply->fields[index].value;
        }
    }
    return (sandgate_text){0};
}

const char *sandgate_http_failure(void) {
    return why;
}
