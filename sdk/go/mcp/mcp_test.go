package mcp_test

import (
	"encoding/json"
	"testing"

	"sandgate/mcp"
	"sandgate/sandgatetest"
)

const call = `{"name":"search","Name":"other","arguments":{"q":1.50},"new":{"deep":[1]},"_meta":null}`

func TestAPayloadIsReadByItsNamesToTheLetter(t *testing.T) {
	var params mcp.CallToolParams
	if err := sandgatetest.Document(call).Decode("", &params); err != nil {
		t.Fatal(err)
	}
	if params.Name != "search" || string(params.Arguments) != `{"q":1.50}` || string(params.Unknown["new"]) != `{"deep":[1]}` {
		t.Fatalf("%+v", params)
	}
}

func TestWhatIsReadAndPutBackChangesNothing(t *testing.T) {
	for _, text := range []string{
		call,
		`{"content":[{"type":"text","text":"a","x":1},{"type":"resource","resource":{"uri":"u","text":"t","y":null}},{"type":"later","z":[]}],"isError":false,"structuredContent":[1]}`,
		`{"content":[]}`,
	} {
		document := sandgatetest.Document(text)
		var back any
		if text == call {
			var params mcp.CallToolParams
			if err := document.Decode("", &params); err != nil {
				t.Fatal(err)
			}
			back = params
		} else {
			var result mcp.CallToolResult
			if err := document.Decode("", &result); err != nil {
				t.Fatal(err)
			}
			back = result
		}
		document.Become(back)
		if edits := document.Edits(); len(edits) > 0 {
			t.Errorf("%s: %+v", text, edits)
		}
	}
}

func TestAMemberOfAnotherTypeIsAnErrorWithItsName(t *testing.T) {
	var tool mcp.Tool
	err := json.Unmarshal([]byte(`{"name":1,"inputSchema":{}}`), &tool)
	if err == nil || err.Error()[:6] != "name: " {
		t.Fatal(err)
	}
}
