// Package harness runs the exporter and the real programs around it (Prometheus, promtool, Alertmanager, amtool, helm) as
// processes in tests. It also has helpers for long tests: requests and scrapes, a parser of expositions, checks of resource
// growth, golden files, and reports from templates.
//
// The first test that needs Prometheus or another tool builds it from the modules under tools/, at the versions pinned there. A
// background process builds the tools, outlives the test, and stores them in the user's cache directory. The command buildtools
// builds them in the foreground and shows its progress. Short tests (-short) need no tools.
//
// Every server listens on 127.0.0.1 at a port that the kernel chooses, and stops when the test ends. The package needs a Unix
// system.
package harness
