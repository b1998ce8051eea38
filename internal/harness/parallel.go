package harness

import (
	"flag"
	"strconv"
	"testing"
)

// waiting is the default of -parallel for packages whose tests mostly wait.
const waiting = 12

// RunWaiting is for the TestMain of a package whose parallel tests mostly wait. It runs more of them at a time than there
// are processors, unless -parallel is set.
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
