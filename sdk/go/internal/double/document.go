package double

import (
	"errors"
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
