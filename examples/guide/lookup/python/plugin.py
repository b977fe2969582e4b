import json

from sandgate import Context, Document, Refusal, finding, http, pre_call, refuse


# ANCHOR: http
@pre_call("tools/call")
def lookup(ctx: Context, params: Document) -> Refusal | None:
    asked = json.dumps({"tool": ctx.target})
    try:
        reply = http.post("https://tools.example.com/known", asked, timeout=0.05)
    except http.TimedOut:
        finding("lookup.late", "nobody knew in time", severity="warn", part="params")
        return None
    except (http.Refused, http.Cut):
        return refuse("lookup.down", "Nobody can say whether this tool is known.")
    if reply.status != 200:
        return refuse("lookup.unknown", "This tool is not known.")
    return None
# ANCHOR_END: http
