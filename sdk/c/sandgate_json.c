/* Reads JSON text: strictly RFC 8259, without recursion, one walk for each value that is asked for. Where a member name
 * stands twice, nothing can be read by it: two readers of such a text need not agree. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sandgate.h"

/* Deeper text is taken for none. What the gateway lets in is less deep. */
#define DEEPEST 128

typedef enum { FOUND, ABSENT, NO_JSON, OTHER_KIND, OUT_OF_RANGE } outcome;

static void space(const char **at, const char *end) {
    while (*at < end && (**at == ' ' || **at == '\t' || **at == '\n' || **at == '\r')) {
        ++*at;
    }
}

static bool digits(const char **at, const char *end) {
    const char *from = *at;
    while (*at < end && **at >= '0' && **at <= '9') {
        ++*at;
    }
    return *at > from;
}

static bool skip_number(const char **at, const char *end) {
    *at += *at < end && **at == '-';
    if (*at < end && **at == '0') {
        ++*at;
    } else if (!digits(at, end)) {
        return false;
    }
    if (*at < end && **at == '.') {
        ++*at;
        if (!digits(at, end)) {
            return false;
        }
    }
    if (*at < end && (**at == 'e' || **at == 'E')) {
        ++*at;
        *at += *at < end && (**at == '+' || **at == '-');
        return digits(at, end);
    }
    return true;
}

/* Four hexadecimal digits; -1 where there are none. */
static int32_t hex(const char *at, const char *end) {
    int32_t value = 0;
    if (end - at < 4) {
        return -1;
    }
    for (const char *last = at + 4; at < last; at++) {
        int32_t digit = *at >= '0' && *at <= '9'   ? *at - '0'
                        : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10
                        : *at >= 'A' && *at <= 'F' ? *at - 'A' + 10
                                                   : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static void add_utf8(sandgate_buffer *buffer, uint32_t code) {
    char bytes[4];
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t index = length - 1; index > 0; index--) {
        bytes[index] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    bytes[0] = (char)(first[length] | code);
    sandgate_add(buffer, bytes, length);
}

/* Over a string, whose quotation mark `at` stands on; what it says goes to `into`, unless that is NULL. Half of a
 * surrogate pair is no text. */
static bool string(const char **at, const char *end, sandgate_buffer *into) {
    if (*at >= end || **at != '"') {
        return false;
    }
    const char *c = *at + 1;
    while (c < end) {
        const char *plain = c;
        while (c < end && *c != '"' && *c != '\\' && (uint8_t)*c >= 0x20) {
            c++;
        }
        if (into != NULL && c > plain) {
            sandgate_add(into, plain, (size_t)(c - plain));
        }
        if (c >= end || (uint8_t)*c < 0x20) {
            return false;
        }
        if (*c == '"') {
            *at = c + 1;
            return true;
        }
        if (++c >= end) {
            return false;
        }
        static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
        const char *named = *c == 0 ? NULL : strchr(names, *c);
        uint32_t code;
        if (named != NULL) {
            code = (uint32_t)means[named - names];
            c++;
        } else {
            int32_t high = *c == 'u' ? hex(c + 1, end) : -1;
            if (high < 0 || (high >= 0xDC00 && high < 0xE000)) {
                return false;
            }
            c += 5;
            code = (uint32_t)high;
            if (high >= 0xD800 && high < 0xDC00) {
                int32_t low = end - c >= 6 && c[0] == '\\' && c[1] == 'u' ? hex(c + 2, end) : -1;
                if (low < 0xDC00 || low >= 0xE000) {
                    return false;
                }
                c += 6;
                code = 0x10000 + (((uint32_t)high - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
            }
        }
        if (into != NULL) {
            add_utf8(into, code);
        }
    }
    return false;
}

static bool word(const char **at, const char *end, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(end - *at) < length || memcmp(*at, word, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

static bool scalar(const char **at, const char *end) {
    switch (*at < end ? **at : 0) {
    case '"':
        return string(at, end, NULL);
    case 't':
        return word(at, end, "true");
    case 'f':
        return word(at, end, "false");
    case 'n':
        return word(at, end, "null");
    default:
        return skip_number(at, end);
    }
}

/* Over `"name":`. */
static bool name(const char **at, const char *end, sandgate_buffer *into) {
    space(at, end);
    if (!string(at, end, into)) {
        return false;
    }
    space(at, end);
    if (!word(at, end, ":")) {
        return false;
    }
    space(at, end);
    return true;
}

/* Over a value of any kind, `depth` levels below the first. */
static bool skip(const char **at, const char *end, size_t depth) {
    char closing[DEEPEST];
    size_t open = 0;
    for (;;) {
        char c = *at < end ? **at : 0;
        if (c == '{' || c == '[') {
            if (depth + open >= DEEPEST) {
                return false;
            }
            closing[open++] = c == '{' ? '}' : ']';
            ++*at;
            space(at, end);
            if (*at < end && **at == closing[open - 1]) {
                ++*at;
                open--;
            } else if (c == '{' && !name(at, end, NULL)) {
                return false;
            } else {
                continue;
            }
        } else if (!scalar(at, end)) {
            return false;
        }
        /* Behind a value: what is open may end here, or goes on. */
        for (;;) {
            if (open == 0) {
                return true;
            }
            space(at, end);
            if (*at < end && **at == closing[open - 1]) {
                ++*at;
                open--;
                continue;
            }
            if (!word(at, end, ",")) {
                return false;
            }
            space(at, end);
            if (closing[open - 1] == '}' && !name(at, end, NULL)) {
                return false;
            }
            break;
        }
    }
}

/* The next reference token of a pointer, with `~0` and `~1` as what they stand for. */
static bool token(const char **pointer, sandgate_buffer *into) {
    if (**pointer != '/') {
        return false;
    }
    for (++*pointer; **pointer != 0 && **pointer != '/'; ++*pointer) {
        char c = **pointer;
        if (c == '~') {
            ++*pointer;
            if (**pointer != '0' && **pointer != '1') {
                return false;
            }
            c = **pointer == '0' ? '~' : '/';
        }
        sandgate_add(into, &c, 1);
    }
    return true;
}

/* The member of this name, or the element of this index, of the value; the whole of it is walked. */
static outcome below(sandgate_text whole, sandgate_buffer wanted, size_t depth, sandgate_text *value) {
    const char *at = whole.bytes, *end = whole.bytes + whole.length;
    char closing = *at == '{' ? '}' : *at == '[' ? ']' : 0;
    if (closing == 0) {
        return ABSENT;
    }
    /* `01` and `-` are no indices. */
    bool index = wanted.length > 0 && wanted.length < 10 && (wanted.bytes[0] != '0' || wanted.length == 1);
    size_t nth = 0;
    for (size_t digit = 0; digit < wanted.length && index; digit++) {
        index = wanted.bytes[digit] >= '0' && wanted.bytes[digit] <= '9';
        nth = nth * 10 + (size_t)(wanted.bytes[digit] - '0');
    }
    outcome found = ABSENT;
    at++;
    space(&at, end);
    if (at < end && *at == closing) {
        return ABSENT;
    }
    for (size_t count = 0;; count++) {
        bool it = closing == ']' && index && count == nth;
        if (closing == '}') {
            sandgate_buffer called = {0};
            if (!name(&at, end, &called)) {
                return NO_JSON;
            }
            it = called.length == wanted.length && (wanted.length == 0 || memcmp(called.bytes, wanted.bytes, wanted.length) == 0);
            free(called.bytes);
        }
        const char *from = at;
        if (!skip(&at, end, depth)) {
            return NO_JSON;
        }
        if (it) {
            if (found == FOUND) {
                return NO_JSON;
            }
            found = FOUND;
            *value = (sandgate_text){from, (size_t)(at - from)};
        }
        space(&at, end);
        if (word(&at, end, ",")) {
            space(&at, end);
            continue;
        }
        return at < end && *at == closing ? found : NO_JSON;
    }
}

static outcome find(sandgate_text json, const char *pointer, sandgate_text *value) {
    if (json.bytes == NULL) {
        return ABSENT;
    }
    const char *at = json.bytes, *end = json.bytes + json.length;
    space(&at, end);
    const char *from = at;
    if (!skip(&at, end, 0)) {
        return NO_JSON;
    }
    *value = (sandgate_text){from, (size_t)(at - from)};
    space(&at, end);
    if (at != end) {
        return NO_JSON;
    }
    for (size_t depth = 1; *pointer != 0; depth++) {
        sandgate_buffer wanted = {0};
        outcome found = token(&pointer, &wanted) ? below(*value, wanted, depth, value) : ABSENT;
        free(wanted.bytes);
        if (found != FOUND) {
            return found;
        }
    }
    return FOUND;
}

/* ---- kinds ---- */

static outcome to_integer(sandgate_text json, bool *negative, uint64_t *value) {
    const char *at = json.bytes, *end = json.bytes + json.length;
    *negative = at < end && *at == '-';
    at += *negative;
    if (at == end || *at < '0' || *at > '9') {
        return OTHER_KIND;
    }
    outcome found = FOUND;
    for (*value = 0; at < end; at++) {
        if (*at < '0' || *at > '9') {
            return OTHER_KIND;
        }
        uint64_t digit = (uint64_t)(*at - '0');
        if (*value > (UINT64_MAX - digit) / 10) {
            found = OUT_OF_RANGE;
        } else {
            *value = *value * 10 + digit;
        }
    }
    return found;
}

static outcome to_signed(sandgate_text json, int64_t least, int64_t most, int64_t *value) {
    bool negative;
    uint64_t size;
    outcome found = to_integer(json, &negative, &size);
    if (found != FOUND) {
        return found;
    }
    if (size > (negative ? (uint64_t)-(least + 1) + 1 : (uint64_t)most)) {
        return OUT_OF_RANGE;
    }
    *value = negative ? (int64_t)(0 - size) : (int64_t)size;
    return FOUND;
}

static outcome to_unsigned(sandgate_text json, uint64_t most, uint64_t *value) {
    bool negative;
    uint64_t size;
    outcome found = to_integer(json, &negative, &size);
    if (found != FOUND) {
        return found;
    }
    if ((negative && size > 0) || size > most) {
        return OUT_OF_RANGE;
    }
    *value = size;
    return FOUND;
}

static outcome to_number(sandgate_text json, double *value) {
    if (*json.bytes != '-' && (*json.bytes < '0' || *json.bytes > '9')) {
        return OTHER_KIND;
    }
    sandgate_buffer ended = {0};
    sandgate_add(&ended, json.bytes, json.length);
    sandgate_add(&ended, "", 1);
    double number = strtod(ended.bytes, NULL);
    free(ended.bytes);
    if (!isfinite(number)) {
        return OUT_OF_RANGE;
    }
    *value = number;
    return FOUND;
}

static outcome to_bool(sandgate_text json, bool *value) {
    if (*json.bytes != 't' && *json.bytes != 'f') {
        return OTHER_KIND;
    }
    *value = *json.bytes == 't';
    return FOUND;
}

static outcome to_text(sandgate_text json, sandgate_text *value) {
    const char *at = json.bytes;
    sandgate_buffer text = {0};
    if (!string(&at, json.bytes + json.length, &text)) {
        return OTHER_KIND;
    }
    sandgate_add(&text, "", 1);
    *value = (sandgate_text){text.bytes, text.length - 1};
    return FOUND;
}

static outcome to_list(sandgate_text json, sandgate_list *value) {
    if (*json.bytes != '[') {
        return OTHER_KIND;
    }
    const char *at = json.bytes + 1, *end = json.bytes + json.length;
    sandgate_buffer list = {0};
    space(&at, end);
    while (*at != ']') {
        sandgate_text text, element = {at, (size_t)(end - at)};
        if (to_text(element, &text) != FOUND || !string(&at, end, NULL)) {
            return OTHER_KIND;
        }
        sandgate_add(&list, (const char *)&text, sizeof text);
        space(&at, end);
        if (word(&at, end, ",")) {
            space(&at, end);
        }
    }
    *value = (sandgate_list){(sandgate_text *)(void *)list.bytes, list.length / sizeof(sandgate_text)};
    return FOUND;
}

/* ---- what plugins call ---- */

sandgate_text sandgate_json_at(sandgate_text json, const char *pointer) {
    sandgate_text value;
    return find(json, pointer, &value) == FOUND ? value : (sandgate_text){0};
}

#define READER(name, type, made)                                                                                        \
    bool name(sandgate_text json, const char *pointer, type *value) {                                                   \
        sandgate_text found;                                                                                            \
        return find(json, pointer, &found) == FOUND && (made) == FOUND;                                                 \
    }

READER(sandgate_json_integer, int64_t, to_signed(found, INT64_MIN, INT64_MAX, value))
READER(sandgate_json_number, double, to_number(found, value))
READER(sandgate_json_bool, bool, to_bool(found, value))
READER(sandgate_json_text, sandgate_text, to_text(found, value))
READER(sandgate_json_list, sandgate_list, to_list(found, value))

static outcome into(const sandgate_field *field, sandgate_text json, char *place) {
    int64_t integer = 0;
    uint64_t natural = 0;
    outcome found;
    switch (field->kind) {
    case SANDGATE_INT32:
        if ((found = to_signed(json, INT32_MIN, INT32_MAX, &integer)) == FOUND) {
            *(int32_t *)(void *)place = (int32_t)integer;
        }
        return found;
    case SANDGATE_UINT32:
        if ((found = to_unsigned(json, UINT32_MAX, &natural)) == FOUND) {
            *(uint32_t *)(void *)place = (uint32_t)natural;
        }
        return found;
    case SANDGATE_INT64:
        return to_signed(json, INT64_MIN, INT64_MAX, (int64_t *)(void *)place);
    case SANDGATE_UINT64:
        return to_unsigned(json, UINT64_MAX, (uint64_t *)(void *)place);
    case SANDGATE_DOUBLE:
        return to_number(json, (double *)(void *)place);
    case SANDGATE_BOOL:
        return to_bool(json, (bool *)(void *)place);
    case SANDGATE_TEXT:
        return to_text(json, (sandgate_text *)(void *)place);
    case SANDGATE_LIST:
        return to_list(json, (sandgate_list *)(void *)place);
    }
    return OTHER_KIND;
}

static const char *wrong(const char *pointer, const char *what) {
    sandgate_buffer text = {0};
    sandgate_add(&text, pointer, strlen(pointer));
    sandgate_add(&text, what, strlen(what) + 1);
    return text.bytes;
}

const char *sandgate_read_fields(sandgate_text json, const sandgate_field *fields, size_t count, void *target) {
    static const char *const kinds[] = {
        ": is not an integer", ": is not an integer", ": is not an integer", ": is not an integer",
        ": is not a number",   ": is not a boolean",  ": is not text",       ": is not a list of texts",
    };
    sandgate_text value;
    if (find(json, "", &value) != FOUND) {
        return "is not JSON";
    }
    for (const sandgate_field *field = fields; field < fields + count; field++) {
        outcome found = find(json, field->pointer, &value);
        if (found == FOUND) {
            found = into(field, value, (char *)target + field->offset);
        }
        switch (found) {
        case FOUND:
        case ABSENT:
            break;
        case NO_JSON:
            return wrong(field->pointer, ": a name on the way there stands twice");
        case OTHER_KIND:
            return wrong(field->pointer, kinds[field->kind]);
        case OUT_OF_RANGE:
            return wrong(field->pointer, ": is out of range");
        }
    }
    return NULL;
}

void sandgate_add_json(sandgate_buffer *buffer, sandgate_text text) {
    static const char digit[] = "0123456789abcdef";
    sandgate_add(buffer, "\"", 1);
    size_t kept = 0;
    for (size_t at = 0; at < text.length; at++) {
        uint8_t c = (uint8_t)text.bytes[at];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        sandgate_add(buffer, text.bytes + kept, at - kept);
        kept = at + 1;
        if (c >= 0x20) {
            char escaped[] = {'\\', (char)c};
            sandgate_add(buffer, escaped, sizeof escaped);
        } else {
            char escaped[] = {'\\', 'u', '0', '0', digit[c >> 4], digit[c & 15]};
            sandgate_add(buffer, escaped, sizeof escaped);
        }
    }
    sandgate_add(buffer, text.bytes + kept, text.length - kept);
    sandgate_add(buffer, "\"", 1);
}
