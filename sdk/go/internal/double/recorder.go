package double

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"sandgate/internal/border"
)

// Line of the log.
type Line struct {
	Level   border.Level
	Message string
}

// Recorder is the other side of the border in memory: what hooks reported, and a state.
type Recorder struct {
	mutex    sync.Mutex
	Lines    []Line
	Findings []border.Finding
	Denied   bool
	// Nothing but the settings is there.
	Configuring bool
	// The manifest of the plugin that runs does not ask for them.
	NoState, NoHTTP bool
	stopped         *Failure
	logged          int
	state           map[string]kept
	replies         map[string]HTTPAnswer
	asked           []border.Request
}

type kept struct {
	value []byte
	until time.Time
}

const (
	// Findings of one run; one more says that the rest is left out.
	mostFindings = 256
	// Bytes of one text of a finding, or of a line; the rest is cut off.
	mostText = 1 << 10
	// Bytes of a finding's details.
	mostDetails = 4 << 10
	// Bytes of all lines of one run.
	mostLog = 32 << 10
	// Bytes of a key and of a value of the state, its keys, and the bytes of all of them.
	mostKey, mostValue, mostKeys, mostState = 1 << 10, 1 << 20, 1 << 16, 16 << 20
)

// Begin says that a run begins: what the one before reported is forgotten.
func (r *Recorder) Begin() {
	r.Taken()
	r.stopped, r.logged = nil, 0
}

// Stop ends the run: it has failed, whatever the hook makes of it.
func (r *Recorder) Stop(why *Failure) {
	if r.stopped == nil {
		r.stopped = why
	}
	panic(why)
}

// Stopped is why the run was stopped; nil where it was not.
func (r *Recorder) Stopped() *Failure { return r.stopped }

func (r *Recorder) Log(level border.Level, message string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.logged > mostLog {
		return
	}
	r.logged += min(len(message), mostText) + 16
	if r.logged > mostLog {
		message = "… (the rest of this run's log is left out)"
	}
	r.Lines = append(r.Lines, Line{level, shortened(message)})
}

func (r *Recorder) Find(finding border.Finding) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.Findings) > mostFindings {
		return
	}
	if len(r.Findings) == mostFindings {
		words := fmt.Sprintf("more than %d findings; the rest is left out", mostFindings)
		r.Findings = append(r.Findings, border.Finding{Rule: "sandgate.findings-cut", Severity: border.Warn, Part: border.Params, Message: words})
		return
	}
	if finding.Details != nil && len(*finding.Details) > mostDetails {
		r.Stop(over("bytes of a finding's details"))
	}
	finding.Rule, finding.Message = shortened(finding.Rule), shortened(finding.Message)
	if finding.Pointer != nil {
		pointer := shortened(*finding.Pointer)
		finding.Pointer = &pointer
	}
	r.Findings = append(r.Findings, finding)
}

func shortened(text string) string {
	if kept := Cut(text, mostText); len(kept) < len(text) {
		return kept + "…"
	}
	return text
}

// Taken are the lines and findings since the last time anybody asked.
func (r *Recorder) Taken() ([]Line, []border.Finding) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	lines, findings := r.Lines, r.Findings
	r.Lines, r.Findings = nil, nil
	return lines, findings
}

// Forget empties the state.
func (r *Recorder) Forget() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.state = nil
}

func (r *Recorder) Get(key string) ([]byte, bool, *border.Failure) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Denied || r.Configuring || r.NoState {
		return nil, false, &border.Failure{}
	}
	value, found := r.stands(key)
	return bytes.Clone(value), found, nil
}

func (r *Recorder) Set(key string, value []byte, ttlMs uint64) *border.Failure {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Denied || r.Configuring || r.NoState {
		return &border.Failure{}
	}
	return r.put(key, value, ttlMs)
}

func (r *Recorder) Delete(key string) *border.Failure {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Denied || r.Configuring || r.NoState {
		return &border.Failure{}
	}
	delete(r.state, key)
	return nil
}

func (r *Recorder) Increment(key string, by int64, ttlMs uint64) (int64, *border.Failure) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Denied || r.Configuring || r.NoState {
		return 0, &border.Failure{}
	}
	value, found := r.stands(key)
	if found && len(value) != 8 {
		return 0, &border.Failure{Kind: 2, Why: "the value is no counter"}
	}
	var sum int64
	if found {
		sum = int64(binary.LittleEndian.Uint64(value))
	}
	if by > 0 && sum+by < sum || by < 0 && sum+by > sum {
		return 0, &border.Failure{Kind: 2, Why: "the counter is full"}
	}
	sum += by
	made := binary.LittleEndian.AppendUint64(nil, uint64(sum))
	if found {
		// The window stays where it is.
		r.state[key] = kept{made, r.state[key].until}
	} else {
		if failure := r.put(key, made, ttlMs); failure != nil {
			return 0, failure
		}
	}
	return sum, nil
}

func (r *Recorder) CompareAndSet(key string, expected *[]byte, value []byte, ttlMs uint64) (bool, *border.Failure) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Denied || r.Configuring || r.NoState {
		return false, &border.Failure{}
	}
	stands, found := r.stands(key)
	if found != (expected != nil) || found && !bytes.Equal(stands, *expected) {
		return false, nil
	}
	failure := r.put(key, value, ttlMs)
	return failure == nil, failure
}

func (r *Recorder) stands(key string) ([]byte, bool) {
	one, found := r.state[key]
	if found && !one.until.IsZero() && !time.Now().Before(one.until) {
		return nil, false
	}
	return one.value, found
}

func (r *Recorder) put(key string, value []byte, ttlMs uint64) *border.Failure {
	keys, bytesOf := 1, len(key)+len(value)
	for name := range r.state {
		if value, stands := r.stands(name); stands && name != key {
			keys, bytesOf = keys+1, bytesOf+len(name)+len(value)
		}
	}
	if len(key) > mostKey || len(value) > mostValue || keys > mostKeys || bytesOf > mostState {
		return &border.Failure{Kind: 1}
	}
	if r.state == nil {
		r.state = map[string]kept{}
	}
	one := kept{value: bytes.Clone(value)}
	if ttlMs > 0 {
		one.until = time.Now().Add(time.Duration(ttlMs) * time.Millisecond)
	}
	r.state[key] = one
	return nil
}
