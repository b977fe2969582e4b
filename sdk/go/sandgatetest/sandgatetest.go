// Package sandgatetest runs hooks natively, under `go test`: what a test puts in the gateway's place.
//
//	outcome := sandgatetest.PreCall(`{"name":"shell","arguments":{"command":"rm -rf /"}}`)
//	if outcome.Decision != "refuse" {
//		t.Fatalf("%+v", outcome)
//	}
//
// It follows the contract's comments and the gateway's reading of them (a test compares the two). Documents are given as JSON
// text (a string) or as any value that package encoding/json writes; one that is no JSON panics.
package sandgatetest

import (
	"bytes"
	"encoding/json"
	"strings"

	"sandgate"
	"sandgate/internal/border"
	"sandgate/internal/bridge"
	"sandgate/internal/double"
)

// Call is who calls what. What is left empty is not there, or is `tools/call`, `client-to-server` and `server`.
type Call struct {
	Method, Direction, Server  string
	Target, Session, Principal string
	Groups                     []string
	// JSON text, or any value.
	Definition any
	Attributes map[string]string
	// In a post-call: the params as they were sent, that the reply is an error, and the note of the pre-call.
	Params  any
	Failed  bool
	Carried []byte
}

// Outcome is what came of a hook run.
type Outcome struct {
	// What the gateway is told: "proceed", "edit", "replace", "refuse", "answer" or "fault".
	Decision string
	// The document as it goes on, as JSON text whose members are sorted; with "answer", the result. As it was, where the call
	// is refused or the hook failed.
	After string
	// The changes, where there are any.
	Edits []sandgate.Edit
	// Why not, where it is refused.
	Refusal *sandgate.Refusal
	// What went wrong and where, where the hook failed: its kind is the error's type, or, where the gateway cannot use what the
	// hook decided, "malformed" or "quota".
	Fault *sandgate.Fault
	// The note left for the post-call; nil: none.
	Carried []byte
	// What the hook reported and logged.
	Findings []Finding
	Logs     []Line
}

// Finding is what a hook reported.
type Finding struct {
	Rule, Severity, Part, Message string
	// nil: none.
	Pointer, Details *string
}

// Line is one of the log.
type Line struct{ Level, Message string }

// PreCall runs the pre-call hooks for `tools/call`.
func PreCall(params any) Outcome { return Call{}.PreCall(params) }

// PostCall runs the post-call hooks for `tools/call`.
func PostCall(reply any) Outcome { return Call{}.PostCall(reply) }

// PreCall runs the pre-call hooks. Where none is for the method the call proceeds.
func (c Call) PreCall(params any) Outcome { return c.run("pre-call", params) }

// PostCall runs the post-call hooks. Where none is for the method the reply proceeds.
func (c Call) PostCall(reply any) Outcome { return c.run("post-call", reply) }

// Configure configures the plugin with these settings (nil: none), and gives what is wrong with them. The gateway has checked
// them against the plugin's schema before; this does not.
func Configure(settings any) []sandgate.Issue {
	if settings == nil {
		settings = "{}"
	}
	recorder().Configuring = true
	defer func() { recorder().Configuring = false }()
	var issues []sandgate.Issue
	for _, issue := range bridge.Configure(text(settings)) {
		issues = append(issues, sandgate.Issue{Pointer: issue[0], Message: issue[1]})
	}
	return issues
}

// Document is one to try functions on.
func Document(content any) *sandgate.Document {
	return bridge.Document(memory(content)).(*sandgate.Document)
}

// Context is one to try functions on.
func (c Call) Context() *sandgate.Context {
	return bridge.Context(c.exchange()).(*sandgate.Context)
}

// GrantState says whether the operator grants state; it is granted unless a test says otherwise.
func GrantState(granted bool) { recorder().Denied = !granted }

// ForgetState empties the state.
func ForgetState() { recorder().Forget() }

func (c Call) run(kind string, content any) Outcome {
	document, exchange := memory(content), c.exchange()
	recorder().Begin()
	made, ran := bridge.Run(kind, exchange.Called, exchange, document)
	outcome := Outcome{Decision: "proceed", After: canonical(document.JSON())}
	lines, findings := recorder().Taken()
	for _, line := range lines {
		outcome.Logs = append(outcome.Logs, Line{levels[line.Level], line.Message})
	}
	for _, found := range findings {
		outcome.Findings = append(outcome.Findings, Finding{
			found.Rule, severities[found.Severity], parts[found.Part], found.Message, found.Pointer, found.Details,
		})
	}
	if !ran {
		return outcome
	}
	if exchange.HasNote {
		outcome.Carried = exchange.Note
	}
	if made.Fault != nil {
		outcome.Fault = made.Fault.(*sandgate.Fault)
	}
	failure := recorder().Stopped()
	if failure == nil && outcome.Fault == nil {
		decided := double.Decision{Refused: made.Refusal != nil, Answer: made.Answer, Replacement: made.Replacement}
		edits, _ := made.Edits.([]sandgate.Edit)
		for _, edit := range edits {
			decided.Edits = append(decided.Edits, double.Edit(edit))
		}
		message := double.Message{Notification: strings.HasPrefix(exchange.Called, "notifications/"), Failed: c.Failed}
		var word, after string
		if word, after, failure = document.Judge(made.Role, decided, message); failure == nil {
			outcome.Decision, outcome.After, outcome.Edits = word, after, edits
		}
	}
	if failure != nil {
		fault := &sandgate.Fault{Kind: failure.Kind, Frames: []string{made.Place}, Detail: failure.Says}
		if outcome.Fault != nil && len(outcome.Fault.Frames) > 0 {
			fault.Frames = outcome.Fault.Frames
		}
		outcome.Fault = fault
	}
	if outcome.Fault != nil {
		outcome.Decision = "fault"
	} else if made.Refusal != nil {
		outcome.Refusal = cut(made.Refusal.(*sandgate.Refusal))
	}
	return outcome
}

// The refusal as the gateway keeps it: longer words are cut, a longer pointer is left out.
func cut(refusal *sandgate.Refusal) *sandgate.Refusal {
	kept := *refusal
	kept.Code, kept.Message = double.Cut(kept.Code, 128), double.Cut(kept.Message, 2<<10)
	if kept.Pointer != nil && len(*kept.Pointer) > 1<<10 {
		kept.Pointer = nil
	}
	return &kept
}

func (c Call) exchange() *double.Exchange {
	made := &double.Exchange{
		Called: or(c.Method, "tools/call"), From: or(c.Direction, "client-to-server"), At: or(c.Server, "server"),
		About: given(c.Target), Talk: given(c.Session), Caller: given(c.Principal),
		IsError: c.Failed, Given: c.Carried, HasGiven: c.Carried != nil,
		Attributes: map[string]string{"groups": "[]"}, Stop: recorder().Stop,
	}
	for name, value := range c.Attributes {
		made.Attributes[name] = value
	}
	if c.Groups != nil {
		made.Attributes["groups"] = text(c.Groups)
	}
	if c.Definition != nil {
		definition := text(c.Definition)
		made.Known = &definition
	}
	if c.Params != nil {
		made.Sent = memory(c.Params)
	}
	return made
}

var (
	levels     = []string{"trace", "debug", "info", "warn", "error"}
	severities = []string{"info", "warn", "error"}
	parts      = []string{"params", "reply"}
)

func recorder() *double.Recorder { return border.Other.(*double.Recorder) }

func memory(content any) *double.Document {
	made, err := double.New(text(content))
	if err != nil {
		panic("sandgatetest: " + err.Error())
	}
	return made
}

// JSON text, where it is a string; else that of the value.
func text(content any) string {
	if text, is := content.(string); is {
		return text
	}
	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(content); err != nil {
		panic("sandgatetest: " + err.Error())
	}
	return strings.TrimSuffix(made.String(), "\n")
}

func canonical(text string) string {
	made, err := double.Canonical(text)
	if err != nil {
		panic("sandgatetest: " + err.Error())
	}
	return made
}

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func or(text, usual string) string {
	if text == "" {
		return usual
	}
	return text
}
