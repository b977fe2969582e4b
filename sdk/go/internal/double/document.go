package double

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sandgate/internal/border"
)

// Document is the contract's resource `document`, in memory.
type Document struct {
	text string
	root *tree
}

// New reads a JSON text.
func New(text string) (*Document, error) {
	text = strings.Trim(text, " \t\r\n")
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	return &Document{text, root}, nil
}

func (d *Document) Size() uint64 { return uint64(len(d.text)) }

func (d *Document) JSON() string { return d.text }

func (d *Document) Get(pointer string) (string, bool) {
	path, err := tokens(pointer)
	if err != nil {
		return "", false
	}
	value := d.root
	for _, token := range path {
		if index, is := position(token); is && value.kind == '[' {
			if index >= len(value.values) {
				return "", false
			}
			value = value.values[index]
			continue
		}
		if value = value.member(token); value == nil {
			return "", false
		}
	}
	return d.text[value.start:value.end], true
}

func (d *Document) Texts() border.Run { return run(textsOf(texts(d.text, d.root))) }

func (d *Document) Strings() border.Run { return run(textsOf(allStrings(d.text, d.root))) }

func (d *Document) Keys() border.Run { return run(keys(nil, d.root)) }

func (d *Document) TextPointer(index uint32) (string, bool) {
	return at(texts(d.text, d.root), index)
}

func (d *Document) StringPointer(index uint32) (string, bool) {
	return at(allStrings(d.text, d.root), index)
}

func at(all []found, index uint32) (string, bool) {
	if int(index) >= len(all) {
		return "", false
	}
	return all[index].pointer, true
}

func textsOf(all []found) []string {
	made := make([]string, len(all))
	for index, one := range all {
		made[index] = one.text
	}
	return made
}

func run(parts []string) border.Run {
	var made border.Run
	var text strings.Builder
	for _, part := range parts {
		text.WriteString(part)
		made.Ends = append(made.Ends, uint32(text.Len()))
		text.WriteByte('\n')
	}
	made.Text = text.String()
	return made
}

func tokens(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if pointer[0] != '/' {
		return nil, errors.New("a JSON Pointer is empty or begins with /")
	}
	path := strings.Split(pointer[1:], "/")
	for index, token := range path {
		path[index] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return path, nil
}

// An array's index, as RFC 6901 writes it: no sign, no leading zero.
func position(token string) (int, bool) {
	if token == "" || len(token) > 1 && token[0] == '0' || strings.Trim(token, "0123456789") != "" {
		return 0, false
	}
	index, err := strconv.Atoi(token)
	return index, err == nil
}

// Edit is a change as it leaves a hook.
type Edit struct {
	// nil: the value goes.
	Value   *string
	Pointer string
}

// Apply is the document as these edits leave it, as canonical JSON; an error where the gateway would call one a malfunction.
func (d *Document) Apply(edits []Edit) (string, error) {
	decoder := json.NewDecoder(strings.NewReader(d.text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", err
	}
	// Removals from the end of the document: indexes refer to it as it was handed over.
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int { return d.order(b) - d.order(a) })
	for _, edit := range edits {
		path, err := tokens(edit.Pointer)
		if err != nil {
			return "", err
		}
		if value, err = changed(value, path, edit); err != nil {
			return "", fmt.Errorf("%s: %w", edit.Pointer, err)
		}
	}
	return marshal(value)
}

// All others before the removals; of these the last first.
func (d *Document) order(edit Edit) int {
	if edit.Value != nil {
		return len(d.text) + 1
	}
	path, _ := tokens(edit.Pointer)
	value := d.root
	for _, token := range path {
		if index, is := position(token); is && value.kind == '[' && index < len(value.values) {
			value = value.values[index]
		} else if member := value.member(token); member != nil {
			value = member
		}
	}
	return value.start
}

func changed(value any, path []string, edit Edit) (any, error) {
	if len(path) == 0 {
		if edit.Value == nil {
			return nil, errors.New("the whole document cannot be removed")
		}
		return decoded(*edit.Value)
	}
	nothing := errors.New("nothing stands there")
	last := len(path) == 1
	switch value := value.(type) {
	case map[string]any:
		before, there := value[path[0]]
		if last && edit.Value == nil {
			if !there {
				return nil, nothing
			}
			delete(value, path[0])
			return value, nil
		}
		if !there && !last {
			return nil, nothing
		}
		made, err := changed(before, path[1:], edit)
		value[path[0]] = made
		return value, err
	case []any:
		if last && path[0] == "-" && edit.Value != nil {
			made, err := decoded(*edit.Value)
			return append(value, made), err
		}
		index, is := position(path[0])
		if !is || index >= len(value) {
			return nil, nothing
		}
		if last && edit.Value == nil {
			return slices.Delete(value, index, index+1), nil
		}
		made, err := changed(value[index], path[1:], edit)
		value[index] = made
		return value, err
	}
	return nil, nothing
}

func decoded(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err
}
