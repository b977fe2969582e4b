package sandgate

import "sandgate/internal/border"

// Finding is a note for the trail, built up and then given with [Finding.Report]. It blocks nothing.
type Finding struct{ made border.Finding }

// Found is a finding under a stable rule, for example `pii.email`: severity info, about the reply, without a place. The
// message is for people and never repeats the payload.
func Found(rule, message string) *Finding {
	return &Finding{border.Finding{
		Rule: valid(rule, "rule"), Message: valid(message, "message"), Severity: border.Info, Part: border.Reply,
	}}
}

// Warn says that it is worth a look.
func (f *Finding) Warn() *Finding {
	f.made.Severity = border.Warn
	return f
}

// Error says that it should not be.
func (f *Finding) Error() *Finding {
	f.made.Severity = border.Error
	return f
}

// InParams says that it is about the params, not the reply.
func (f *Finding) InParams() *Finding {
	f.made.Part = border.Params
	return f
}

// At says where, as a JSON Pointer.
func (f *Finding) At(pointer string) *Finding {
	pointer = valid(pointer, "pointer")
	f.made.Pointer = &pointer
	return f
}

// WithDetails adds any JSON value for programs; it never repeats the payload.
func (f *Finding) WithDetails(details any) *Finding {
	text := toJSON(details)
	f.made.Details = &text
	return f
}

// Report records it.
func (f *Finding) Report() { border.Other.Find(f.made) }
