package sandgate

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
)

// Main is all that a plugin's main function does: `func main() { sandgate.Main() }`. In a component it is never called. Run
// natively (`go run .`), it prints what the source registers, which `sandgate plugin build` compares with plugin.toml.
func Main() {
	if runtime.GOOS == "wasip1" {
		return
	}
	type table struct {
		Type   string   `json:"type"`
		Events []string `json:"events"`
	}
	hooks := map[kind]*table{}
	for _, hook := range plugin.hooks {
		made := hooks[hook.kind]
		if made == nil {
			made = &table{Type: hook.role}
			hooks[hook.kind] = made
		}
		if made.Type != hook.role {
			fmt.Fprintf(os.Stderr, "%s: one function is a validation, another a mutation; make both the same\n", hook.kind)
			os.Exit(1)
		}
		for _, event := range hook.events {
			if !slices.Contains(made.Events, event) {
				made.Events = append(made.Events, event)
			}
		}
	}
	text, _ := json.Marshal(map[string]any{"hooks": hooks, "settings": plugin.settings != nil})
	fmt.Println(string(text))
}
