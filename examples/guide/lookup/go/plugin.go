// Lets pass the tools that a service knows.
package main

import (
	"encoding/json"
	"errors"
	"time"

	"sandgate"
	"sandgate/http"
)

func init() {
	sandgate.PreCall(lookup, "tools/call")
}

// ANCHOR: http
func lookup(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	tool, _ := ctx.Target()
	asked, err := json.Marshal(map[string]string{"tool": tool})
	if err != nil {
		return nil, err
	}
	reply, err := http.Request{
		Method: "POST", URL: "https://tools.example.com/known", Body: asked, Timeout: 50 * time.Millisecond,
	}.Send()
	switch {
	case errors.Is(err, http.ErrTimedOut):
		sandgate.Found("lookup.late", "nobody knew in time").Warn().InParams().Report()
		return nil, nil
	case errors.Is(err, http.ErrRefused), errors.Is(err, http.ErrCut):
		return sandgate.Refuse("lookup.down", "Nobody can say whether this tool is known."), nil
	case err != nil:
		return nil, err
	case reply.Status != 200:
		return sandgate.Refuse("lookup.unknown", "This tool is not known."), nil
	}
	return nil, nil
}

// ANCHOR_END: http

func main() { sandgate.Main() }
