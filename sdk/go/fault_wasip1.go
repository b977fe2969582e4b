package sandgate

import "strings"

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
