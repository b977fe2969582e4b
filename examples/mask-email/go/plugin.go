// Masks e-mail addresses in replies; refuses `rm -rf` in arguments.
package main

import (
	"regexp"
	"strings"

	"sandgate"
)

var email = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`)

func init() {
	sandgate.PreCall(check, "tools/call")
	sandgate.PostCall(scrub, "tools/call", "resources/read")
}

func check(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	for _, text := range params.Texts() {
		if strings.Contains(text, "rm -rf") {
			return sandgate.Refuse("command.destructive", "destructive command"), nil
		}
	}
	return nil, nil
}

func scrub(ctx *sandgate.Context, reply *sandgate.Document) (sandgate.PostDecision, error) {
	reply.MapTexts(func(text string) string { return email.ReplaceAllString(text, "[email]") })
	return nil, nil
}

func main() { sandgate.Main() }
