package sandgate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"sandgate"
	"sandgate/internal/double"
	"sandgate/log"
	"sandgate/sandgatetest"
	"sandgate/state"
)

// What the one plugin of this test binary does is said by the method it is called with.
var (
	hook func(ctx *sandgate.Context, document *sandgate.Document) (sandgate.PreDecision, error)

	inConfigure func()

	given = sandgate.Settings(Settings{Mask: "[email]", Words: []string{"a"}})
)

type Settings struct {
	Mask  string   `json:"mask"`
	Words []string `json:"words"`
	Deep  struct {
		Limit int `json:"limit"`
	} `json:"deep"`
}

func init() {
	sandgate.PreCall(whatever, "test/*").Mutation()
	sandgate.PostCall(note, "tools/call")
	sandgate.Configure(func(issues *sandgate.Issues) {
		if inConfigure != nil {
			inConfigure()
		}
		switch given.Mask {
		case "":
			issues.Add("/mask", "an empty mask would hide that something was masked")
		case "panic":
			var nothing []int
			_ = nothing[len(given.Words)]
		}
	})
}

func whatever(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	return hook(ctx, params)
}

func note(ctx *sandgate.Context, reply *sandgate.Document) (sandgate.PostDecision, error) {
	note, _ := ctx.Carried()
	reply.Set("/note", string(note))
	return nil, nil
}

func run(params string, f func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error)) sandgatetest.Outcome {
	hook = f
	return sandgatetest.Call{Method: "test/x"}.PreCall(params)
}

func edits(params string, f func(*sandgate.Document)) sandgatetest.Outcome {
	return run(params, func(_ *sandgate.Context, document *sandgate.Document) (sandgate.PreDecision, error) {
		f(document)
		return nil, nil
	})
}

const reply = `{"content":[{"type":"text","text":"ä"},{"type":"text","text":"b\nc"}],"n":null}`

func TestTheCopyOfTheContractIsTheContract(t *testing.T) {
	original, err := os.ReadFile("../../wit/interceptor.wit")
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := os.ReadFile("wit/interceptor.wit")
	if string(original) != string(kept) {
		t.Fatal("cp wit/interceptor.wit sdk/go/wit/")
	}
}

func TestDocumentsInMemoryReadAsTheGatewaysDo(t *testing.T) {
	type run struct {
		Text string
		Ends []uint32
	}
	var readings []struct {
		JSON                         string
		Texts, Strings, Keys         run
		TextPointers, StringPointers []string
	}
	text, err := os.ReadFile("../readings.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &readings); err != nil || len(readings) == 0 {
		t.Fatal(err)
	}
	for _, reading := range readings {
		document, err := double.New(reading.JSON)
		if err != nil {
			t.Fatal(err)
		}
		for index, made := range []run{run(document.Texts()), run(document.Strings()), run(document.Keys())} {
			wanted := []run{reading.Texts, reading.Strings, reading.Keys}[index]
			if made.Text != wanted.Text || fmt.Sprint(made.Ends) != fmt.Sprint(wanted.Ends) {
				t.Errorf("%s\n%v\n%v", reading.JSON, made, wanted)
			}
		}
		for index, wanted := range append(reading.TextPointers, "") {
			if pointer, found := document.TextPointer(uint32(index)); pointer != wanted || found != (index < len(reading.TextPointers)) {
				t.Errorf("%s: text %d is at %q, not %q", reading.JSON, index, pointer, wanted)
			}
		}
		for index, wanted := range reading.StringPointers {
			pointer, _ := document.StringPointer(uint32(index))
			if text, _ := document.Get(pointer); pointer != wanted || !strings.HasPrefix(text, `"`) {
				t.Errorf("%s: string %d is at %q, not %q", reading.JSON, index, pointer, wanted)
			}
		}
	}
}

func TestWhatIsNoJSONIsNoDocument(t *testing.T) {
	for _, text := range []string{"", "{", `{"a":1,"a":2}`, "[1,]", "01", "\"\n\"", "nul", "1 2"} {
		if _, err := double.New(text); err == nil {
			t.Errorf("%q", text)
		}
	}
}

func TestOnlyTextsThatChangeAreEdited(t *testing.T) {
	outcome := edits(reply, func(document *sandgate.Document) {
		changed := document.MapTexts(func(text string) string { return strings.ReplaceAll(text, "c", "d") })
		if changed != 1 {
			t.Error(changed)
		}
	})
	if outcome.Decision != "edit" || fmt.Sprint(outcome.Edits) != "[{text 1  b\nd}]" {
		t.Fatalf("%+v", outcome)
	}
}

func TestOneChangeOfTextsSeesWhatTheOneBeforeItLeftAndOneChangedBackIsNoEdit(t *testing.T) {
	outcome := edits(reply, func(document *sandgate.Document) {
		document.MapTexts(func(text string) string { return text + "!" })
		document.MapTexts(func(text string) string { return strings.TrimSuffix(text, "!") })
		document.MapTexts(func(text string) string { return strings.ReplaceAll(text, "ä", "o") })
		if texts := document.Texts(); texts[0] != "o" || texts[1] != "b\nc" {
			t.Error(texts)
		}
	})
	if len(outcome.Edits) != 1 || outcome.Edits[0].Value != "o" {
		t.Fatalf("%+v", outcome)
	}
}

func TestBecomingAnotherValueEditsWhatDiffers(t *testing.T) {
	outcome := edits(`{"a":[1,{"b":true}],"c":"x","d":[1],"n":1.50}`, func(document *sandgate.Document) {
		document.Become(map[string]any{
			"a": []any{1, map[string]any{"b": 1}}, "d": []any{1, 2}, "e~": nil, "n": json.Number("1.50"),
		})
	})
	if fmt.Sprint(outcome.Edits) != "[{set 0 /a/1/b 1} {set 0 /d [1,2]} {set 0 /e~0 null} {remove 0 /c }]" {
		t.Fatal(outcome.Edits)
	}
	if outcome.After != `{"a":[1,{"b":1}],"d":[1,2],"e~":null,"n":1.50}` {
		t.Fatal(outcome.After)
	}
}

func TestValuesAreReadByTheirPointers(t *testing.T) {
	document := sandgatetest.Document(`{"a/b":["x",1.50],"n":null}`)
	if text, found := document.String("/a~1b/0"); text != "x" || !found {
		t.Error(text, found)
	}
	if raw, _ := document.Raw("/a~1b/1"); raw != "1.50" {
		t.Error(raw)
	}
	if _, found := document.String("/n"); found || !document.Has("/n") || document.Has("/m") {
		t.Error("null is something, and no string")
	}
	var number int
	var unfit *sandgate.Unfit
	if err := document.Decode("/a~1b/0", &number); !errors.As(err, &unfit) || strings.Contains(err.Error(), "x\"") {
		t.Error(err)
	}
	var nothing *sandgate.NothingThere
	if err := document.Decode("/m", &number); !errors.As(err, &nothing) {
		t.Error(err)
	}
}

func TestElementsAreRemovedByTheirPlacesBefore(t *testing.T) {
	outcome := edits(`{"a":[0,1,2,3]}`, func(document *sandgate.Document) {
		document.Remove("/a/1")
		document.Remove("/a/2")
		document.Set("/a/-", 4)
	})
	if outcome.After != `{"a":[0,3,4]}` {
		t.Fatalf("%+v", outcome)
	}
}

func TestWhatCannotBeIsAFaultOfTheHooksOwnLine(t *testing.T) {
	for what, f := range map[string]func(*sandgate.Document){
		"two changes overlap":                 func(d *sandgate.Document) { d.Set("/content/0", 1); d.Set("/content", 2) },
		"text 0 stands within another change": func(d *sandgate.Document) { d.SetText(0, "x"); d.Set("/content", 2) },
		"text 2 of 2":                         func(d *sandgate.Document) { d.SetText(2, "x") },
		"nothing to remove":                   func(d *sandgate.Document) { d.Remove("/m") },
		"text: not UTF-8":                     func(d *sandgate.Document) { d.SetText(0, "\xff") },
		"begins with /":                       func(d *sandgate.Document) { d.Set("m", 1) },
		"a value of type chan int":            func(d *sandgate.Document) { d.Set("/n", make(chan int)) },
	} {
		outcome := edits(reply, f)
		if outcome.Decision != "fault" || outcome.Fault.Kind != "Misuse" || !strings.Contains(outcome.Fault.Detail, what) {
			t.Errorf("%s: %+v", what, outcome)
		} else if !strings.HasPrefix(outcome.Fault.Frames[0], "sandgate_test.go:") {
			t.Error(outcome.Fault.Frames)
		}
	}
}

func TestARefusalDropsWhatWasChanged(t *testing.T) {
	outcome := run(`{"name":"x"}`, func(_ *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
		params.Set("/name", "y")
		return sandgate.Refuse("no", "No.").At("/name").WithDetails(map[string]int{"retryAfterMs": 5}), nil
	})
	if outcome.Decision != "refuse" || outcome.After != `{"name":"x"}` || *outcome.Refusal.Details != `{"retryAfterMs":5}` {
		t.Fatalf("%+v", outcome)
	}
}

func TestARefusalThatIsNotReturnedIsAFaultAndNotAPass(t *testing.T) {
	outcome := run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		sandgate.Refuse("no", "No.")
		return nil, nil
	})
	if outcome.Decision != "fault" || !strings.Contains(outcome.Fault.Detail, "return sandgate.Refuse") {
		t.Fatalf("%+v", outcome)
	}
	outcome = run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) { return nil, nil })
	if outcome.Decision != "proceed" {
		t.Fatalf("a refusal of the run before is not this one's: %+v", outcome)
	}
}

func TestANilDecisionOfATypeIsAFaultAndNotAPass(t *testing.T) {
	outcome := run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		var refusal *sandgate.Refusal
		return refusal, nil
	})
	if outcome.Decision != "fault" {
		t.Fatalf("%+v", outcome)
	}
}

func TestAnAnswerStandsInForTheServerAndAReplacementForTheParams(t *testing.T) {
	outcome := run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		return sandgate.AnswerWith(map[string]any{"content": []any{}}), nil
	})
	if outcome.Decision != "answer" || outcome.After != `{"content":[]}` {
		t.Fatalf("%+v", outcome)
	}
	outcome = run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		return sandgate.Replace(json.RawMessage(`{"a":"<"}`)), nil
	})
	if outcome.Decision != "replace" || outcome.After != `{"a":"<"}` {
		t.Fatalf("%+v", outcome)
	}
}

type broken struct{ secret string }

func (b broken) Error() string { return b.secret }

func TestAnErrorIsToldWithItsTypeAndWhereItCameUp(t *testing.T) {
	outcome := run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		return nil, sandgate.Here(broken{"s"})
	})
	fault := outcome.Fault
	if fault == nil || fault.Kind != "sandgate_test.broken" || fault.Detail != "s" || !strings.Contains(fault.Frames[0], "sandgate_test.go:") {
		t.Fatalf("%+v", fault)
	}
	outcome = run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		return nil, errors.New("s")
	})
	if fault := outcome.Fault; fault.Kind != "error" || !strings.HasSuffix(fault.Frames[0], " in whatever") {
		t.Fatalf("without a place of its own it is told of the hook: %+v", fault)
	}
}

func TestAPanicIsToldWithItsFramesInnermostFirst(t *testing.T) {
	outcome := run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		deeper()
		return nil, nil
	})
	fault := outcome.Fault
	if fault == nil || fault.Kind != "runtime error" || !strings.HasPrefix(fault.Detail, "index out of range") {
		t.Fatalf("%+v", fault)
	}
	if !strings.HasSuffix(fault.Frames[0], " in deeper") || !strings.Contains(fault.Frames[1], "TestAPanic") {
		t.Fatal(fault.Frames)
	}
	outcome = run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) { panic("s") })
	if outcome.Fault.Kind != "panic" || outcome.Fault.Detail != "s" {
		t.Fatalf("%+v", outcome.Fault)
	}
}

func deeper() {
	var nothing []int
	_ = nothing[len(os.Args)]
}

func TestANoteIsCarriedFromTheCallToItsReply(t *testing.T) {
	outcome := run("{}", func(ctx *sandgate.Context, _ *sandgate.Document) (sandgate.PreDecision, error) {
		ctx.Carry([]byte("from " + ctx.Server()))
		return nil, nil
	})
	after := sandgatetest.Call{Carried: outcome.Carried}.PostCall("{}").After
	if after != `{"note":"from server"}` {
		t.Fatal(after)
	}
}

func TestContextsSayWhoCallsWhat(t *testing.T) {
	ctx := sandgatetest.Call{Target: "lookup", Groups: []string{"staff"}, Params: `{"a":1}`}.Context()
	target, _ := ctx.Target()
	_, known := ctx.Principal()
	if target != "lookup" || known || ctx.Groups()[0] != "staff" || !ctx.Params().Has("/a") || ctx.Remaining() != time.Second {
		t.Fatal(target, known, ctx.Groups())
	}
}

func TestFindingsAndLinesAreRecorded(t *testing.T) {
	outcome := run("{}", func(*sandgate.Context, *sandgate.Document) (sandgate.PreDecision, error) {
		sandgate.Found("pii.email", "an address").Warn().InParams().At("/a").WithDetails(map[string]int{"n": 1}).Report()
		log.Warn("seen")
		return nil, nil
	})
	finding := outcome.Findings[0]
	if finding.Rule != "pii.email" || finding.Severity != "warn" || finding.Part != "params" || *finding.Details != `{"n":1}` {
		t.Fatalf("%+v", finding)
	}
	if outcome.Logs[0] != (sandgatetest.Line{Level: "warn", Message: "seen"}) {
		t.Fatal(outcome.Logs)
	}
}

func TestStateCountsSetsAndIsDeniedWithoutItsGrant(t *testing.T) {
	defer sandgatetest.ForgetState()
	if sum, err := state.Increment("n", 2, time.Minute); sum != 2 || err != nil {
		t.Fatal(sum, err)
	}
	if sum, _ := state.Increment("n", -1, 0); sum != 1 {
		t.Fatal(sum)
	}
	if set, _ := state.CompareAndSet("k", nil, []byte("a"), 0); !set {
		t.Fatal("nothing stood there")
	}
	if set, _ := state.CompareAndSet("k", nil, []byte("b"), 0); set {
		t.Fatal("something stood there")
	}
	if value, found, _ := state.Get("k"); string(value) != "a" || !found {
		t.Fatal(value, found)
	}
	var unavailable *state.Unavailable
	if _, err := state.Increment("k", 1, 0); !errors.As(err, &unavailable) {
		t.Fatal(err)
	}
	if state.Delete("k") != nil {
		t.Fatal("it can be deleted")
	}
	sandgatetest.GrantState(false)
	defer sandgatetest.GrantState(true)
	if _, _, err := state.Get("k"); err != state.ErrDenied {
		t.Fatal(err)
	}
}

func TestSettingsArriveTypedAndWhatIsWrongIsSaid(t *testing.T) {
	if issues := sandgatetest.Configure(`{"mask":"***","words":["b"]}`); issues != nil || given.Mask != "***" || given.Words[0] != "b" {
		t.Fatal(issues, given)
	}
	if issues := sandgatetest.Configure(nil); issues != nil || given.Mask != "[email]" || given.Words[0] != "a" {
		t.Fatal("what is not given is as declared:", issues, given)
	}
	for settings, wanted := range map[string]string{
		`{"mask":3}`:             "/mask: string is wanted",
		`{"deep":{"limit":"x"}}`: "/deep/limit: int is wanted",
		`{"mark":""}`:            "/mark: there is no such setting",
		`{"mask":""}`:            "/mask: an empty mask would hide that something was masked",
		`{"mask":"panic"}`:       ": runtime error: index out of range [1] with length 0",
	} {
		issues := sandgatetest.Configure(settings)
		if len(issues) != 1 || !strings.HasPrefix(issues[0].Pointer+": "+issues[0].Message, wanted) {
			t.Errorf("%s: %v", settings, issues)
		}
	}
}

func TestNamesMatchPatterns(t *testing.T) {
	for _, pair := range [][2]string{{"tools/*", "tools/call"}, {"*", ""}, {"a?c", "aéc"}, {"*b*d", "abcbd"}, {"", ""}} {
		if !sandgate.GlobMatches(pair[0], pair[1]) {
			t.Errorf("%v", pair)
		}
	}
	for _, pair := range [][2]string{{"read_?", "read_"}, {"Tools", "tools"}, {"a*b", "ac"}, {"", "a"}, {"[a]", "a"}} {
		if sandgate.GlobMatches(pair[0], pair[1]) {
			t.Errorf("%v", pair)
		}
	}
}
