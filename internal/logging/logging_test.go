package logging_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log/level"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/logging"
)

// write logs a line with each library.
func write(l *logging.Loggers) {
	_ = level.Warn(l.Kit).Log("msg", "go-kit", "time", "a value of its own")
	l.Slog.Warn("slog", "time", "a value of its own")
	l.Slog.With("group", 1).Info("slog with an attribute", "address", "127.0.0.1:1")
	l.Server.Print("http: TLS handshake error from 127.0.0.1:1: client sent an HTTP request to an HTTPS server")
	l.Server.Print("http: Accept error: too many open files; retrying in 1s")
}

// TestOneFormat checks that every line has the same keys in the same order, whichever library logs it.
func TestOneFormat(t *testing.T) {
	t.Run("logfmt", func(t *testing.T) {
		var text bytes.Buffer
		l := logging.New(&text, "debug", "logfmt")
		write(&l)
		line := regexp.MustCompile(`^level=(debug|info|warn|error) ts=\S+Z caller=\S+ msg=`)
		if n := strings.Count(text.String(), "\n"); n != 5 {
			t.Errorf("%d lines, want 5", n)
		}
		for got := range strings.Lines(text.String()) {
			if !line.MatchString(got) {
				t.Errorf("not in the format of the others: %s", got)
			}
		}
	})
	t.Run("json", func(t *testing.T) {
		var text bytes.Buffer
		l := logging.New(&text, "debug", "json")
		write(&l)
		var levels []string
		for line := range strings.Lines(text.String()) {
			var got struct{ Level, TS, Caller, Msg, Time string }
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatal(err)
			}
			if _, err := time.Parse(time.RFC3339Nano, got.TS); err != nil || got.Caller == "" || got.Msg == "" {
				t.Errorf("got %s: %v", line, err)
			}
			if got.Time != "" && got.Time != "a value of its own" {
				t.Errorf("the time occurs twice: %s", line)
			}
			levels = append(levels, got.Level)
		}
		if want := []string{"warn", "warn", "info", "warn", "error"}; !slices.Equal(levels, want) {
			t.Errorf("the levels are %v, want %v", levels, want)
		}
	})
}

// TestLevel checks that the minimum level applies to all libraries.
func TestLevel(t *testing.T) {
	var text bytes.Buffer
	l := logging.New(&text, "error", "logfmt")
	write(&l)
	if got := text.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "Accept error") {
		t.Errorf("at level error: %s", got)
	}
	if l.Slog.Enabled(t.Context(), slog.LevelWarn) {
		t.Error("slog reports that warnings are enabled")
	}
}
