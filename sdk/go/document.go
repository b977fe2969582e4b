package sandgate

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sandgate/internal/border"
)

// Document is params or a reply: JSON that stays in the gateway; only what is read crosses over, and only what changed goes
// back.
//
// What is read is what was handed over, whatever was changed since; only [Document.Texts] shows texts as SetText and MapTexts
// left them. Changes are collected and leave together as the smallest edits when the hook returns nil. A change that cannot
// be (no such place, or within another change) panics, which is a malfunction of the hook.
type Document struct {
	source border.Source
	texts  []string
	read   bool
	// The texts that were changed, as they were.
	was      map[int]string
	changes  []Edit
	appended []Edit
}

// Edit is a change as it leaves.
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

// Size is the bytes of JSON text.
func (d *Document) Size() uint64 { return d.source.Size() }

// JSON is the whole document as JSON text.
func (d *Document) JSON() string { return d.source.JSON() }

// Raw is the JSON text at an RFC 6901 JSON Pointer; false where nothing stands.
func (d *Document) Raw(pointer string) (string, bool) {
	if pointer == "" {
		return d.source.JSON(), true
	}
	return d.source.Get(pointer)
}

// Has says whether something stands at a JSON Pointer; null is something.
func (d *Document) Has(pointer string) bool {
	_, found := d.Raw(pointer)
	return found
}

// String is the string at a JSON Pointer; false where none stands.
func (d *Document) String(pointer string) (string, bool) {
	text, found := d.Raw(pointer)
	if !found || !strings.HasPrefix(text, `"`) {
		return "", false
	}
	var value string
	if json.Unmarshal([]byte(text), &value) != nil {
		return "", false
	}
	return value, true
}

// Decode reads the value at a JSON Pointer into what the second argument points to, as json.Unmarshal does; an error where
// nothing stands or it does not fit. Its text never repeats the value.
func (d *Document) Decode(pointer string, into any) error {
	text, found := d.Raw(pointer)
	if !found {
		return &NothingThere{pointer}
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return &Unfit{pointer, fmt.Sprintf("%T", into)}
	}
	return nil
}

// NothingThere says that nothing stands at a place.
type NothingThere struct{ Pointer string }

func (e *NothingThere) Error() string { return "nothing stands at " + e.Pointer }

// Unfit says that what stands at a place is of another type.
type Unfit struct{ Pointer, Wanted string }

func (e *Unfit) Error() string { return "what stands at " + e.Pointer + " is no " + e.Wanted }

// Texts are the string values that people or models read, in document order. Left out: protocol machinery (cursors,
// `requestState`, ids, MIME types) and base64 payloads (`data`, `blob`).
func (d *Document) Texts() []string { return slices.Clone(d.current()) }

// Strings are all string values, nothing left out.
func (d *Document) Strings() []string { return parted(d.source.Strings()) }

// Keys are all member names, in document order.
func (d *Document) Keys() []string { return parted(d.source.Keys()) }

// TextPointer says where the n-th of Texts stands; false where there are fewer.
func (d *Document) TextPointer(index int) (string, bool) {
	if index < 0 {
		return "", false
	}
	return d.source.TextPointer(uint32(index))
}

// StringPointer says where the n-th of Strings stands; false where there are fewer.
func (d *Document) StringPointer(index int) (string, bool) {
	if index < 0 {
		return "", false
	}
	return d.source.StringPointer(uint32(index))
}

// SetText puts another text in place of the n-th of Texts.
func (d *Document) SetText(index int, text string) {
	texts := d.current()
	if index < 0 || index >= len(texts) {
		misuse("text %d of %d", index, len(texts))
	}
	valid(text, "text")
	if _, changed := d.was[index]; !changed {
		if d.was == nil {
			d.was = map[int]string{}
		}
		d.was[index] = texts[index]
	}
	texts[index] = text
}

// MapTexts puts each of Texts through change, which gives the new text, or the same where it stays. It says how many changed.
func (d *Document) MapTexts(change func(text string) string) int {
	changed := 0
	for index, text := range d.current() {
		if made := change(text); made != text {
			d.SetText(index, made)
			changed++
		}
	}
	return changed
}

// MapStrings is as MapTexts, over every string value.
func (d *Document) MapStrings(change func(text string) string) int {
	changed := 0
	for index, text := range d.Strings() {
		if made := change(text); made != text {
			pointer, found := d.source.StringPointer(uint32(index))
			if !found {
				misuse("string %d is gone", index)
			}
			d.Set(pointer, made)
			changed++
		}
	}
	return changed
}

// Set replaces the value at a JSON Pointer, adds a member to an existing object, or appends (`/-`) to an existing array.
func (d *Document) Set(pointer string, value any) {
	checkPointer(pointer)
	if text, isText := value.(string); isText {
		valid(text, "value")
	}
	change := Edit{Op: "set", Pointer: pointer, Value: toJSON(value)}
	if strings.HasSuffix(pointer, "/-") {
		d.check(pointer)
		d.appended = append(d.appended, change)
		return
	}
	d.change(change)
}

// Remove takes away the value at a JSON Pointer; nothing there panics.
func (d *Document) Remove(pointer string) {
	checkPointer(pointer)
	if !d.Has(pointer) {
		misuse("nothing to remove")
	}
	d.change(Edit{Op: "remove", Pointer: pointer})
}

// Become changes whatever differs between the document and the value, and nothing else.
func (d *Document) Become(value any) {
	d.differ("", fromJSON(d.source.JSON()), fromJSON(toJSON(value)))
}

// Edits are what was changed so far, as it will leave.
func (d *Document) Edits() []Edit {
	var edits []Edit
	for index := range d.texts {
		if was, changed := d.was[index]; changed && was != d.texts[index] {
			edits = append(edits, Edit{Op: "text", Index: index, Value: d.texts[index]})
		}
	}
	others := slices.Concat(d.changes, d.appended)
	if len(others) > 0 {
		for _, edit := range edits {
			at, _ := d.source.TextPointer(uint32(edit.Index))
			for _, other := range others {
				if covers(other.Pointer, at) {
					misuse("text %d stands within another change", edit.Index)
				}
			}
		}
	}
	return append(edits, others...)
}

func (d *Document) current() []string {
	if !d.read {
		d.texts, d.read = parted(d.source.Texts()), true
	}
	return d.texts
}

func (d *Document) change(change Edit) {
	d.check(change.Pointer)
	for index := range d.changes {
		if d.changes[index].Pointer == change.Pointer {
			d.changes[index] = change
			return
		}
	}
	d.changes = append(d.changes, change)
}

func (d *Document) check(pointer string) {
	for _, others := range [][]Edit{d.changes, d.appended} {
		for _, other := range others {
			if other.Pointer != pointer && (covers(other.Pointer, pointer) || covers(pointer, other.Pointer)) {
				misuse("two changes overlap")
			}
		}
	}
}

func (d *Document) differ(pointer string, old, new any) {
	switch new := new.(type) {
	case map[string]any:
		if old, same := old.(map[string]any); same {
			for _, name := range sorted(new) {
				at := pointer + "/" + EscapePointer(name)
				if before, there := old[name]; there {
					d.differ(at, before, new[name])
				} else {
					d.Set(at, new[name])
				}
			}
			for _, name := range sorted(old) {
				if _, there := new[name]; !there {
					d.Remove(pointer + "/" + EscapePointer(name))
				}
			}
			return
		}
	case []any:
		if old, same := old.([]any); same && len(old) == len(new) {
			for index := range new {
				d.differ(fmt.Sprintf("%s/%d", pointer, index), old[index], new[index])
			}
			return
		}
	default:
		switch old.(type) {
		case map[string]any, []any:
		default:
			if old == new {
				return
			}
		}
	}
	d.Set(pointer, new)
}

func sorted(object map[string]any) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func parted(run border.Run) []string {
	parts := make([]string, len(run.Ends))
	start := uint32(0)
	for index, end := range run.Ends {
		parts[index] = run.Text[start:end]
		start = end + 1
	}
	return parts
}
