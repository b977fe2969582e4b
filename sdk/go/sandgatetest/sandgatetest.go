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
	// What went wrong and where, where the hook failed.
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
	recorder().Taken()
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
	if kind == "pre-call" && exchange.HasNote {
		outcome.Carried = exchange.Note
	}
	switch {
	case made.Fault != nil:
		outcome.Decision, outcome.Fault = "fault", made.Fault.(*sandgate.Fault)
	case made.Refusal != nil:
		outcome.Decision, outcome.Refusal = "refuse", made.Refusal.(*sandgate.Refusal)
	case made.Answer != nil:
		outcome.Decision, outcome.After = "answer", canonical(*made.Answer)
	case made.Replacement != nil:
		outcome.Decision, outcome.After = "replace", canonical(*made.Replacement)
	default:
		outcome.Edits, _ = made.Edits.([]sandgate.Edit)
		if len(outcome.Edits) > 0 {
			outcome.Decision = "edit"
			after, err := document.Apply(changes(document, outcome.Edits))
			if err != nil {
				outcome.Decision, outcome.Fault = "fault", &sandgate.Fault{Kind: "malformed", Detail: err.Error()}
			} else {
				outcome.After = after
			}
		}
	}
	return outcome
}

func (c Call) exchange() *double.Exchange {
	made := &double.Exchange{
		Called: or(c.Method, "tools/call"), From: or(c.Direction, "client-to-server"), At: or(c.Server, "server"),
		About: given(c.Target), Talk: given(c.Session), Caller: given(c.Principal),
		IsError: c.Failed, Note: c.Carried, HasNote: c.Carried != nil, Attributes: map[string]string{},
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

func changes(document *double.Document, edits []sandgate.Edit) []double.Edit {
	var made []double.Edit
	for _, edit := range edits {
		change := double.Edit{Pointer: edit.Pointer}
		switch edit.Op {
		case "text":
			change.Pointer, _ = document.TextPointer(uint32(edit.Index))
			value := quoted(edit.Value)
			change.Value = &value
		case "set":
			change.Value = &edit.Value
		}
		made = append(made, change)
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

func quoted(value string) string {
	made, _ := json.Marshal(value)
	return string(made)
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
