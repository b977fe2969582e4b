package sandgate_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sandgate"
	"sandgate/sandgatetest"
	"sandgate/state"
)

func ExampleDocument_MapTexts() {
	reply := sandgatetest.Document(`{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}`)
	changed := reply.MapTexts(func(text string) string { return strings.ReplaceAll(text, "b", "c") })
	fmt.Println(changed, reply.Edits())
	// Output: 1 [{text 1  c}]
}

func ExampleDocument_Become() {
	params := sandgatetest.Document(`{"name":"send","arguments":{"to":["a","b"],"secret":1}}`)
	params.Become(map[string]any{"name": "send", "arguments": map[string]any{"to": []string{"a", "c"}}})
	fmt.Println(params.Edits())
	// Output: [{set 0 /arguments/to/1 "c"} {remove 0 /arguments/secret }]
}

func ExampleDocument_Decode() {
	params := sandgatetest.Document(`{"arguments":{"limit":3}}`)
	var arguments struct{ Limit int }
	err := params.Decode("/arguments", &arguments)
	fmt.Println(arguments.Limit, err)
	// Output: 3 <nil>
}

func ExampleContext_Principal() {
	ctx := sandgatetest.Call{Principal: "ada", Groups: []string{"staff"}}.Context()
	name, known := ctx.Principal()
	fmt.Println(name, known, ctx.Groups())
	// Output: ada true [staff]
}

func Example_state() {
	sandgate.PreCall(func(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
		calls, err := state.Increment("calls", 1, 0)
		if err != nil {
			return nil, sandgate.Here(err)
		}
		if calls > 1 {
			return sandgate.Refuse("quota.calls", "Too many calls."), nil
		}
		return nil, nil
	}, "prompts/get")

	call := sandgatetest.Call{Method: "prompts/get"}
	fmt.Println(call.PreCall("{}").Decision, call.PreCall("{}").Refusal.Code)
	sandgatetest.ForgetState()
	// Output: proceed quota.calls
}

func TestTheReadmesPluginIsTheExample(t *testing.T) {
	readme, _ := os.ReadFile("README.md")
	example, err := os.ReadFile("../../examples/mask-email/go/plugin.go")
	if err != nil {
		t.Fatal(err)
	}
	_, source, _ := strings.Cut(string(example), "\n")
	if !strings.Contains(string(readme), "```go\n"+source+"```") {
		t.Fatal("sdk/go/README.md shows another plugin than examples/mask-email/go")
	}
}
