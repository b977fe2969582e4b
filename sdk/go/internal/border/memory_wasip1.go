package border

import "unsafe"

// The canonical ABI's memory: what the gateway hands over lies in room that Go's collector knows.

const chunk = 64 << 10

var (
	room []byte
	used uint32
	// What one import hands over may lie in several rooms; the older must stay until it has been read.
	before [][]byte
	// Where imports leave what they answer. Nothing runs between a call and the reading of it.
	area [8]uint64
	// Not 0 while the host waits for memory: component/adapter.wat asks it nothing then.
	waits = (*uint32)(unsafe.Add(unsafe.Pointer(nil), 1040))
)

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Add(unsafe.Pointer(nil), align)
	}
	start := (used + align - 1) &^ (align - 1)
	if uint64(start)+uint64(size) > uint64(len(room)) {
		*waits = 1
		alone(true)
		before = append(before, room)
		room = make([]byte, max(size, chunk))
		alone(false)
		*waits = 0
		start = 0
	}
	used = start + size
	made := unsafe.Pointer(&room[start])
	if oldSize > 0 {
		copy(unsafe.Slice((*byte)(made), size), unsafe.Slice((*byte)(old), min(oldSize, size)))
	}
	return made
}

// Where the next import is to leave its answer; the one before it has been read.
func answer() unsafe.Pointer {
	if len(before) > 0 {
		clear(before)
		before = before[:0]
	}
	return unsafe.Pointer(&area)
}

func u8(offset uintptr) uint8 {
	return *(*uint8)(unsafe.Add(unsafe.Pointer(&area), offset))
}

func u32(offset uintptr) uint32 {
	return *(*uint32)(unsafe.Add(unsafe.Pointer(&area), offset))
}

// The string whose address and length stand at this offset of the answer.
func text(offset uintptr) string {
	return TextAt(u32(offset), u32(offset+4))
}

// TextAt is the string that the gateway left there.
func TextAt(address, length uint32) string {
	if length == 0 {
		return ""
	}
	return unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(nil), address)), length)
}

func optional(offset uintptr) (string, bool) {
	if u8(offset) == 0 {
		return "", false
	}
	return text(offset + 4), true
}

func bytes(offset uintptr) []byte {
	return []byte(text(offset))
}

// Address of the bytes, for the gateway to read before the call returns.
func address(b []byte) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(b))
}
