// Package harness lets tests run the real programs around the exporter (Prometheus, promtool, Alertmanager, amtool, helm)
// and the exporter itself as a process of its own, and offers what every long test needs: requests and scrapes, the parsed
// exposition, growth, certificates, golden files, and reports from templates.
//
// Prometheus and its companions are built from the modules under tools/, at the versions pinned there, the first time that
// a test asks for them, by a process in the background that outlives the test, and kept in the user's cache directory. The
// command buildtools does nothing else, and shows its progress. Short tests (-short) need none of them.
//
// Everything started here listens on 127.0.0.1 at a port that the kernel chooses, and is gone when the test ends. The package
// needs a Unix system.
package harness
