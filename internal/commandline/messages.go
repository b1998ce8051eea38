package commandline

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

// parse parses a command line with kingpin and returns the command. Its errors name the flag or the command, and say what is
// expected. It refuses some mistakes that kingpin lets pass, such as a flag at the end whose value is missing.
func parse(app *kingpin.Application, args []string) (command string, err error) {
	if err := checkValues(app, args); err != nil {
		return "", err
	}
	command, err = app.Parse(args)
	if err != nil {
		return "", explain(app, args, err)
	}
	return command, nil
}

// checkValues returns an error for a flag that lacks its value, or that takes none and has one.
func checkValues(app *kingpin.Application, args []string) error {
	flags := flagsOf(app.Model().FlagGroupModel)
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		if command := app.GetCommand(args[i]); command != nil {
			maps.Copy(flags, flagsOf(command.Model().FlagGroupModel))
		}
		long, isFlag := strings.CutPrefix(args[i], "--")
		name, _, hasValue := strings.Cut(long, "=")
		flag := flags[name]
		if !isFlag || flag == nil {
			continue
		}
		switch isSwitch := isA[bool](flag); {
		case isSwitch && hasValue:
			return fmt.Errorf("--%s takes no value: write --%s or --no-%s", name, name, name)
		case isSwitch || hasValue:
		case i+1 == len(args) || strings.HasPrefix(args[i+1], "-"):
			return fmt.Errorf("--%s: a value is expected", name)
		default:
			i++
		}
	}
	return nil
}

func flagsOf(group *kingpin.FlagGroupModel) map[string]*kingpin.FlagModel {
	flags := map[string]*kingpin.FlagModel{}
	for _, flag := range group.Flags {
		flags[flag.Name] = flag
	}
	return flags
}

// isA reports whether the values of a flag have a type.
func isA[T any](flag *kingpin.FlagModel) bool {
	value, ok := flag.Value.(kingpin.Getter)
	if !ok {
		return false
	}
	_, ok = value.Get().(T)
	return ok
}

var repeated = regexp.MustCompile(`^flag '(.*)' cannot be repeated$`)

// explain returns an error of kingpin in other words, if it lacks the flag or the remedy.
func explain(app *kingpin.Application, args []string, err error) error {
	if match := repeated.FindStringSubmatch(err.Error()); match != nil {
		return fmt.Errorf("--%s is given more than once", match[1])
	}
	parsed, parseErr := app.ParseContext(args)
	switch {
	case parsed == nil:
		return err
	case parseErr == nil:
		return explainValue(parsed, err)
	case parsed.EOL() || parsed.Peek().Type != kingpin.TokenArg || !strings.HasPrefix(parseErr.Error(), "unexpected "):
		return err
	}
	return explainArgument(app, args, parsed)
}

var enum = regexp.MustCompile(`^enum value must be one of (\S+), got `)

// explainValue names the flag whose value the error is about.
func explainValue(parsed *kingpin.ParseContext, err error) error {
	for _, element := range parsed.Elements {
		clause, ok := element.Clause.(*kingpin.FlagClause)
		if !ok || element.Value == nil {
			continue
		}
		flag := clause.Model()
		refusal := flag.Value.Set(*element.Value)
		if refusal == nil || refusal.Error() != err.Error() || strings.HasPrefix(err.Error(), "--"+flag.Name) {
			continue
		}
		if match := enum.FindStringSubmatch(err.Error()); match != nil {
			return fmt.Errorf("--%s: %s is expected", flag.Name, alternatives(strings.Split(match[1], ",")))
		}
		if isA[time.Duration](flag) {
			return fmt.Errorf("--%s: %q is no duration: write it with a unit, like 500ms, 30s or 10m", flag.Name, *element.Value)
		}
		return fmt.Errorf("--%s: %w", flag.Name, err)
	}
	return err
}

// explainArgument says what to write instead of an argument. No command takes any.
func explainArgument(app *kingpin.Application, args []string, parsed *kingpin.ParseContext) error {
	argument, command := parsed.Peek().Value, parsed.SelectedCommand.Model()
	var remedy string
	switch {
	case argument == "":
		return fmt.Errorf("an argument is empty: a variable may not be set")
	case command.Name == Healthcheck:
		remedy = "write --address=" + argument
	case command.Name != Demo && isPath(argument):
		remedy = "write --config.file=" + argument
	}
	if !command.Default || slices.Contains(args, command.Name) {
		if remedy == "" {
			remedy = "leave out " + argument
		}
		return fmt.Errorf("%s takes no argument: %s", command.Name, remedy)
	}
	if remedy != "" {
		remedy = "; for a configuration file, " + remedy
	}
	var commands []string
	for _, c := range app.Model().Commands {
		if !c.Hidden && c.Name != "help" {
			commands = append(commands, c.Name)
		}
	}
	return fmt.Errorf("there is no command %s: %s is expected%s", argument, alternatives(commands), remedy)
}

// isPath reports whether an argument looks like a path of a file.
func isPath(argument string) bool { return strings.ContainsAny(argument, "./") }

// alternatives joins words: "a, b or c".
func alternatives(words []string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
