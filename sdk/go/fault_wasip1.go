package sandgate

import (
	"strings"

	"sandgate/internal/border"
)

func writeFault(fault *Fault) {
	// Where it happened may be told to the operator; what it says may repeat the payload, so it is the detail that the
	// gateway withholds.
	place := "an unknown place"
	if len(fault.Frames) > 0 {
		place = fault.Frames[0]
	}
	border.Other.Log(border.LevelError, fault.Kind+" at "+place)
	result[0] = 1
	copy(result[1:], text(nil, strings.ToValidUTF8(fault.text(), "�")))
}
