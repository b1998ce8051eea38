package harness

import (
	"flag"
	"strconv"
	"testing"
)

// waiting is how many tests run at the same time in a package whose tests wait more than they compute.
const waiting = 12

// RunWaiting is for the TestMain of a package whose parallel tests wait more than they compute: more of them run at the same
// time than there are processors, unless -parallel was given.
func RunWaiting(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", strconv.Itoa(waiting)); err != nil {
			panic(err)
		}
	}
	m.Run()
}
