// Refuses destructive commands, and deletions by anybody who is no admin.
#include <algorithm>
#include <string_view>

#include "sandgate.h"

static std::string_view view(sandgate_text text) {
    return {text.bytes, text.length};
}

extern "C" sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    if (sandgate_texts_contain(params, "rm -rf")) {
        return sandgate_refuse("command.destructive", "destructive command");
    }
    auto groups = sandgate_groups(context);
    bool admin = std::any_of(groups.all, groups.all + groups.count, [](auto group) { return view(group) == "admins"; });
    if (view(sandgate_target(context)).starts_with("delete_") && !admin) {
        return sandgate_refuse("delete.forbidden", "Only admins may delete.");
    }
    return sandgate_proceed();
}
