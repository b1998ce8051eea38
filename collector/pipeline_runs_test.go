package collector

import (
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// TestTotalOfNothing checks that a number that Atlas sends for no job is not exported as zero.
func TestTotalOfNothing(t *testing.T) {
	t.Parallel()
	var none, sent total
	if _, ok := none.get(); !ok {
		t.Error("without jobs there is no total")
	}
	none.add(atlasapi.Optional[int64]{})
	if sum, ok := none.get(); ok {
		t.Errorf("the total of a number that Atlas does not send is %g", sum)
	}
	sent.add(atlasapi.Optional[int64]{})
	sent.add(atlasapi.Optional[int64]{Value: 7, Set: true})
	if sum, ok := sent.get(); !ok || sum != 7 {
		t.Errorf("the total is %g, %t", sum, ok)
	}
}
