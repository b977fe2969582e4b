package double

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Edit is a change as it leaves a hook.
type Edit struct {
	// "text", "set" or "remove".
	Op string
	// Of a text: which.
	Index int
	// Of the others: where.
	Pointer string
	// A text's new text, or what is set as JSON text.
	Value string
}

// Where an edit applies: the value that it replaces or removes, or the object or array that it adds to.
type place struct {
	index      int
	edit       Edit
	path       []string
	start, end int
	adds       bool
	// Of a member that is added to an object.
	name *string
}

var noEscape = regexp.MustCompile(`~([^01]|$)`)

// The document as these edits leave it, as canonical JSON.
func (d *Document) apply(edits []Edit) (string, *Failure) {
	var places []place
	for index, edit := range edits {
		at, failure := d.place(index, edit)
		if failure != nil {
			return "", failure
		}
		places = append(places, at)
	}
	if failure := checkOverlap(places); failure != nil {
		return "", failure
	}
	value := decoded(d.text)
	// Removals from the end of the document: indexes refer to it as it was handed over.
	slices.SortStableFunc(places, func(a, b place) int {
		if removes := a.edit.Op == "remove"; removes != (b.edit.Op == "remove") {
			if removes {
				return 1
			}
			return -1
		} else if removes {
			return cmp.Compare(b.start, a.start)
		}
		return 0
	})
	for _, one := range places {
		value = changed(value, one.path, one.edit)
	}
	made, err := marshal(value)
	if err != nil {
		return "", malformed("%s", err)
	}
	return made, nil
}

func (d *Document) place(index int, edit Edit) (place, *Failure) {
	pointer := edit.Pointer
	switch edit.Op {
	case "text":
		known := false
		if pointer, known = d.TextPointer(uint32(edit.Index)); !known {
			return place{}, malformed("edit %d: text %d of %d", index, edit.Index, len(d.Texts().Ends))
		}
	case "set":
		if why := tooDeep(edit.Value); why != "" {
			return place{}, malformed("edit %d: %s", index, why)
		}
	}
	unusable := malformed("edit %d: not a usable pointer", index)
	path, err := tokens(pointer)
	if err != nil || noEscape.MatchString(pointer) || len(path) == 0 && edit.Op == "remove" {
		return place{}, unusable
	}
	value := d.root
	for at, token := range path {
		adds := at == len(path)-1 && edit.Op == "set"
		here := place{index: index, edit: edit, path: path, start: value.start, end: value.end, adds: true}
		var next *tree
		switch value.kind {
		case '[':
			element, is := position(token)
			if !is && adds && token == "-" {
				return here, nil
			}
			if !is {
				return place{}, unusable
			}
			if element < len(value.values) {
				next = value.values[element]
			}
		case '{':
			if next = value.member(token); next == nil && adds {
				here.name = &token
				return here, nil
			}
		}
		if next == nil {
			return place{}, malformed("edit %d: nothing stands there", index)
		}
		value = next
	}
	return place{index: index, edit: edit, path: path, start: value.start, end: value.end}, nil
}

func checkOverlap(places []place) *Failure {
	overlap := func(a, b int) *Failure { return malformed("edits %d and %d overlap", min(a, b), max(a, b)) }
	type member struct {
		object int
		name   string
	}
	added := map[member]int{}
	for _, one := range places {
		if one.name == nil {
			continue
		}
		if first, twice := added[member{one.start, *one.name}]; twice {
			return overlap(first, one.index)
		}
		added[member{one.start, *one.name}] = one.index
	}
	order := slices.Clone(places)
	slices.SortStableFunc(order, func(a, b place) int {
		if a.start != b.start || a.adds == b.adds {
			return cmp.Compare(a.start, b.start)
		}
		if a.adds {
			return 1
		}
		return -1
	})
	covered, by := 0, 0
	for _, one := range order {
		if one.start < covered {
			return overlap(one.index, by)
		}
		if !one.adds {
			covered, by = one.end, one.index
		}
	}
	return nil
}

// Each of them has a place.
func changed(value any, path []string, edit Edit) any {
	if len(path) == 0 {
		if edit.Op == "text" {
			return edit.Value
		}
		return decoded(edit.Value)
	}
	removes := len(path) == 1 && edit.Op == "remove"
	switch value := value.(type) {
	case map[string]any:
		if removes {
			delete(value, path[0])
			return value
		}
		value[path[0]] = changed(value[path[0]], path[1:], edit)
		return value
	case []any:
		if path[0] == "-" {
			return append(value, decoded(edit.Value))
		}
		index, _ := position(path[0])
		if removes {
			return slices.Delete(value, index, index+1)
		}
		value[index] = changed(value[index], path[1:], edit)
		return value
	}
	return value
}

// The value of a JSON text that was read before.
func decoded(text string) any {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	_ = decoder.Decode(&value)
	return value
}
