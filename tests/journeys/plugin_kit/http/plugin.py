"""Asks what it is told to ask, and answers with what came of it."""

from sandgate import answer, http, pre_call

KINDS = {http.Denied: "denied", http.TooLarge: "too-large", http.Failure: "failed"}


@pre_call("tools/call", type="mutation")
def ask(ctx, params):
    method, url, body = (params.get(f"/arguments/{name}") for name in ("method", "url", "body"))
    try:
        reply = http.request(method or "GET", url, body=body or "", headers={"x-asked": "yes"}, limit=1000)
    except http.Failure as failure:
        return answer({"failed": KINDS[type(failure)]})
    return answer({"status": reply.status, "body": reply.text(), "type": reply.headers.get("content-type")})
