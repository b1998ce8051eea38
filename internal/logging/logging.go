// Package logging writes the program's log. All lines have the same format, whichever library they come from.
package logging

import (
	"io"
	stdlog "log"
	"log/slog"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	slgk "github.com/tjhop/slog-gokit"
)

// Loggers write to the same log, through different interfaces.
type Loggers struct {
	// Kit is for the program itself. It is not wrapped, because go-kit/log determines the caller and the order of the
	// keys by its type.
	Kit log.Logger
	// Slog is for users of log/slog.
	Slog *slog.Logger
	// Server is the ErrorLog of an http.Server.
	Server *stdlog.Logger
}

// New returns loggers that write messages of at least a level (debug, info, warn or error), in a format (logfmt or
// json).
func New(w io.Writer, least, format string) Loggers {
	w = log.NewSyncWriter(w)
	base := log.NewLogfmtLogger(w)
	if format == "json" {
		base = log.NewJSONLogger(w)
	}
	base = level.NewFilter(base, level.Allow(level.ParseDefault(least, level.InfoValue())))
	var slogLevel slog.LevelVar
	_ = slogLevel.UnmarshalText([]byte(least)) // cannot fail: the flag allows only valid levels
	return Loggers{
		Kit:    log.With(base, "ts", log.DefaultTimestampUTC, "caller", log.DefaultCaller),
		Slog:   slog.New(slgk.NewGoKitHandler(sameKeys{base}, &slogLevel)),
		Server: stdlog.New(serverLog{log.With(base, "ts", log.DefaultTimestampUTC, "caller", "http")}, "", 0),
	}
}

// sameKeys gives lines from slog the same keys as the other lines, in the same order: slog's time becomes ts.
type sameKeys struct{ next log.Logger }

func (l sameKeys) Log(keyvals ...any) error {
	line := make([]any, 0, len(keyvals))
	var head []any
	for i := 0; i+1 < len(keyvals); i += 2 {
		switch key, value := keyvals[i], keyvals[i+1]; {
		case key == level.Key() && len(head) == 0:
			head = []any{key, value}
		case key == slog.TimeKey && len(head) == 2:
			if at, ok := value.(time.Time); ok {
				value = log.TimestampFormat(func() time.Time { return at.UTC() }, time.RFC3339Nano)()
			}
			head = append(head, "ts", value)
		default:
			line = append(line, key, value)
		}
	}
	return l.next.Log(append(head, line...)...)
}

// serverLog receives the log lines of net/http.
type serverLog struct{ logger log.Logger }

func (l serverLog) Write(line []byte) (int, error) {
	message := strings.TrimSpace(string(line))
	to := level.Error(l.logger)
	if strings.HasPrefix(message, "http: TLS handshake error") { // the client's mistake, such as plain HTTP, or a port probe
		to = level.Warn(l.logger)
	}
	return len(line), to.Log("msg", message)
}
