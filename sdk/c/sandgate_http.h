/* HTTP requests, to the hosts that the operator grants. The manifest asks for them:
 *
 *     [asks]
 *     http = { hosts = ["api.example.com"], why = "looks up what it is asked about" }
 *
 * A request takes of the hook's own time and is cut with it, unless its own `timeout_ms` is shorter: then it is
 * SANDGATE_HTTP_TIMED_OUT, and the hook can still decide. Nothing is retried and no redirect is followed. A plugin that sends
 * none imports nothing of this.
 *
 *     #include "sandgate_http.h"
 *
 *     sandgate_http_reply reply;
 *     switch (sandgate_http_get("https://api.example.com/v1?q=1", &reply)) {
 *     case SANDGATE_HTTP_REPLIED:
 *         return reply.status == 200 ? sandgate_proceed() : sandgate_refuse("not.known", "nobody knows it");
 *     default:
 *         return sandgate_error(sandgate_http_failure());
 *     } */
#ifndef SANDGATE_HTTP_H
#define SANDGATE_HTTP_H

#include "sandgate.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a reply's body, unless a request says otherwise. */
#define SANDGATE_HTTP_LIMIT (1 << 20)

/* What came of a request. */
typedef enum {
    /* A reply, whatever its status. */
    SANDGATE_HTTP_REPLIED,
    /* The operator has not granted this host, or the manifest does not ask for http. */
    SANDGATE_HTTP_DENIED,
    /* The reply's body has more bytes than the limit. */
    SANDGATE_HTTP_TOO_LARGE,
    /* The URL is none that can be asked: begins with `http://` or `https://` and a host. */
    SANDGATE_HTTP_URL,
    /* There is no reply for another reason, which `sandgate_http_failure` says. */
    SANDGATE_HTTP_FAILED,
    /* It took longer than `timeout_ms`, or connecting longer than it may. */
    SANDGATE_HTTP_TIMED_OUT,
    /* Nobody takes the connection: there is no such host, or nothing listens there. */
    SANDGATE_HTTP_REFUSED,
    /* The connection ended before the reply did. */
    SANDGATE_HTTP_CUT
} sandgate_http_outcome;

/* One header. Those of a reply have their names in small letters. */
typedef struct {
    sandgate_text name, value;
} sandgate_http_field;

/* What is sent. What is left out: GET, no headers, no body, SANDGATE_HTTP_LIMIT, the hook's own time. */
typedef struct {
    const char *method;
    sandgate_text url;
    const sandgate_http_field *fields;
    size_t field_count;
    sandgate_text body;
    /* The most bytes that the reply's body may have. */
    size_t limit;
    /* Milliseconds from sending to the reply's last byte. */
    uint32_t timeout_ms;
} sandgate_http_request;

/* What came back. Values and body are as the other side sent them, which need not be UTF-8: what goes on of them, into a
 * decision or a finding, goes through `sandgate_http_text`. */
typedef struct {
    uint16_t status;
    const sandgate_http_field *fields;
    size_t field_count;
    sandgate_text body;
} sandgate_http_reply;

/* Asks for what is there. */
sandgate_http_outcome sandgate_http_get(const char *url, sandgate_http_reply *reply);
/* Sends something there. */
sandgate_http_outcome sandgate_http_post(const char *url, sandgate_text body, sandgate_http_reply *reply);
/* Asks, and waits for the whole reply. Where there is none, `reply` is empty. */
sandgate_http_outcome sandgate_http_send(sandgate_http_request request, sandgate_http_reply *reply);
/* The first header of this name, whose case does not matter; none where there is none. */
sandgate_text sandgate_http_header(const sandgate_http_reply *reply, const char *name);
/* These bytes as UTF-8; what is none of it is replaced. */
sandgate_text sandgate_http_text(sandgate_text bytes);
/* Why the last request had no reply: for those that timed out, were refused or cut, or failed, WASI's word for it, for example `connection-refused`; NULL where
 * it had one. */
const char *sandgate_http_failure(void);

#ifdef __cplusplus
}
#endif

#endif
