package double

import (
	"bytes"

	"sandgate/internal/border"
)

// HTTPAnswer is what a request brings back: a reply, or why there is none, after a delay in nanoseconds.
type HTTPAnswer struct {
	Reply border.Response
	Fails string
	Delay uint64
}

// AnswerHTTP says what a request to this URL brings back from now on, whatever its method.
func (r *Recorder) AnswerHTTP(url string, answer HTTPAnswer) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.replies == nil {
		r.replies = map[string]HTTPAnswer{}
	}
	r.replies[url] = answer
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
	answer, found := r.replies[asked.URL]
	switch {
	case !found:
		// As a fixture without this answer has it.
		return border.Response{}, &border.NoReply{Word: "connection-refused"}
	case asked.Timeout > 0 && asked.Timeout <= answer.Delay:
		// Nobody waits for it.
		return border.Response{}, &border.NoReply{Word: "HTTP-response-timeout"}
	case answer.Fails != "":
		return border.Response{}, &border.NoReply{Word: answer.Fails}
	}
	answer.Reply.Body = bytes.Clone(answer.Reply.Body)
	return answer.Reply, nil
}
