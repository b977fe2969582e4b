package mcp

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
)

// Reads the members that a struct knows, by their names to the letter, and keeps the rest: package encoding/json would take
// `Name` for `name`, which no server does. A null that the struct would leave out is kept too.
func read(text []byte, known any, unknown *map[string]json.RawMessage) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	value := reflect.ValueOf(known).Elem()
	for index := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(index).Tag.Get("json"), ",")
		member, there := all[name]
		if !there || string(member) == "null" {
			continue
		}
		if err := json.Unmarshal(member, value.Field(index).Addr().Interface()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		delete(all, name)
	}
	if len(all) > 0 {
		*unknown = all
	}
	return nil
}

// Writes what a struct knows, and what it does not.
func written(known any, unknown map[string]json.RawMessage) ([]byte, error) {
	text, err := json.Marshal(known)
	if err != nil || len(unknown) == 0 {
		return text, err
	}
	var own map[string]json.RawMessage
	if err := json.Unmarshal(text, &own); err != nil {
		return nil, err
	}
	all := maps.Clone(unknown)
	maps.Copy(all, own)
	return json.Marshal(all)
}
