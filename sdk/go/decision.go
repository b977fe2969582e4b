package sandgate

// PreDecision is what a pre-call may decide: a [Refusal], a [Replacement] or an [Answer]; nil lets the call go on.
type PreDecision interface{ pre() }

// PostDecision is what a post-call may decide: a [Refusal] or a [Replacement]; nil lets the reply go on.
type PostDecision interface{ post() }

// Refusal is why not. Made by [Refuse].
type Refusal struct {
	Code, Message string
	// JSON Pointer of what it is about; nil: none.
	Pointer *string
	// JSON text for programs; nil: none.
	Details *string
}

// Replacement is another document in place of the one handed over. Made by [Replace].
type Replacement struct {
	// JSON text.
	JSON string
}

// Answer stands in for the server. Made by [AnswerWith].
type Answer struct {
	// JSON text.
	JSON string
}

func (*Refusal) pre()      {}
func (*Refusal) post()     {}
func (*Replacement) pre()  {}
func (*Replacement) post() {}
func (*Answer) pre()       {}

// The refusals of this run: one that was made and not returned is a mistake that would let a call pass.
var refusals int

// Refuse refuses the call: it is a value, to be returned. The code is stable and machine-readable, the message is for people
// and models and never repeats the payload.
func Refuse(code, message string) *Refusal {
	refusals++
	return &Refusal{Code: valid(code, "code"), Message: valid(message, "message")}
}

// At says what the refusal is about: a JSON Pointer into the document handed over.
func (r *Refusal) At(pointer string) *Refusal {
	pointer = valid(pointer, "pointer")
	r.Pointer = &pointer
	return r
}

// WithDetails adds any JSON value for programs; it never repeats the payload.
func (r *Refusal) WithDetails(details any) *Refusal {
	text := toJSON(details)
	r.Details = &text
	return r
}

// Replace puts another document in place of the one handed over. Changes made through the document itself touch only what
// differs; prefer those.
func Replace(document any) *Replacement {
	return &Replacement{JSON: toJSON(document)}
}

// AnswerWith stands in for the server with this result. Validators still judge the call, and the reply leaves through every
// interceptor.
func AnswerWith(result any) *Answer {
	return &Answer{JSON: toJSON(result)}
}
