// Lets each caller make so many calls in so many seconds.
package main

import (
	"fmt"
	"time"

	"sandgate"
	"sandgate/state"
)

// ANCHOR: settings
type settings struct {
	Calls   int64 `json:"calls" min:"1" doc:"Calls of one caller."`
	Seconds int64 `json:"seconds" min:"1" doc:"Seconds in which they count."`
}

var given = sandgate.Settings(settings{Calls: 10, Seconds: 60})

// ANCHOR_END: settings

func init() {
	sandgate.PreCall(limit, "tools/call")
}

// ANCHOR: state
func limit(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	who, known := ctx.Principal()
	if !known {
		who = "anybody"
	}
	made, err := state.Increment("calls:"+who, 1, time.Duration(given.Seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	if made > given.Calls {
		return sandgate.Refuse("quota.exceeded", fmt.Sprintf("At most %d calls in %d seconds.", given.Calls, given.Seconds)), nil
	}
	return nil, nil
}

// ANCHOR_END: state

func main() { sandgate.Main() }
