package double

import "sandgate/internal/border"

// Exchange is the contract's resource `context`, in memory.
type Exchange struct {
	Called, From, At           string
	About, Talk, Caller, Known *string
	Sent                       *Document
	IsError                    bool
	Attributes                 map[string]string
	// The pre-call's note, in a post-call.
	Given    []byte
	HasGiven bool
	// What this run leaves.
	Note    []byte
	HasNote bool
	// Ends the run.
	Stop func(*Failure)
}

func (e *Exchange) ID() string                    { return "test" }
func (e *Exchange) Method() string                { return e.Called }
func (e *Exchange) Direction() string             { return e.From }
func (e *Exchange) Server() string                { return e.At }
func (e *Exchange) Target() (string, bool)        { return optional(e.About) }
func (e *Exchange) Session() (string, bool)       { return optional(e.Talk) }
func (e *Exchange) Principal() (string, bool)     { return optional(e.Caller) }
func (e *Exchange) Definition() (string, bool)    { return optional(e.Known) }
func (e *Exchange) Failed() bool                  { return e.IsError }
func (e *Exchange) RemainingMicroseconds() uint64 { return 1_000_000 }
func (e *Exchange) Carried() ([]byte, bool)       { return e.Given, e.HasGiven }

func (e *Exchange) Params() (border.Source, bool) {
	if e.Sent == nil {
		return nil, false
	}
	return e.Sent, true
}

// Bytes of a note.
const mostNote = 64 << 10

func (e *Exchange) Carry(note []byte) {
	if len(note) > mostNote {
		e.Stop(over("bytes carried to the post-call"))
	}
	e.Note, e.HasNote = append([]byte{}, note...), true
}

func (e *Exchange) Attribute(name string) (string, bool) {
	value, known := e.Attributes[name]
	return value, known
}

func optional(text *string) (string, bool) {
	if text == nil {
		return "", false
	}
	return *text, true
}
