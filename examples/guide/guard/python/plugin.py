from sandgate import Context, Document, Refusal, pre_call, refuse


@pre_call("tools/call")
def check(ctx: Context, params: Document) -> Refusal | None:
    if any("rm -rf" in text for text in params.texts()):
        return refuse("command.destructive", "destructive command")
    if (ctx.target or "").startswith("delete_") and "admins" not in ctx.groups:
        return refuse("delete.forbidden", "Only admins may delete.")
    return None
