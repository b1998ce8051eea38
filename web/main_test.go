package web_test

import (
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

func TestMain(m *testing.M) { harness.RunWaiting(m) }
