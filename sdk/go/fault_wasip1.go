package sandgate

import (
	"strings"

	"sandgate/internal/border"
)

// Nothing runs after os.Exit: where it was called is told before. The other ways to end a run are the runtime's own, which
// tells of them by itself (component/lastwords.go.txt).
func init() {
	border.AtExit(func() {
		var at []string
		for _, frame := range frames(callers(1)) {
			at = append(at, told(frame))
		}
		border.LastWords("os.Exit", at, "")
	})
}

// A stack that is exhausted ends the run without a word: then at least the hook's place is known.
func begins(hook *Hook) {
	border.LastWords("", []string{hook.place}, "")
}

// The contract's record: kind, frames, detail. A text that is no UTF-8 would end the run without a word.
func writeFault(fault *Fault) {
	words := text(nil, told(fault.Kind))
	frames := make([]uint32, 0, 2*len(fault.Frames))
	for _, frame := range fault.Frames {
		frames = text(frames, told(frame))
	}
	words = append(words, address(frames), uint32(len(fault.Frames)))
	result[0] = 1
	copy(result[1:], text(words, told(fault.Detail)))
}

func told(text string) string { return strings.ToValidUTF8(text, "�") }
