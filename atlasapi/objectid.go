package atlasapi

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// ObjectID is the id that Atlas gives to projects, clusters, jobs and runs: twelve bytes, written as 24 lower-case
// hexadecimal digits. The first four bytes are the time of its creation.
type ObjectID [12]byte

var errObjectID = errors.New("not an id of 24 lower-case hexadecimal digits")

// ParseObjectID parses the 24 lower-case hexadecimal digits of an id. Anything else is an error.
func ParseObjectID[S string | []byte](s S) (ObjectID, error) {
	var id ObjectID
	if len(s) != 2*len(id) {
		return id, errObjectID
	}
	bad := byte(0)
	for i := range id {
		high, low := hexDigit(s[2*i]), hexDigit(s[2*i+1])
		id[i] = high<<4 | low
		bad |= high | low
	}
	if bad >= noDigit {
		return ObjectID{}, errObjectID
	}
	return id, nil
}

// noDigit marks a byte that is not a lower-case hexadecimal digit. hex.Decode would accept upper case.
const noDigit = 0x10

func hexDigit(c byte) byte {
	if d := c - '0'; d <= 9 {
		return d
	}
	if d := c - 'a'; d <= 5 {
		return d + 10
	}
	return noDigit
}

// String returns the 24 hexadecimal digits of the id.
func (id ObjectID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether the id is unset.
func (id ObjectID) IsZero() bool { return id == ObjectID{} }

// Time returns when the id was created, to the second. For an export job it equals createdAt (in 105 of 105 recorded
// jobs); for a restore job it is the only creation time there is.
func (id ObjectID) Time() time.Time {
	return time.Unix(int64(binary.BigEndian.Uint32(id[:4])), 0).UTC()
}

// Compare orders ids by their bytes, and therefore by the second of their creation first.
func (id ObjectID) Compare(other ObjectID) int { return bytes.Compare(id[:], other[:]) }
