package sandgate

import "unicode/utf8"

// GlobMatches says whether the text is as the pattern says: `*` stands for any characters (none included, `/` included), `?`
// for one. Everything else stands for itself, capitals and small letters told apart.
func GlobMatches(pattern, text string) bool {
	at, here := 0, 0
	// Where to go on when what follows the last `*` does not fit: one character later in the text.
	star, later := -1, 0
	for {
		switch {
		case at < len(pattern) && pattern[at] == '*':
			at++
			star, later = at, here
			continue
		case at < len(pattern) && here < len(text) && pattern[at] == '?':
			_, size := utf8.DecodeRuneInString(text[here:])
			at, here = at+1, here+size
			continue
		case at < len(pattern) && here < len(text) && pattern[at] == text[here]:
			at, here = at+1, here+1
			continue
		case at == len(pattern) && here == len(text):
			return true
		}
		if star < 0 || later == len(text) {
			return false
		}
		_, size := utf8.DecodeRuneInString(text[later:])
		later += size
		at, here = star, later
	}
}
