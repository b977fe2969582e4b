#include "sandgate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interceptor.h"

/* Edits in the order in which they were made. */
struct sandgate_edits {
    sandgate_interceptor_decision_edit_t *all;
    size_t count, room;
};

/* Which document a finding is about. */
static sandgate_interceptor_report_part_t here = SANDGATE_INTERCEPTOR_REPORT_PART_PARAMS;

static void *must(void *memory) {
    if (memory == NULL) {
        fputs("sandgate: out of memory\n", stderr);
        abort();
    }
    return memory;
}

static sandgate_text copy(const char *bytes, size_t length) {
    char *kept = must(malloc(length + 1));
    memcpy(kept, bytes, length);
    kept[length] = 0;
    return (sandgate_text){kept, length};
}

static sandgate_text taken(interceptor_string_t string) {
    return (sandgate_text){(const char *)string.ptr, string.len};
}

static interceptor_string_t given(sandgate_text text) {
    sandgate_text kept = copy(text.bytes, text.length);
    return (interceptor_string_t){(uint8_t *)kept.bytes, kept.length};
}

/* For a call only: not copied. */
static interceptor_string_t lent(const char *string) {
    return (interceptor_string_t){(uint8_t *)string, strlen(string)};
}

sandgate_text sandgate_text_of(const char *string) {
    return (sandgate_text){string, string == NULL ? 0 : strlen(string)};
}

void sandgate_add(sandgate_buffer *buffer, const char *bytes, size_t length) {
    if (length > SIZE_MAX / 4 || buffer->length > SIZE_MAX / 4) {
        must(NULL);
    }
    if (buffer->length + length > buffer->room) {
        buffer->room = (buffer->length + length) * 2 + 64;
        buffer->bytes = must(realloc(buffer->bytes, buffer->room));
    }
    if (length > 0) {
        memcpy(buffer->bytes + buffer->length, bytes, length);
    }
    buffer->length += length;
}

/* ---- decisions ---- */

sandgate_decision sandgate_proceed(void) {
    return (sandgate_decision){.kind = SANDGATE_PROCEED};
}

sandgate_decision sandgate_refuse(const char *code, const char *message) {
    return (sandgate_decision){
        .kind = SANDGATE_REFUSE,
        .text = copy(code, strlen(code)),
        .message = copy(message, strlen(message)),
    };
}

sandgate_decision sandgate_refuse_at(
    const char *code, const char *message, sandgate_text pointer, sandgate_text details) {
    sandgate_decision decision = sandgate_refuse(code, message);
    decision.pointer = pointer.bytes == NULL ? pointer : copy(pointer.bytes, pointer.length);
    decision.details = details.bytes == NULL ? details : copy(details.bytes, details.length);
    return decision;
}

sandgate_decision sandgate_replace(sandgate_text json) {
    return (sandgate_decision){.kind = SANDGATE_REPLACE, .text = copy(json.bytes, json.length)};
}

sandgate_decision sandgate_answer(sandgate_text json) {
    return (sandgate_decision){.kind = SANDGATE_ANSWER, .text = copy(json.bytes, json.length)};
}

/* `src/plugin.c:12 in check`: the path begins where the project's sources do. */
static sandgate_text frame_of(const char *file, int line, const char *function) {
    const char *from = file;
    for (const char *at = strstr(file, "/src/"); at != NULL; at = strstr(at + 1, "/src/")) {
        from = at + 1;
    }
    char number[16];
    snprintf(number, sizeof number, ":%d in ", line);
    sandgate_buffer text = {0};
    sandgate_add(&text, from, strlen(from));
    sandgate_add(&text, number, strlen(number));
    sandgate_add(&text, function, strlen(function));
    return (sandgate_text){text.bytes, text.length};
}

sandgate_decision sandgate_error_at(const char *file, int line, const char *function, const char *message) {
    return (sandgate_decision){
        .kind = SANDGATE_ERROR,
        .frame = frame_of(file, line, function),
        .message = copy(message, strlen(message)),
    };
}

static void edit(sandgate_decision *decision, sandgate_interceptor_decision_edit_t one) {
    if (decision->kind != SANDGATE_PROCEED && decision->kind != SANDGATE_EDIT) {
        fputs("sandgate: an edit of a decision that is neither to proceed nor to edit\n", stderr);
        abort();
    }
    decision->kind = SANDGATE_EDIT;
    if (decision->edits == NULL) {
        decision->edits = must(calloc(1, sizeof *decision->edits));
    }
    struct sandgate_edits *edits = decision->edits;
    if (edits->count == edits->room) {
        edits->room = edits->room * 2 + 8;
        edits->all = must(realloc(edits->all, edits->room * sizeof *edits->all));
    }
    edits->all[edits->count++] = one;
}

void sandgate_set(sandgate_decision *decision, const char *pointer, sandgate_text json) {
    sandgate_interceptor_decision_edit_t one = {.tag = SANDGATE_INTERCEPTOR_DECISION_EDIT_SET};
    one.val.set.f0 = given(sandgate_text_of(pointer));
    one.val.set.f1 = given(json);
    edit(decision, one);
}

void sandgate_remove(sandgate_decision *decision, const char *pointer) {
    sandgate_interceptor_decision_edit_t one = {.tag = SANDGATE_INTERCEPTOR_DECISION_EDIT_REMOVE};
    one.val.remove = given(sandgate_text_of(pointer));
    edit(decision, one);
}

/* ---- documents ---- */

static sandgate_interceptor_call_borrow_document_t of_document(sandgate_document document) {
    return (sandgate_interceptor_call_borrow_document_t){document.handle};
}

static sandgate_interceptor_call_borrow_context_t of_context(sandgate_context context) {
    return (sandgate_interceptor_call_borrow_context_t){context.handle};
}

uint64_t sandgate_size(sandgate_document document) {
    return sandgate_interceptor_call_method_document_size(of_document(document));
}

sandgate_text sandgate_json(sandgate_document document) {
    interceptor_string_t string;
    sandgate_interceptor_call_method_document_json(of_document(document), &string);
    return taken(string);
}

sandgate_text sandgate_get(sandgate_document document, const char *pointer) {
    interceptor_string_t string, path = lent(pointer);
    if (!sandgate_interceptor_call_method_document_get(of_document(document), &path, &string)) {
        return (sandgate_text){0};
    }
    return taken(string);
}

/* The n-th text of a run; the first begins at 0, each other behind the line feed after the one before. */
static sandgate_text nth(const sandgate_interceptor_call_text_run_t *run, size_t index) {
    size_t from = index == 0 ? 0 : run->ends.ptr[index - 1] + 1;
    return (sandgate_text){(const char *)run->text.ptr + from, run->ends.ptr[index] - from};
}

static bool contains(sandgate_text text, sandgate_text needle) {
    for (size_t at = 0; at + needle.length <= text.length; at++) {
        if (memcmp(text.bytes + at, needle.bytes, needle.length) == 0) {
            return true;
        }
    }
    return false;
}

bool sandgate_texts_contain(sandgate_document document, const char *needle) {
    sandgate_interceptor_call_text_run_t run;
    sandgate_interceptor_call_method_document_texts(of_document(document), &run);
    for (size_t index = 0; index < run.ends.len; index++) {
        if (contains(nth(&run, index), sandgate_text_of(needle))) {
            return true;
        }
    }
    return false;
}

sandgate_decision sandgate_map_texts(sandgate_document document, sandgate_change change, void *user) {
    sandgate_decision decision = sandgate_proceed();
    sandgate_interceptor_call_text_run_t run;
    sandgate_interceptor_call_method_document_texts(of_document(document), &run);
    for (size_t index = 0; index < run.ends.len; index++) {
        sandgate_buffer changed = {0};
        if (change(nth(&run, index), &changed, user)) {
            sandgate_interceptor_decision_edit_t one = {.tag = SANDGATE_INTERCEPTOR_DECISION_EDIT_TEXT};
            one.val.text.f0 = (uint32_t)index;
            one.val.text.f1 = given((sandgate_text){changed.bytes, changed.length});
            edit(&decision, one);
        }
        free(changed.bytes);
    }
    return decision;
}

static sandgate_list list_of(const sandgate_interceptor_call_text_run_t *run) {
    sandgate_text *all = must(calloc(run->ends.len + 1, sizeof *all));
    for (size_t index = 0; index < run->ends.len; index++) {
        all[index] = nth(run, index);
    }
    return (sandgate_list){all, run->ends.len};
}

sandgate_list sandgate_texts(sandgate_document document) {
    sandgate_interceptor_call_text_run_t run;
    sandgate_interceptor_call_method_document_texts(of_document(document), &run);
    return list_of(&run);
}

sandgate_list sandgate_strings(sandgate_document document) {
    sandgate_interceptor_call_text_run_t run;
    sandgate_interceptor_call_method_document_strings(of_document(document), &run);
    return list_of(&run);
}

sandgate_list sandgate_keys(sandgate_document document) {
    sandgate_interceptor_call_text_run_t run;
    sandgate_interceptor_call_method_document_keys(of_document(document), &run);
    return list_of(&run);
}

sandgate_text sandgate_text_pointer(sandgate_document document, uint32_t index) {
    interceptor_string_t string;
    bool there = sandgate_interceptor_call_method_document_text_pointer(of_document(document), index, &string);
    return there ? taken(string) : (sandgate_text){0};
}

sandgate_text sandgate_string_pointer(sandgate_document document, uint32_t index) {
    interceptor_string_t string;
    bool there = sandgate_interceptor_call_method_document_string_pointer(of_document(document), index, &string);
    return there ? taken(string) : (sandgate_text){0};
}

/* ---- context ---- */

sandgate_text sandgate_id(sandgate_context context) {
    interceptor_string_t string;
    sandgate_interceptor_call_method_context_id(of_context(context), &string);
    return taken(string);
}

sandgate_text sandgate_direction(sandgate_context context) {
    interceptor_string_t string;
    sandgate_interceptor_call_method_context_direction(of_context(context), &string);
    return taken(string);
}

sandgate_text sandgate_session(sandgate_context context) {
    interceptor_string_t string;
    bool there = sandgate_interceptor_call_method_context_session(of_context(context), &string);
    return there ? taken(string) : (sandgate_text){0};
}

sandgate_text sandgate_definition(sandgate_context context) {
    interceptor_string_t string;
    bool there = sandgate_interceptor_call_method_context_definition(of_context(context), &string);
    return there ? taken(string) : (sandgate_text){0};
}

sandgate_list sandgate_groups(sandgate_context context) {
    sandgate_list groups = {0};
    sandgate_json_list(sandgate_attribute(context, "groups"), "", &groups);
    return groups;
}

bool sandgate_params(sandgate_context context, sandgate_document *params) {
    sandgate_interceptor_call_own_document_t owned;
    if (!sandgate_interceptor_call_method_context_params(of_context(context), &owned)) {
        return false;
    }
    *params = (sandgate_document){sandgate_interceptor_call_borrow_document(owned).__handle};
    return true;
}

uint64_t sandgate_remaining_us(sandgate_context context) {
    return sandgate_interceptor_call_method_context_remaining_us(of_context(context));
}

sandgate_text sandgate_method(sandgate_context context) {
    interceptor_string_t string;
    sandgate_interceptor_call_method_context_method(of_context(context), &string);
    return taken(string);
}

sandgate_text sandgate_server(sandgate_context context) {
    interceptor_string_t string;
    sandgate_interceptor_call_method_context_server(of_context(context), &string);
    return taken(string);
}

sandgate_text sandgate_target(sandgate_context context) {
    interceptor_string_t string;
    bool there = sandgate_interceptor_call_method_context_target(of_context(context), &string);
    return there ? taken(string) : (sandgate_text){0};
}

sandgate_text sandgate_principal(sandgate_context context) {
    interceptor_string_t string;
    bool there = sandgate_interceptor_call_method_context_principal(of_context(context), &string);
    return there ? taken(string) : (sandgate_text){0};
}

sandgate_text sandgate_attribute(sandgate_context context, const char *name) {
    interceptor_string_t string, asked = lent(name);
    bool there = sandgate_interceptor_call_method_context_attribute(of_context(context), &asked, &string);
    return there ? taken(string) : (sandgate_text){0};
}

bool sandgate_failed(sandgate_context context) {
    return sandgate_interceptor_call_method_context_failed(of_context(context));
}

void sandgate_carry(sandgate_context context, sandgate_text note) {
    interceptor_list_u8_t bytes = {(uint8_t *)note.bytes, note.length};
    sandgate_interceptor_call_method_context_carry(of_context(context), &bytes);
}

sandgate_text sandgate_carried(sandgate_context context) {
    interceptor_list_u8_t note;
    bool there = sandgate_interceptor_call_method_context_carried(of_context(context), &note);
    return there ? (sandgate_text){(const char *)note.ptr, note.len} : (sandgate_text){0};
}

/* ---- memory between calls ---- */

static const char *failed_by;

/* Remembers why, and passes on whether it went well. */
static bool went(bool well, const sandgate_interceptor_state_failure_t *failure) {
    if (well) {
        failed_by = NULL;
    } else if (failure->tag == SANDGATE_INTERCEPTOR_STATE_FAILURE_DENIED) {
        failed_by = "denied";
    } else if (failure->tag == SANDGATE_INTERCEPTOR_STATE_FAILURE_QUOTA) {
        failed_by = "quota";
    } else {
        failed_by = copy((const char *)failure->val.unavailable.ptr, failure->val.unavailable.len).bytes;
    }
    return well;
}

const char *sandgate_state_failure(void) {
    return failed_by;
}

bool sandgate_state_get(const char *key, sandgate_text *value) {
    interceptor_string_t name = lent(key);
    interceptor_option_list_u8_t found;
    sandgate_interceptor_state_failure_t failure;
    if (!went(sandgate_interceptor_state_get(&name, &found, &failure), &failure)) {
        return false;
    }
    *value = found.is_some ? (sandgate_text){(const char *)found.val.ptr, found.val.len} : (sandgate_text){0};
    return true;
}

bool sandgate_state_set(const char *key, sandgate_text value, uint64_t ttl_ms) {
    interceptor_string_t name = lent(key);
    interceptor_list_u8_t bytes = {(uint8_t *)value.bytes, value.length};
    sandgate_interceptor_state_failure_t failure;
    return went(sandgate_interceptor_state_set(&name, &bytes, ttl_ms == 0 ? NULL : &ttl_ms, &failure), &failure);
}

bool sandgate_state_delete(const char *key) {
    interceptor_string_t name = lent(key);
    sandgate_interceptor_state_failure_t failure;
    return went(sandgate_interceptor_state_delete(&name, &failure), &failure);
}

bool sandgate_state_increment(const char *key, int64_t by, uint64_t ttl_ms, int64_t *now) {
    interceptor_string_t name = lent(key);
    sandgate_interceptor_state_failure_t failure;
    return went(sandgate_interceptor_state_increment(&name, by, ttl_ms == 0 ? NULL : &ttl_ms, now, &failure), &failure);
}

bool sandgate_state_compare_and_set(
    const char *key, sandgate_text expected, sandgate_text value, uint64_t ttl_ms, bool *set) {
    interceptor_string_t name = lent(key);
    interceptor_list_u8_t was = {(uint8_t *)expected.bytes, expected.length};
    interceptor_list_u8_t bytes = {(uint8_t *)value.bytes, value.length};
    sandgate_interceptor_state_failure_t failure;
    bool well = sandgate_interceptor_state_compare_and_set(
        &name, expected.bytes == NULL ? NULL : &was, &bytes, ttl_ms == 0 ? NULL : &ttl_ms, set, &failure);
    return went(well, &failure);
}

/* ---- what is noticed ---- */

static interceptor_option_string_t perhaps(sandgate_text text) {
    return (interceptor_option_string_t){text.bytes != NULL, {(uint8_t *)text.bytes, text.length}};
}

void sandgate_report(sandgate_finding finding) {
    sandgate_interceptor_report_finding_t told = {
        .rule = lent(finding.rule),
        .severity = (sandgate_interceptor_report_severity_t)finding.severity,
        .part = finding.in_params ? SANDGATE_INTERCEPTOR_REPORT_PART_PARAMS : here,
        .pointer = perhaps(finding.pointer),
        .message = lent(finding.message),
        .details = perhaps(finding.details),
    };
    sandgate_interceptor_report_find(&told);
}

void sandgate_find(const char *rule, sandgate_severity severity, const char *message) {
    sandgate_report((sandgate_finding){.rule = rule, .severity = severity, .message = message});
}

void sandgate_log(sandgate_level level, const char *message) {
    interceptor_string_t text = lent(message);
    sandgate_interceptor_log_log((sandgate_interceptor_log_level_t)level, &text);
}

/* ---- the exports ---- */

/* `build` says which hooks the manifest has. One of them that the plugin does not define is a symbol that the linker misses:
 * a hook that lets everything pass because its name is misspelt would be no policy. */
#ifndef SANDGATE_HAS_PRE_CALL
__attribute__((weak)) sandgate_decision sandgate_pre_call(sandgate_context context, sandgate_document params) {
    (void)context, (void)params;
    return sandgate_proceed();
}
#endif

#ifndef SANDGATE_HAS_POST_CALL
__attribute__((weak)) sandgate_decision sandgate_post_call(sandgate_context context, sandgate_document reply) {
    (void)context, (void)reply;
    return sandgate_proceed();
}
#endif

__attribute__((weak)) const char *sandgate_configure(sandgate_text settings) {
    (void)settings;
    return NULL;
}

static interceptor_string_t bare(sandgate_text text) {
    return (interceptor_string_t){(uint8_t *)text.bytes, text.length};
}

static void fault(
    const char *kind, sandgate_text frame, sandgate_text detail, sandgate_interceptor_decision_fault_t *fault) {
    fault->kind = given(sandgate_text_of(kind));
    fault->frames.ptr = must(calloc(1, sizeof *fault->frames.ptr));
    fault->frames.ptr[0] = bare(frame);
    fault->frames.len = 1;
    fault->detail = given(detail);
}

static void refusal(sandgate_decision decision, sandgate_interceptor_decision_refusal_t *refusal) {
    memset(refusal, 0, sizeof *refusal);
    refusal->code = bare(decision.text);
    refusal->message = bare(decision.message);
    refusal->pointer.is_some = decision.pointer.bytes != NULL;
    refusal->pointer.val = bare(decision.pointer);
    refusal->details.is_some = decision.details.bytes != NULL;
    refusal->details.val = bare(decision.details);
}

static sandgate_interceptor_decision_list_edit_t edits(sandgate_decision decision) {
    if (decision.edits == NULL) {
        return (sandgate_interceptor_decision_list_edit_t){0};
    }
    return (sandgate_interceptor_decision_list_edit_t){decision.edits->all, decision.edits->count};
}

/* What was printed leaves: nothing else will let it out, since the instance is thrown away. */
static void let_out(void) {
    fflush(NULL);
}

bool exports_sandgate_interceptor_settings_configure(
    interceptor_string_t *settings, exports_sandgate_interceptor_settings_list_issue_t *err) {
    const char *wrong = sandgate_configure(taken(*settings));
    let_out();
    if (wrong == NULL) {
        return true;
    }
    err->ptr = must(calloc(1, sizeof *err->ptr));
    err->len = 1;
    err->ptr->message = given(sandgate_text_of(wrong));
    return false;
}

bool exports_sandgate_interceptor_pre_call_handle(
    sandgate_interceptor_call_borrow_context_t context, sandgate_interceptor_call_borrow_document_t params,
    sandgate_interceptor_decision_pre_decision_t *ret, sandgate_interceptor_decision_fault_t *err) {
    here = SANDGATE_INTERCEPTOR_REPORT_PART_PARAMS;
    sandgate_decision decision =
        sandgate_pre_call((sandgate_context){context.__handle}, (sandgate_document){params.__handle});
    let_out();
    sandgate_interceptor_call_document_drop_borrow(params);
    sandgate_interceptor_call_context_drop_borrow(context);
    switch (decision.kind) {
    case SANDGATE_PROCEED:
        ret->tag = SANDGATE_INTERCEPTOR_DECISION_PRE_DECISION_PROCEED;
        return true;
    case SANDGATE_EDIT:
        ret->tag = SANDGATE_INTERCEPTOR_DECISION_PRE_DECISION_EDIT;
        ret->val.edit = edits(decision);
        return true;
    case SANDGATE_REPLACE:
        ret->tag = SANDGATE_INTERCEPTOR_DECISION_PRE_DECISION_REPLACE;
        ret->val.replace = bare(decision.text);
        return true;
    case SANDGATE_ANSWER:
        ret->tag = SANDGATE_INTERCEPTOR_DECISION_PRE_DECISION_ANSWER;
        ret->val.answer = bare(decision.text);
        return true;
    case SANDGATE_REFUSE:
        ret->tag = SANDGATE_INTERCEPTOR_DECISION_PRE_DECISION_REFUSE;
        refusal(decision, &ret->val.refuse);
        return true;
    case SANDGATE_ERROR:
        break;
    }
    fault("error", decision.frame, decision.message, err);
    return false;
}

bool exports_sandgate_interceptor_post_call_handle(
    sandgate_interceptor_call_borrow_context_t context, sandgate_interceptor_call_borrow_document_t reply,
    sandgate_interceptor_decision_post_decision_t *ret, sandgate_interceptor_decision_fault_t *err) {
    here = SANDGATE_INTERCEPTOR_REPORT_PART_REPLY;
    sandgate_decision decision =
        sandgate_post_call((sandgate_context){context.__handle}, (sandgate_document){reply.__handle});
    let_out();
    sandgate_interceptor_call_document_drop_borrow(reply);
    sandgate_interceptor_call_context_drop_borrow(context);
    switch (decision.kind) {
    case SANDGATE_PROCEED:
        ret->tag = SANDGATE_INTERCEPTOR_DECISION_POST_DECISION_PROCEED;
        return true;
    case SANDGATE_EDIT:
        ret->tag = SANDGATE_INTERCEPTOR_DECISION_POST_DECISION_EDIT;
        ret->val.edit = edits(decision);
        return true;
    case SANDGATE_REPLACE:
        ret->tag = SANDGATE_INTERCEPTOR_DECISION_POST_DECISION_REPLACE;
        ret->val.replace = bare(decision.text);
        return true;
    case SANDGATE_REFUSE:
        ret->tag = SANDGATE_INTERCEPTOR_DECISION_POST_DECISION_REFUSE;
        refusal(decision, &ret->val.refuse);
        return true;
    case SANDGATE_ANSWER:
        decision = sandgate_error("a post-call cannot answer");
        break;
    case SANDGATE_ERROR:
        break;
    }
    fault("error", decision.frame, decision.message, err);
    return false;
}

/* In the place of the C library's, which says it on stderr only: compiled with `-D__assert_fail=sandgate_assert_fail`. */
_Noreturn void sandgate_assert_fail(const char *expression, const char *file, int line, const char *function);
_Noreturn void sandgate_assert_fail(const char *expression, const char *file, int line, const char *function) {
    sandgate_interceptor_report_fault_t words;
    fault("assertion", frame_of(file, line, function), sandgate_text_of(expression), &words);
    sandgate_interceptor_report_last_words(&words);
    let_out();
    abort();
}
