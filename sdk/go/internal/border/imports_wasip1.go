package border

import "unsafe"

func init() {
	Other = gateway{}
}

// The contract's imports.
type gateway struct{}

func (gateway) Log(level Level, message string) {
	logLine(int32(level), message)
}

func (gateway) Find(f Finding) {
	pointer, at := given(f.Pointer)
	details, about := given(f.Details)
	reportFind(f.Rule, int32(f.Severity), int32(f.Part), pointer, at, f.Message, details, about)
}

// LastWords says what is known of a malfunction that is about to end the run. The texts are UTF-8.
func LastWords(kind string, frames []string, detail string) {
	spans := make([]uint32, 0, 2*len(frames))
	for _, frame := range frames {
		spans = append(spans, uint32(uintptr(unsafe.Pointer(unsafe.StringData(frame)))), uint32(len(frame)))
	}
	reportLastWords(kind, unsafe.Pointer(unsafe.SliceData(spans)), uint32(len(frames)), detail)
}

func (gateway) Get(key string) ([]byte, bool, *Failure) {
	stateGet(key, answer())
	if failure := failed(4); failure != nil {
		return nil, false, failure
	}
	if u8(4) == 0 {
		return nil, false, nil
	}
	return bytes(8), true, nil
}

func (gateway) Set(key string, value []byte, ttlMs uint64) *Failure {
	stateSet(key, address(value), uint32(len(value)), some(ttlMs > 0), ttlMs, answer())
	return failed(4)
}

func (gateway) Delete(key string) *Failure {
	stateDelete(key, answer())
	return failed(4)
}

func (gateway) Increment(key string, by int64, ttlMs uint64) (int64, *Failure) {
	stateIncrement(key, by, some(ttlMs > 0), ttlMs, answer())
	if failure := failed(8); failure != nil {
		return 0, failure
	}
	return int64(area[1]), nil
}

func (gateway) CompareAndSet(key string, expected *[]byte, value []byte, ttlMs uint64) (bool, *Failure) {
	var stands []byte
	if expected != nil {
		stands = *expected
	}
	stateCompareAndSet(key, some(expected != nil), address(stands), uint32(len(stands)),
		address(value), uint32(len(value)), some(ttlMs > 0), ttlMs, answer())
	if failure := failed(4); failure != nil {
		return false, failure
	}
	return u8(4) != 0, nil
}

func some(given bool) int32 {
	if given {
		return 1
	}
	return 0
}

func given(text *string) (int32, string) {
	if text == nil {
		return 0, ""
	}
	return 1, *text
}

// The failure whose variant stands at this offset, where the answer is one.
func failed(offset uintptr) *Failure {
	if u8(0) == 0 {
		return nil
	}
	failure := &Failure{Kind: u8(offset)}
	if failure.Kind == 2 {
		failure.Why = text(offset + 4)
	}
	return failure
}

//go:wasmimport sandgate:interceptor/log@0.1.0 log
func logLine(level int32, message string)

//go:wasmimport sandgate:interceptor/report@0.1.0 find
func reportFind(rule string, severity, part, hasPointer int32, pointer, message string, hasDetails int32, details string)

//go:wasmimport sandgate:interceptor/state@0.1.0 get
func stateGet(key string, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/state@0.1.0 set
func stateSet(key string, value unsafe.Pointer, length uint32, hasTTL int32, ttlMs uint64, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/state@0.1.0 delete
func stateDelete(key string, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/state@0.1.0 increment
func stateIncrement(key string, by int64, hasTTL int32, ttlMs uint64, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/state@0.1.0 compare-and-set
func stateCompareAndSet(key string, hasExpected int32, expected unsafe.Pointer, expectedLength uint32,
	value unsafe.Pointer, length uint32, hasTTL int32, ttlMs uint64, answer unsafe.Pointer)

//go:wasmimport sandgate:interceptor/report@0.1.0 last-words
func reportLastWords(kind string, frames unsafe.Pointer, count uint32, detail string)
