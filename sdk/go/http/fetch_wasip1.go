package http

import "sandgate/internal/border"

func fetch(asked border.Request) (border.Response, *border.NoReply) { return border.Fetch(asked) }
