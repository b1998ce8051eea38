package atlassim_test

import (
	"fmt"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
)

func Example() {
	clock := atlassim.NewManualClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	org := atlassim.NewOrganization(clock)
	cluster := org.AddProject("payments").AddCluster("prod-eu", atlassim.ClusterOptions{
		Schedule: atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "daily"},
	})
	cluster.AddExportRoutine(atlassim.ExportRoutine{Period: 24 * time.Hour})

	server := atlassim.NewServer(org, atlassim.Options{
		ServiceAccounts: []atlassim.ServiceAccount{{ClientID: "mdb_sa_id_test", ClientSecret: "mdb_sa_sk_test"}},
	})
	if err := server.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()

	clock.Advance(24*time.Hour + time.Minute)
	org.Do(func() { fmt.Println(cluster.Exports()[0].State) })
	clock.Advance(10 * time.Minute)
	org.Do(func() { fmt.Println(cluster.Exports()[0].State) })
	// Output:
	// InProgress
	// Successful
}
