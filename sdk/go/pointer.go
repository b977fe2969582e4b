package sandgate

import "strings"

var (
	escaping   = strings.NewReplacer("~", "~0", "/", "~1")
	unescaping = strings.NewReplacer("~1", "/", "~0", "~")
)

// EscapePointer is a member's name as one token of an RFC 6901 JSON Pointer.
func EscapePointer(name string) string {
	return escaping.Replace(name)
}

// Whether the inner place is the outer one or lies within it.
func covers(outer, inner string) bool {
	return inner == outer || strings.HasPrefix(inner, outer) && inner[len(outer)] == '/'
}

func checkPointer(pointer string) {
	if pointer != "" && pointer[0] != '/' {
		misuse("a JSON Pointer is empty or begins with /")
	}
	valid(pointer, "pointer")
}
