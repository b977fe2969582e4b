"""Asks what it is told to ask, and answers with what came of it."""

from sandgate import answer, http, pre_call

KINDS = {
    http.Denied: "denied",
    http.TooLarge: "too-large",
    http.TimedOut: "timed-out",
    http.Refused: "refused",
    http.Cut: "cut",
    http.Failure: "failed",
}


@pre_call("tools/call", type="mutation")
def ask(ctx, params):
    method, url, body = (params.get(f"/arguments/{name}") for name in ("method", "url", "body"))
    ms = params.get("/arguments/timeout")
    timeout = None if ms is None else ms / 1000
    try:
        reply = http.request(method or "GET", url, body=body or "", headers={"x-asked": "yes"}, limit=1000, timeout=timeout)
    except http.Failure as failure:
        return answer({"failed": KINDS[type(failure)]})
    return answer({"status": reply.status, "body": reply.text(), "type": reply.headers.get("content-type")})
