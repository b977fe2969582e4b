// Does what its arguments say: for the journey that looks at what becomes of it in a gateway.
package main

import (
	crypto "crypto/rand"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"time"

	"sandgate"
	"sandgate/log"
	"sandgate/state"
)

var kept []any

var given = sandgate.Settings(struct {
	Word string `json:"word"`
}{Word: "x"})

type lookup struct{ secret string }

func (l *lookup) Error() string { return l.secret }

func init() {
	sandgate.PreCall(check, "tools/call")
	sandgate.PostCall(judge, "tools/call")
	sandgate.Configure(func(issues *sandgate.Issues) {
		kept = append(kept, rand.Uint64())
		if given.Word == "no" {
			issues.Add("/word", "must not be no")
		}
	})
}

func deeper(nothing *sandgate.Refusal) string { return nothing.Code }

func check(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	// Handles that a plugin keeps do not outlive the run.
	kept = append(kept, ctx)
	what, _ := params.String("/arguments/what")
	secret, _ := params.String("/arguments/secret")
	switch what {
	case "raise":
		return nil, sandgate.Here(&lookup{secret})
	case "exit":
		panic(secret)
	case "deep":
		deeper(nil)
	case "forget":
		sandgate.Refuse("forgotten", "never returned")
	case "state":
		if _, _, err := state.Get("x"); err != nil {
			return nil, sandgate.Here(err)
		}
	case "random":
		var drawn [4]byte
		crypto.Read(drawn[:])
		text := fmt.Sprintf("%d %s %d", rand.Uint64(), hex.EncodeToString(drawn[:]), len(kept))
		return sandgate.Refuse("random", text), nil
	case "settings":
		return sandgate.Refuse("settings", given.Word), nil
	case "abort":
		fmt.Fprintln(os.Stderr, "on stderr")
		os.Exit(3)
	case "busy":
		return sandgate.Refuse("busy", busy(params)), nil
	}
	sandgate.Found("seen", "a call").InParams().WithDetails(map[string]string{"what": what}).Report()
	log.Info("carried")
	target, _ := ctx.Target()
	ctx.Carry([]byte("from the call, " + target))
	return nil, nil
}

// Goroutines, timers, much garbage, and questions to the gateway among them.
func busy(params *sandgate.Document) string {
	started := time.Now()
	var group sync.WaitGroup
	sums := make(chan int, 8)
	for part := range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			sum := 0
			for range 20 {
				time.Sleep(50 * time.Microsecond)
				garbage := make([]string, 2000)
				for index := range garbage {
					garbage[index] = fmt.Sprint(part, index)
				}
				sum += len(params.Strings()) + len(garbage[1999])/len(garbage[1999]) - 1
			}
			sums <- sum
		}()
	}
	group.Wait()
	close(sums)
	total := 0
	for sum := range sums {
		total += sum
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return fmt.Sprintf("%d %t %t %d", total, time.Since(started) > time.Millisecond, memory.NumGC > 1, time.Now().Year()/1000)
}

func judge(ctx *sandgate.Context, reply *sandgate.Document) (sandgate.PostDecision, error) {
	note, _ := ctx.Carried()
	what, _ := ctx.Params().String("/arguments/what")
	reply.Set("/structuredContent", map[string]string{"note": string(note), "what": what})
	return nil, nil
}

func main() { sandgate.Main() }
