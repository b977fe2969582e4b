package double

import (
	"bytes"
	"encoding/binary"
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
	state    map[string]kept
	replies  map[string]border.Response
	asked    []border.Request
}

type kept struct {
	value []byte
	until time.Time
}

func (r *Recorder) Log(level border.Level, message string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.Lines = append(r.Lines, Line{level, message})
}

func (r *Recorder) Find(finding border.Finding) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.Findings = append(r.Findings, finding)
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
	if r.Denied {
		return nil, false, &border.Failure{}
	}
	value, found := r.stands(key)
	return bytes.Clone(value), found, nil
}

func (r *Recorder) Set(key string, value []byte, ttlMs uint64) *border.Failure {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Denied {
		return &border.Failure{}
	}
	r.put(key, value, ttlMs)
	return nil
}

func (r *Recorder) Delete(key string) *border.Failure {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Denied {
		return &border.Failure{}
	}
	delete(r.state, key)
	return nil
}

func (r *Recorder) Increment(key string, by int64, ttlMs uint64) (int64, *border.Failure) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Denied {
		return 0, &border.Failure{}
	}
	value, found := r.stands(key)
	if found && len(value) != 8 {
		return 0, &border.Failure{Kind: 2, Why: "no counter"}
	}
	var sum int64
	if found {
		sum = int64(binary.LittleEndian.Uint64(value))
	}
	if by > 0 && sum+by < sum || by < 0 && sum+by > sum {
		return 0, &border.Failure{Kind: 2, Why: "overflow"}
	}
	sum += by
	made := binary.LittleEndian.AppendUint64(nil, uint64(sum))
	if found {
		// The window stays where it is.
		r.state[key] = kept{made, r.state[key].until}
	} else {
		r.put(key, made, ttlMs)
	}
	return sum, nil
}

func (r *Recorder) CompareAndSet(key string, expected *[]byte, value []byte, ttlMs uint64) (bool, *border.Failure) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.Denied {
		return false, &border.Failure{}
	}
	stands, found := r.stands(key)
	if found != (expected != nil) || found && !bytes.Equal(stands, *expected) {
		return false, nil
	}
	r.put(key, value, ttlMs)
	return true, nil
}

func (r *Recorder) stands(key string) ([]byte, bool) {
	one, found := r.state[key]
	if found && !one.until.IsZero() && !time.Now().Before(one.until) {
		return nil, false
	}
	return one.value, found
}

func (r *Recorder) put(key string, value []byte, ttlMs uint64) {
	if r.state == nil {
		r.state = map[string]kept{}
	}
	one := kept{value: bytes.Clone(value)}
	if ttlMs > 0 {
		one.until = time.Now().Add(time.Duration(ttlMs) * time.Millisecond)
	}
	r.state[key] = one
}
