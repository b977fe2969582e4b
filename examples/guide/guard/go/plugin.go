// Refuses destructive commands, and deletions by others than admins.
package main

import (
	"slices"
	"strings"

	"sandgate"
)

func init() {
	sandgate.PreCall(check, "tools/call")
}

func check(ctx *sandgate.Context, params *sandgate.Document) (sandgate.PreDecision, error) {
	for _, text := range params.Texts() {
		if strings.Contains(text, "rm -rf") {
			return sandgate.Refuse("command.destructive", "destructive command"), nil
		}
	}
	tool, _ := ctx.Target()
	if strings.HasPrefix(tool, "delete_") && !slices.Contains(ctx.Groups(), "admins") {
		return sandgate.Refuse("delete.forbidden", "Only admins may delete."), nil
	}
	return nil, nil
}

func main() { sandgate.Main() }
