// A plugin in C++: its own standard library, the SDK's header.
#include <string>
#include <vector>

#include "sandgate_http.h"

namespace {
struct Settings {
    std::int64_t most = 3;
    sandgate_list never = {};
};
Settings settings;

constexpr sandgate_field fields[] = {
    SANDGATE_FIELD(Settings, most),
    SANDGATE_FIELD(Settings, never),
};
} // namespace

const char *sandgate_configure(sandgate_text text) {
    return sandgate_read(text, fields, &settings);
}

sandgate_decision sandgate_pre_call(sandgate_context, sandgate_document params) {
    std::vector<std::string> words;
    sandgate_list texts = sandgate_texts(params);
    for (std::size_t index = 0; index < texts.count; index++) {
        words.emplace_back(texts.all[index].bytes, texts.all[index].length);
    }
    for (std::size_t index = 0; index < settings.never.count; index++) {
        std::string never(settings.never.all[index].bytes, settings.never.all[index].length);
        for (const std::string &word : words) {
            if (word.find(never) != std::string::npos) {
                return sandgate_refuse("never", ("never " + never).c_str());
            }
        }
    }
    if (static_cast<std::int64_t>(words.size()) > settings.most) {
        return sandgate_error("too many words");
    }
    return sandgate_proceed();
}
