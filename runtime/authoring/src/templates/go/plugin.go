{{#both}}
// Masks e-mail addresses in replies; refuses destructive commands.
{{/both}}
{{#only-pre}}
// Refuses destructive commands.
{{/only-pre}}
{{#only-post}}
// Masks e-mail addresses in replies.
{{/only-post}}
package main

import (
{{#post}}
	"regexp"
{{/post}}
{{#pre}}
	"strings"
{{/pre}}

	"sandgate"
)
{{#post}}

var email = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`)
{{/post}}

func init() {
{{#pre}}
	sandgate.PreCall(check, "tools/call")
{{/pre}}
{{#post}}
	sandgate.PostCall(scrub, "tools/call", "resources/read")
{{/post}}
}
{{#pre}}

func check(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	for _, text := range params.Texts() {
		if strings.Contains(text, "rm -rf") {
			return sandgate.Refuse("command.destructive", "destructive command"), nil
		}
	}
	return nil, nil
}
{{/pre}}
{{#post}}

func scrub(ctx *sandgate.Context, reply *sandgate.Document) (sandgate.PostDecision, error) {
	reply.MapTexts(func(text string) string { return email.ReplaceAllString(text, "[email]") })
	return nil, nil
}
{{/post}}

func main() { sandgate.Main() }
