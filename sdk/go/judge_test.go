package sandgate_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"sandgate"
	"sandgate/http"
	"sandgate/internal/double"
	"sandgate/log"
	"sandgate/sandgatetest"
	"sandgate/state"
)

// The double judges a decision as the gateway does, in its words.

func init() {
	sandgate.PreCall(check, "check/*", "notifications/*")
}

func check(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	return hook(ctx, params)
}

func judged(method string, f func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error)) sandgatetest.Outcome {
	hook = f
	return sandgatetest.Call{Method: method}.PreCall(`{"name":"x"}`)
}

func wanted(t *testing.T, outcome sandgatetest.Outcome, kind, says, function string) {
	t.Helper()
	fault := outcome.Fault
	if outcome.Decision != "fault" || fault == nil || fault.Kind != kind || fault.Detail != says || outcome.After != `{"name":"x"}` {
		t.Fatalf("%s %+v", outcome.Decision, fault)
	}
	if len(fault.Frames) == 0 || !strings.HasPrefix(fault.Frames[0], "judge_test.go:") || !strings.HasSuffix(fault.Frames[0], function) {
		t.Fatal(fault.Frames)
	}
}

func TestDecisionsAreJudgedAsTheGatewayJudgesThem(t *testing.T) {
	var cases []struct {
		Role, Document       string
		Decision             json.RawMessage
		Failed, Notification bool
		Becomes              struct{ Decision, Document, Failure, Says string }
	}
	text, err := os.ReadFile("../judgements.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatal(err)
	}
	for _, one := range cases {
		document, err := double.New(one.Document)
		if err != nil {
			t.Fatal(err)
		}
		word, after, failure := document.Judge(one.Role, decided(t, one.Decision), double.Message{Notification: one.Notification, Failed: one.Failed})
		if wanted := one.Becomes; wanted.Failure != "" {
			if failure == nil || failure.Kind != wanted.Failure || failure.Says != wanted.Says {
				t.Errorf("%s: %v", one.Decision, failure)
			}
			continue
		}
		canonical := after
		if one.Becomes.Document != "" {
			canonical, _ = double.Canonical(one.Becomes.Document)
		}
		if failure != nil || word != one.Becomes.Decision || after != canonical {
			t.Errorf("%s: %s %s %v", one.Decision, word, after, failure)
		}
	}
}

func decided(t *testing.T, said json.RawMessage) double.Decision {
	if string(said) == `"proceed"` {
		return double.Decision{}
	}
	var decision struct {
		Refuse          *struct{}
		Answer, Replace *string
		Edit            []struct {
			Set, Text []any
			Remove    *string
		}
	}
	if err := json.Unmarshal(said, &decision); err != nil {
		t.Fatal(err)
	}
	made := double.Decision{Refused: decision.Refuse != nil, Answer: decision.Answer, Replacement: decision.Replace}
	for _, edit := range decision.Edit {
		switch {
		case edit.Set != nil:
			made.Edits = append(made.Edits, double.Edit{Op: "set", Pointer: edit.Set[0].(string), Value: edit.Set[1].(string)})
		case edit.Text != nil:
			made.Edits = append(made.Edits, double.Edit{Op: "text", Index: int(edit.Text[0].(float64)), Value: edit.Text[1].(string)})
		default:
			made.Edits = append(made.Edits, double.Edit{Op: "remove", Pointer: *edit.Remove})
		}
	}
	return made
}

func TestAValidationThatChangesReplacesOrAnswersFailsAsInTheGateway(t *testing.T) {
	for _, f := range []func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error){
		func(_ *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
			params.Set("/name", "y")
			return nil, nil
		},
		func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
			return sandgate.Replace(map[string]any{}), nil
		},
		func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
			return sandgate.AnswerWith(map[string]any{}), nil
		},
	} {
		wanted(t, judged("check/x", f), "malformed", "a validation may only proceed or refuse", "in check")
	}
}

func TestANoteHasASizeAndNoHookCatchesTheEndOfItsRun(t *testing.T) {
	outcome := judged("check/x", func(ctx *sandgate.Context, _ *sandgate.Document) (sandgate.PreDecision, error) {
		ctx.Carry(make([]byte, 64<<10))
		if _, carried := ctx.Carried(); carried {
			t.Error("a note is for the post-call")
		}
		defer func() { _ = recover() }()
		ctx.Carry(make([]byte, 64<<10+1))
		return nil, nil
	})
	wanted(t, outcome, "quota", "went over its quota of bytes carried to the post-call", "in check")
}

func TestFindingsAndLinesHaveTheirSizes(t *testing.T) {
	long := strings.Repeat("x", 2000)
	outcome := judged("check/x", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		for range 258 {
			sandgate.Found(long, "m").Report()
		}
		for range 40 {
			log.Info(long)
		}
		return nil, nil
	})
	last := outcome.Findings[len(outcome.Findings)-1]
	if len(outcome.Findings) != 257 || outcome.Findings[0].Rule != long[:1024]+"…" || last.Rule != "sandgate.findings-cut" {
		t.Fatal(len(outcome.Findings), last)
	}
	if len(outcome.Logs) != 32 || outcome.Logs[0].Message != long[:1024]+"…" || !strings.Contains(outcome.Logs[31].Message, "left out") {
		t.Fatal(len(outcome.Logs), outcome.Logs[31])
	}
}

func TestTheStateHasRoomForSoMuchAndNoneInConfigure(t *testing.T) {
	sandgatetest.ForgetState()
	defer sandgatetest.ForgetState()
	for _, one := range []struct {
		key   string
		value []byte
	}{{strings.Repeat("k", 1025), nil}, {"k", make([]byte, 1<<20+1)}} {
		if err := state.Set(one.key, one.value, 0); err != state.ErrQuota {
			t.Error(err)
		}
	}
	for index := range 15 {
		if err := state.Set(string(rune('a'+index)), make([]byte, 1<<20), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := state.Set("more", make([]byte, 1<<20), 0); err != state.ErrQuota {
		t.Error(err)
	}
	inConfigure = func() {
		if _, _, err := state.Get("a"); err != state.ErrDenied {
			t.Error(err)
		}
		if _, err := http.Get("https://a.example/"); err != http.ErrDenied {
			t.Error(err)
		}
	}
	defer func() { inConfigure = nil }()
	if issues := sandgatetest.Configure(nil); len(issues) > 0 {
		t.Error(issues)
	}
}

func TestLongWordsOfARefusalAreCut(t *testing.T) {
	outcome := judged("check/x", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		return sandgate.Refuse(strings.Repeat("c", 200), strings.Repeat("é", 2000)).At("/" + strings.Repeat("p", 1024)), nil
	})
	refusal := outcome.Refusal
	if len(refusal.Code) != 128 || refusal.Message != strings.Repeat("é", 1024) || refusal.Pointer != nil {
		t.Fatal(len(refusal.Code), len(refusal.Message), refusal.Pointer)
	}
}

func TestWhatTheManifestDoesNotAskForIsNotGrantedAndItSaysTheSameOfTheHooks(t *testing.T) {
	t.Chdir(t.TempDir())
	hook = func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		_, _, err := state.Get("x")
		if _, asked := http.Get("https://a.example/"); asked != http.ErrDenied {
			t.Error(asked)
		}
		return nil, err
	}
	write := func(text string) {
		if err := os.WriteFile("plugin.toml", []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("name = \"x\"\n")
	if fault := (sandgatetest.Call{Method: "check/x"}).PreCall("{}").Fault; fault == nil || fault.Detail != state.ErrDenied.Error() {
		t.Fatal(fault)
	}
	write("name = \"x\"\n[asks]\nstate = \"why\"\n")
	if outcome := (sandgatetest.Call{Method: "check/x"}).PreCall("{}"); outcome.Decision != "proceed" {
		t.Fatal(outcome.Fault)
	}
}
