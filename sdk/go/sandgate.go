// Package sandgate is for writing Sandgate interceptors in Go: functions that look at each call of an MCP tool, or at its
// reply, and let it go on, change it, or refuse it.
//
//	package main
//
//	import (
//		"regexp"
//		"strings"
//
//		"sandgate"
//	)
//
//	var email = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`)
//
//	func init() {
//		sandgate.PreCall(check, "tools/call")
//		sandgate.PostCall(scrub, "tools/call", "resources/read")
//	}
//
//	func check(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
//		for _, text := range params.Texts() {
//			if strings.Contains(text, "rm -rf") {
//				return sandgate.Refuse("command.destructive", "destructive command"), nil
//			}
//		}
//		return nil, nil
//	}
//
//	func scrub(ctx *sandgate.Context, reply *sandgate.Document) (sandgate.PostDecision, error) {
//		reply.MapTexts(func(text string) string { return email.ReplaceAllString(text, "[email]") })
//		return nil, nil
//	}
//
//	func main() { sandgate.Main() }
//
// The package answers for the way between the contract (wit/) and ordinary Go. It knows no gateway: what stands on the other
// side is whatever host runs the component. Natively, where there is none, package sandgatetest stands in.
//
// A component's package initialisation runs once, when the gateway prepares the plugin, and then what is given to
// [Configure]; every hook run starts from the memory that they left, in an instance of its own. Goroutines and timers work
// within a run; none outlives it.
package sandgate

// Version of this package.
const Version = "0.1.0"
