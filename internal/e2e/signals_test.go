package e2e_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

// TestStopsInOrder checks that SIGTERM ends the program with exit code 0, whatever its clients and Atlas do.
func TestStopsInOrder(t *testing.T) {
	t.Parallel()
	t.Run("quiet", func(t *testing.T) {
		t.Parallel()
		exporter := harness.StartExporter(t, "demo")
		if err := exporter.Stop(t.Context()); err != nil {
			t.Errorf("the exporter ended with %v:\n%s", err, exporter.Logs())
		}
	})
	t.Run("a scrape waits for Atlas", func(t *testing.T) {
		t.Parallel()
		server, configFile := startAtlas(t, "")
		exporter := harness.StartExporter(t, "--config.file="+configFile)
		waiting, release := make(chan struct{}, 1000), make(chan struct{})
		defer close(release)
		server.Inject(atlassim.Fault{Authenticated: true, Handler: func(http.ResponseWriter, *http.Request) {
			waiting <- struct{}{}
			<-release
		}})
		conn := send(t, exporter, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Prometheus-Scrape-Timeout-Seconds: 600\r\n\r\n")
		harness.Eventually(t, func() error {
			_, metrics := harness.Get(t, exporter.URL()+"/metrics?collect[]=exporter")
			if len(waiting) == 0 || !strings.Contains(metrics, "\npromhttp_metric_handler_requests_in_flight 2\n") {
				return errors.New("the scrape does not wait yet")
			}
			return nil
		})
		if err := exporter.Stop(t.Context()); err != nil {
			t.Errorf("the exporter ended with %v:\n%s", err, exporter.Logs())
		}
		// The scrape is answered with the values read so far.
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
			t.Errorf("the scrape was answered %q, %v", line, err)
		}
	})
	t.Run("Atlas hangs from the start", func(t *testing.T) {
		t.Parallel()
		server, configFile := startAtlas(t, "")
		waiting, release := make(chan struct{}, 1000), make(chan struct{})
		defer close(release)
		server.Inject(atlassim.Fault{Handler: func(http.ResponseWriter, *http.Request) {
			waiting <- struct{}{}
			<-release
		}})
		exporter := harness.StartExporter(t, "--config.file="+configFile)
		send(t, exporter, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		send(t, exporter, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		harness.Eventually(t, func() error {
			if len(waiting) == 0 {
				return errors.New("Atlas is not asked yet")
			}
			return nil
		})
		if status, body := harness.Get(t, exporter.URL()+"/-/ready"); status != http.StatusServiceUnavailable {
			t.Errorf("/-/ready answers %d %s", status, body)
		}
		if err := exporter.Stop(t.Context()); err != nil {
			t.Errorf("the exporter ended with %v:\n%s", err, exporter.Logs())
		}
	})
	t.Run("a client does not come to an end", func(t *testing.T) {
		t.Parallel()
		exporter := harness.StartExporter(t, "demo")
		conn := send(t, exporter, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
			t.Errorf("the reload was answered %q, %v", line, err)
		}
		if err := exporter.Stop(t.Context()); err != nil || !strings.Contains(exporter.Logs(), "shutting down: closed a connection") {
			t.Errorf("the exporter ended with %v:\n%s", err, exporter.Logs())
		}
	})
}

// TestFilesThatBlock checks that SIGHUP does not end the exporter while it starts, and that SIGTERM does while a reload waits
// for a file that nobody writes, at once if it is sent twice.
func TestFilesThatBlock(t *testing.T) {
	t.Parallel()
	program := harness.BuildExporter(t)
	config, err := os.ReadFile(writeConfig(t, startServer(t, atlassim.Demo(atlassim.WallClock{})).URL(), ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		begin func(t *testing.T, exporter *exec.Cmd, logged func(string), pipe string)
	}{
		{"while it starts", func(*testing.T, *exec.Cmd, func(string), string) {}},
		{"while it serves", func(t *testing.T, exporter *exec.Cmd, logged func(string), pipe string) {
			t.Helper()
			open := openPipe(t, pipe)
			signal(t, exporter, syscall.SIGHUP)
			if _, err := open.Write(config); err != nil {
				t.Error(err)
			}
			_ = open.Close()
			logged("TLS is disabled.")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pipe := filepath.Join(t.TempDir(), "config.yml")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			log := filepath.Join(t.TempDir(), "log")
			exporter := exec.CommandContext(t.Context(), program, "--config.file="+pipe, "--web.listen-address=127.0.0.1:0")
			stderr, err := os.Create(log)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = stderr.Close() }()
			exporter.Stderr = stderr
			if err := exporter.Start(); err != nil {
				t.Fatal(err)
			}
			logged := func(text string) {
				t.Helper()
				harness.Eventually(t, func() error {
					got, err := os.ReadFile(log)
					if err == nil && !strings.Contains(string(got), text) {
						err = fmt.Errorf("the log does not say %q: %s", text, got)
					}
					return err
				})
			}
			test.begin(t, exporter, logged, pipe)
			open := openPipe(t, pipe) // the exporter has opened it by then, and waits for input
			defer func() { _ = open.Close() }()
			signal(t, exporter, syscall.SIGTERM)
			err = exporter.Wait()
			if code := exporter.ProcessState.ExitCode(); code < 0 { // an uncaught signal
				got, _ := os.ReadFile(log)
				t.Errorf("the exporter ended with %v:\n%s", err, got)
			}
		})
	}
}

// openPipe opens a named pipe for writing, once somebody reads it.
func openPipe(t *testing.T, path string) *os.File {
	t.Helper()
	pipe, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return pipe
}

func signal(t *testing.T, cmd *exec.Cmd, sig os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// TestSecondSignal checks that a second SIGTERM ends the program at once.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	exporter := harness.StartExporter(t, "demo")
	// An accepted request that is never completed delays the exit by five seconds; it is accepted before the one that is answered.
	send(t, exporter, "GET / HTTP/1.1\r\n")
	harness.Get(t, exporter.URL()+"/-/healthy")
	for range 2 {
		if err := exporter.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		harness.Eventually(t, func() error {
			if !strings.Contains(exporter.Logs(), "shutting down: ") {
				return errors.New("the exporter does not end")
			}
			return nil
		})
	}
	var exit *exec.ExitError
	if err := exporter.Wait(t.Context()); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Errorf("the exporter ended with %v, want a signal:\n%s", err, exporter.Logs())
	}
}

// send opens a connection to the exporter, and sends a text.
func send(t *testing.T, exporter *harness.Exporter, text string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(exporter.URL(), "http://"))
	if err == nil {
		_, err = io.WriteString(conn, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
