// Package state is memory between calls, scoped to this interceptor and shared by everything that runs it.
package state

import (
	"errors"
	"time"
	"unicode/utf8"

	"sandgate/internal/border"
)

// Why there is no answer.
var (
	// ErrDenied: the operator has not granted state.
	ErrDenied = errors.New("the operator has not granted state")
	// ErrQuota: no room for more.
	ErrQuota = errors.New("no room for more")
)

// Unavailable says that the gateway's memory cannot be reached, or that a value is no counter.
type Unavailable struct{ Why string }

func (u *Unavailable) Error() string { return u.Why }

// Get is what stands under a key; false where nothing does.
func Get(key string) ([]byte, bool, error) {
	if err := check(key); err != nil {
		return nil, false, err
	}
	value, found, failure := border.Other.Get(key)
	return value, found, failed(failure)
}

// Set puts a value under a key. A TTL of 0: until it is deleted.
func Set(key string, value []byte, ttl time.Duration) error {
	if err := check(key); err != nil {
		return err
	}
	return failed(border.Other.Set(key, value, milliseconds(ttl)))
}

// Delete takes away what stands under a key; nothing having stood there is no failure.
func Delete(key string) error {
	if err := check(key); err != nil {
		return err
	}
	return failed(border.Other.Delete(key))
}

// Increment adds to a counter and gives the sum; nothing counts as 0. The TTL is set when the counter is made and not moved
// afterwards, so a counter is a window.
func Increment(key string, by int64, ttl time.Duration) (int64, error) {
	if err := check(key); err != nil {
		return 0, err
	}
	sum, failure := border.Other.Increment(key, by, milliseconds(ttl))
	return sum, failed(failure)
}

// CompareAndSet sets only where expected (nil: nothing) still stands; false where it does not.
func CompareAndSet(key string, expected, value []byte, ttl time.Duration) (bool, error) {
	if err := check(key); err != nil {
		return false, err
	}
	var stands *[]byte
	if expected != nil {
		stands = &expected
	}
	set, failure := border.Other.CompareAndSet(key, stands, value, milliseconds(ttl))
	return set, failed(failure)
}

func check(key string) error {
	if !utf8.ValidString(key) {
		return errors.New("a key is UTF-8")
	}
	return nil
}

func failed(failure *border.Failure) error {
	switch {
	case failure == nil:
		return nil
	case failure.Kind == 0:
		return ErrDenied
	case failure.Kind == 1:
		return ErrQuota
	}
	return &Unavailable{failure.Why}
}

// Rounded up: a TTL shorter than the contract's unit is not "for ever".
func milliseconds(ttl time.Duration) uint64 {
	if ttl <= 0 {
		return 0
	}
	return uint64((ttl + time.Millisecond - 1) / time.Millisecond)
}
