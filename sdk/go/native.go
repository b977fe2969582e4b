//go:build !wasip1

package sandgate

import (
	"sandgate/internal/border"
	"sandgate/internal/bridge"
	"sandgate/internal/double"
)

// The function that ran last: what is wrong with its decision is told of it.
var running *Hook

// A run that ends without a word is a component's.
func begins(hook *Hook) { running = hook }

// Why a plugin that no test configured cannot be configured without settings: a gateway runs no hook of it then.
func unconfigured() *Fault {
	if plugin.configured {
		return nil
	}
	other := border.Other.(*double.Recorder)
	other.Configuring = true
	defer func() { other.Configuring = false }()
	issues := configure("{}")
	if len(issues) == 0 {
		return nil
	}
	plugin.configured = false
	return &Fault{Kind: "settings", Detail: "not accepted: " + issues[0].Pointer + ": " + issues[0].Message}
}

func init() {
	border.Other = &double.Recorder{}
	bridge.Run = func(of, method string, exchange border.Exchange, source border.Source) (bridge.Outcome, bool) {
		var wanted *Hook
		for _, hook := range plugin.hooks {
			if wanted == nil && hook.kind == kind(of) && hook.isFor(method) {
				wanted = hook
			}
		}
		if wanted == nil {
			return bridge.Outcome{}, false
		}
		read := manifestHere()
		if err := read.differs(); err != nil {
			panic("sandgatetest: " + err.Error())
		}
		other := border.Other.(*double.Recorder)
		other.NoState, other.NoHTTP = !read.asksFor("state"), !read.asksFor("http")
		defer func() { other.NoState, other.NoHTTP = false, false }()
		running = wanted
		if fault := unconfigured(); fault != nil {
			return bridge.Outcome{Fault: fault, Role: running.role, Place: placeOf(running.entry)}, true
		}
		made := decide(kind(of), &Context{exchange}, &Document{source: source})
		outcome := bridge.Outcome{Edits: made.edits, Role: running.role, Place: placeOf(running.entry)}
		if made.refusal != nil {
			outcome.Refusal = made.refusal
		}
		if made.fault != nil {
			outcome.Fault = made.fault
		}
		if made.replacement != nil {
			outcome.Replacement = &made.replacement.JSON
		}
		if made.answer != nil {
			outcome.Answer = &made.answer.JSON
		}
		return outcome, true
	}
	bridge.Configure = func(settings string) [][2]string {
		var issues [][2]string
		for _, issue := range configure(settings) {
			issues = append(issues, [2]string{issue.Pointer, issue.Message})
		}
		return issues
	}
	bridge.Document = func(source border.Source) any { return &Document{source: source} }
	bridge.Context = func(exchange border.Exchange) any { return &Context{exchange} }
}
