//go:build !wasip1

package http

import (
	"sandgate/internal/border"
	"sandgate/internal/double"
)

func fetch(asked border.Request) (border.Response, *border.NoReply) {
	return border.Other.(*double.Recorder).Fetch(asked)
}
