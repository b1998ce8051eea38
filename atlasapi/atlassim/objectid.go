package atlassim

import (
	"encoding/hex"
	"hash/fnv"
	"time"
)

// objectID returns the id of an object created at t. Atlas's ids are MongoDB ObjectIds, which start with the seconds of
// their creation. n distinguishes objects created in the same second.
func objectID(t time.Time, n uint64) string {
	var raw [12]byte
	seconds := uint32(t.Unix())
	raw[0], raw[1], raw[2], raw[3] = byte(seconds>>24), byte(seconds>>16), byte(seconds>>8), byte(seconds)
	for i := range 8 {
		raw[4+i] = byte(n >> (56 - 8*i))
	}
	var text [24]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// isObjectID reports whether s has the form of an id: 24 lower-case hexadecimal digits.
func isObjectID(s string) bool {
	if len(s) != 24 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// mix spreads n over 64 bits (the finalizer of splitmix64). Neighboring numbers look unrelated, but are the same in
// every run.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// seedOf returns a number for a list of names, the same in every run.
func seedOf(names ...string) uint64 {
	h := fnv.New64a()
	for _, name := range names {
		_, _ = h.Write([]byte(name))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}
