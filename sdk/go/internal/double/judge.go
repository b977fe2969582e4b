package double

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Failure is what the gateway calls a run that it stops, or a decision that it cannot use.
type Failure struct {
	// As the gateway's log has it: `malformed` or `quota`.
	Kind string
	// In the gateway's words.
	Says string
}

func (f *Failure) Error() string { return f.Kind + ": " + f.Says }

func malformed(format string, arguments ...any) *Failure {
	return &Failure{"malformed", fmt.Sprintf(format, arguments...)}
}

func over(quota string) *Failure {
	return &Failure{"quota", "went over its quota of " + quota}
}

// Decision is what a hook decided; with none of these, to proceed.
type Decision struct {
	Refused bool
	// JSON text.
	Answer, Replacement *string
	Edits               []Edit
}

// Message is what a judge has to know of it.
type Message struct {
	// Nobody waits for a reply.
	Notification bool
	// The document is an error object.
	Failed bool
}

const (
	// Bytes of a document, and of all edits together.
	mostBytes = 4 << 20
	mostEdits = 100_000
	// Levels of a document: the message around it is one more.
	deepest = 126
)

// Judge is what the gateway makes of a decision: its word, and the document that goes on as canonical JSON (with "answer", the
// result); a failure where a hook of this role must not decide so. The words are the gateway's; sdk/judgements.json holds both
// to the same.
func (d *Document) Judge(role string, decided Decision, message Message) (word, after string, failure *Failure) {
	before, _ := Canonical(d.text)
	if decided.Refused {
		return "refuse", before, nil
	}
	text := decided.Answer
	if text == nil {
		text = decided.Replacement
	}
	if text == nil && len(decided.Edits) == 0 {
		return "proceed", before, nil
	}
	bytes := 0
	for _, edit := range decided.Edits {
		bytes += len(edit.Pointer) + len(edit.Value)
	}
	switch {
	case text != nil && len(*text) > mostBytes:
		return "", "", over("bytes of a document")
	case len(decided.Edits) > mostEdits || bytes > mostBytes:
		return "", "", over("edits")
	case role == "validation":
		return "", "", malformed("a validation may only proceed or refuse")
	}
	if text == nil {
		after, failure = d.apply(decided.Edits)
		word = "edit"
	} else {
		after, failure = read(*text)
		word = "replace"
	}
	if failure != nil {
		return "", "", failure
	}
	if decided.Answer == nil {
		return word, after, sameKind(before, after, message.Failed)
	}
	if message.Notification {
		return "", "", malformed("a notification cannot be answered")
	}
	if kind(after) != '{' {
		return "", "", malformed("an answer must be an object")
	}
	return "answer", after, nil
}

func read(text string) (string, *Failure) {
	if why := tooDeep(text); why != "" {
		return "", malformed("%s", why)
	}
	made, err := Canonical(text)
	if err != nil {
		return "", malformed("%s", err)
	}
	return made, nil
}

func sameKind(before, after string, failed bool) *Failure {
	if kind(before) != kind(after) {
		return malformed("the document became something of another JSON type")
	}
	var object struct{ Code, Message any }
	if failed {
		// Of another type than an object, it has neither.
		_ = json.Unmarshal([]byte(after), &object)
		_, code := object.Code.(float64)
		_, message := object.Message.(string)
		if !code || !message {
			return malformed("the error object lost its code or message")
		}
	}
	return nil
}

// The first byte of a canonical text says it: of a number it may be any digit.
func kind(canonical string) byte {
	switch first := canonical[0]; {
	case first == '-' || first >= '0' && first <= '9':
		return '0'
	case first == 'f':
		return 't'
	default:
		return first
	}
}

// Why a text has too many levels; empty where it has not.
func tooDeep(text string) string {
	depth, quoted := 0, false
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '\\':
			at++
		case '"':
			quoted = !quoted
		case '[', '{':
			if quoted {
				continue
			}
			if depth++; depth > deepest {
				return fmt.Sprintf("nested deeper than %d at byte %d", deepest, at)
			}
		case ']', '}':
			if !quoted {
				depth--
			}
		}
	}
	return ""
}

// Cut is a text's first bytes, as whole characters.
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
