package commandline

import (
	"testing"

	"github.com/alecthomas/kingpin/v2"
)

func testApp() *kingpin.Application {
	app := kingpin.New("program", "")
	app.Flag("config.file", "").String()
	app.Flag("web.listen-address", "").Default(":9972").Strings()
	app.Flag("web.timeout-offset", "").Default("500ms").Duration()
	app.Flag("log.level", "").Default("info").Enum("debug", "info", "warn", "error")
	app.Flag("collector.a", "").Default("true").Bool()
	app.Command("serve", "").Default()
	app.Command("demo", "")
	app.Command("check", "").Flag("format", "").Default("table").Enum("table", "json")
	app.Command("healthcheck", "").Flag("address", "").String()
	return app
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args    []string
		command string
	}{
		{nil, "serve"},
		{[]string{"--config.file=c.yml", "--web.listen-address", ":1", "--web.listen-address=:2"}, "serve"},
		{[]string{"--config.file", "check"}, "serve"},
		{[]string{"check", "--format", "json", "--no-collector.a", "--log.level=debug"}, "check"},
		{[]string{"--collector.a", "healthcheck", "--address=x"}, "healthcheck"},
		{[]string{"demo", "--web.timeout-offset=1s"}, "demo"},
	} {
		if command, err := parse(testApp(), test.args); command != test.command || err != nil {
			t.Errorf("%q: the command is %q (%v), want %q", test.args, command, err, test.command)
		}
	}
}

// TestMistakes holds the messages, which partly depend on kingpin's.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"check", "config.yml"}, "check takes no argument: write --config.file=config.yml"},
		{[]string{"serve", "/etc/config"}, "serve takes no argument: write --config.file=/etc/config"},
		{[]string{"check", "offline"}, "check takes no argument: leave out offline"},
		{[]string{"check", "demo"}, "check takes no argument: leave out demo"},
		{[]string{"demo", "config.yml"}, "demo takes no argument: leave out config.yml"},
		{[]string{"healthcheck", "localhost:9972"}, "healthcheck takes no argument: write --address=localhost:9972"},
		{[]string{"check", ""}, "an argument is empty: a variable may not be set"},
		{[]string{""}, "an argument is empty: a variable may not be set"},
		{[]string{"dmo"}, "there is no command dmo: serve, demo, check or healthcheck is expected"},
		{[]string{"--log.level=info", "dmo"}, "there is no command dmo: serve, demo, check or healthcheck is expected"},
		{[]string{"config.yml"}, "there is no command config.yml: serve, demo, check or healthcheck is expected; for a configuration file, write --config.file=config.yml"},
		{[]string{"--log.level=trace"}, "--log.level: debug, info, warn or error is expected"},
		{[]string{"check", "--log.level="}, "--log.level: debug, info, warn or error is expected"},
		{[]string{"check", "--format", "yaml"}, "--format: table or json is expected"},
		{[]string{"--web.timeout-offset=5"}, `--web.timeout-offset: "5" is no duration: write it with a unit, like 500ms, 30s or 10m`},
		{[]string{"--log.level=info", "--log.level=debug"}, "--log.level is given more than once"},
		{[]string{"--collector.a=false"}, "--collector.a takes no value: write --collector.a or --no-collector.a"},
		{[]string{"--config.file"}, "--config.file: a value is expected"},
		{[]string{"--log.level", "--config.file=c.yml"}, "--log.level: a value is expected"},
		{[]string{"check", "--format"}, "--format: a value is expected"},
		{[]string{"check", "--nonsense"}, "unknown long flag '--nonsense'"},
		{[]string{"--nonsense"}, "unknown long flag '--nonsense'"},
	} {
		if _, err := parse(testApp(), test.args); err == nil || err.Error() != test.want {
			t.Errorf("%q: %v, want %s", test.args, err, test.want)
		}
	}
}
