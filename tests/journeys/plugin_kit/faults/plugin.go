// Fails in the way that the call asks for, and repeats the call in what it says of it.
package main

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"sync"

	"sandgate"
	"sandgate/state"
)

type lookup struct{ what string }

func (l *lookup) Error() string { return l.what }

func init() {
	sandgate.PreCall(check, "tools/call")
}

func check(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	how, _ := params.String("/arguments/how")
	return nil, fail(how, params.JSON())
}

func fail(how, text string) error {
	switch how {
	case "error":
		return sandgate.Here(&lookup{text})
	case "placeless":
		return errors.New(text)
	case "library":
		_, err := strconv.Atoi(text)
		return sandgate.Here(err)
	case "denied":
		return sandgate.Here(state.Set("x", nil, 0))
	case "panic":
		panic(text)
	case "panic with an error":
		panic(&lookup{text})
	case "nil map":
		var none map[string]int
		none[text] = 1
	case "index":
		_ = text[len(text):][how[0]]
	case "nil":
		_ = deeper(nil)
	case "library's panic":
		json.NewDecoder(nil).Decode(&text)
	case "decision":
		sandgate.Refuse("forgotten", "never returned")
	case "goroutine":
		wait(func() { panic(text) })
	case "goroutine with an error":
		wait(func() { panic(&lookup{text + "\n\ngoroutine 1 [running]:\nmain.none()\n\tnone.go:1 +0x1"}) })
	case "goroutine, index":
		wait(func() { _ = text[len(text):][how[0]] })
	case "deadlock":
		<-make(chan string)
	case "goroutines wait for each other":
		wait(func() { select {} })
	case "unlocked":
		new(sync.Mutex).Unlock()
	case "recursion":
		_ = endless(len(text))
	case "exit":
		println("fatal error: ", text)
		os.Exit(3)
	}
	return nil
}

func deeper(nothing *lookup) string { return nothing.what }

func endless(depth int) int { return endless(depth+1) + depth }

func wait(f func()) {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		f()
	}()
	group.Wait()
}

func main() { sandgate.Main() }
