// Package harness lets tests run the real programs around the exporter: Prometheus, promtool, Alertmanager, amtool, and
// the exporter itself as a process of its own.
//
// Prometheus and its companions are built from the modules under tools/, at the versions pinned there, the first time a
// test asks for them, and kept in the user's cache directory. The first build takes minutes; TestTools does nothing else,
// so that it can be run beforehand with a long -timeout.
//
// Everything started here listens on 127.0.0.1 at a port of the kernel's choice and is gone when the test ends. The package
// needs a Unix system.
package harness
