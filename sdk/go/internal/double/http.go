package double

import (
	"bytes"

	"sandgate/internal/border"
)

// AnswerHTTP says what a request to this URL brings back from now on, whatever its method.
func (r *Recorder) AnswerHTTP(url string, reply border.Response) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.replies == nil {
		r.replies = map[string]border.Response{}
	}
	r.replies[url] = reply
}

// Asked is what was asked since the last time, in order, also what nothing answered.
func (r *Recorder) Asked() []border.Request {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	asked := r.asked
	r.asked = nil
	return asked
}

// Fetch gives what AnswerHTTP said; every other request fails.
func (r *Recorder) Fetch(asked border.Request) (border.Response, *border.NoReply) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Configuring || r.NoHTTP {
		return border.Response{}, &border.NoReply{Word: border.Denied}
	}
	asked.Body = bytes.Clone(asked.Body)
	r.asked = append(r.asked, asked)
	reply, found := r.replies[asked.URL]
	if !found {
		return border.Response{}, &border.NoReply{Word: "internal-error"}
	}
	reply.Body = bytes.Clone(reply.Body)
	return reply, nil
}
