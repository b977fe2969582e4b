// Refuses destructive commands, and deletions by anybody who is no admin.
const std = @import("std");
const sandgate = @import("sandgate");

fn slice(text: sandgate.sandgate_text) []const u8 {
    return if (text.length == 0) "" else text.bytes[0..text.length];
}

export fn sandgate_pre_call(context: sandgate.sandgate_context, params: sandgate.sandgate_document) sandgate.sandgate_decision {
    if (sandgate.sandgate_texts_contain(params, "rm -rf")) {
        return sandgate.sandgate_refuse("command.destructive", "destructive command");
    }
    const groups = sandgate.sandgate_groups(context);
    var admin = false;
    for (0..groups.count) |index| {
        admin = admin or std.mem.eql(u8, slice(groups.all[index]), "admins");
    }
    if (std.mem.startsWith(u8, slice(sandgate.sandgate_target(context)), "delete_") and !admin) {
        return sandgate.sandgate_refuse("delete.forbidden", "Only admins may delete.");
    }
    return sandgate.sandgate_proceed();
}
