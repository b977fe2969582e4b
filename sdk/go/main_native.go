//go:build !wasip1

package sandgate

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// Main is all that a plugin's main function does: `func main() { sandgate.Main() }`. In a component it is never called. Run
// natively (`go run .`), it prints what the source registers and the schema of its settings, which `sandgate plugin build`
// compares with plugin.toml; `go run . manifest --write` puts both there.
func Main() {
	hooks, err := registered(plugin.hooks)
	if err == nil {
		switch arguments := os.Args[1:]; {
		case len(arguments) == 0 || slices.Equal(arguments, []string{"manifest"}):
			var text []byte
			if text, err = json.Marshal(described(hooks)); err == nil {
				fmt.Println(string(text))
			}
		case slices.Equal(arguments, []string{"manifest", "--write"}):
			err = writeManifest(".", hooks, plugin.settings)
		default:
			err = fmt.Errorf("go run . [manifest [--write]]: prints what the source registers, or puts it into %s", manifestFile)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// What the manifest says of a hook.
type table struct {
	kind   kind
	Type   string   `json:"type"`
	Events []string `json:"events"`
}

// By kind, in the order of registration.
func registered(hooks []*Hook) ([]*table, error) {
	var made []*table
	for _, hook := range hooks {
		at := slices.IndexFunc(made, func(one *table) bool { return one.kind == hook.kind })
		if at < 0 {
			at = len(made)
			made = append(made, &table{kind: hook.kind, Type: hook.role})
		}
		one := made[at]
		if one.Type != hook.role {
			return nil, fmt.Errorf("%s: one function is a validation, another a mutation; make both the same", hook.kind)
		}
		for _, event := range hook.events {
			if !slices.Contains(one.Events, event) {
				one.Events = append(one.Events, event)
			}
		}
	}
	return made, nil
}

func described(hooks []*table) map[string]any {
	byKind := map[kind]*table{}
	for _, hook := range hooks {
		byKind[hook.kind] = hook
	}
	made := map[string]any{"hooks": byKind, "settings": plugin.settings != nil}
	if plugin.settings != nil {
		made["schema"] = plugin.settings.schema()
	}
	return made
}
