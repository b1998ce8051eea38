package trigger

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/kingpin/v2"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
)

// AddFlags declares the command's own flags. A wrong value is refused before anything is read or sent.
func AddFlags(command *kingpin.CmdClause, o *Options) {
	command.Flag("project", "Id of the project: 24 digits of 0-9 and a-f.").Required().PlaceHolder("ID").
		SetValue(&value{text: &o.GroupID, set: o.setProject})
	command.Flag("pipeline", "Name of the Data Lake pipeline.").Required().PlaceHolder("NAME").
		SetValue(&value{text: &o.Pipeline, set: o.setPipeline})
	command.Flag("snapshot-id", "Id of the snapshot to ingest: 24 digits of 0-9 and a-f.").Required().PlaceHolder("ID").
		SetValue(&value{set: o.setSnapshot})
	command.Flag("retention", "How long the dataset is kept, in days, weeks or months: 30d, 4w, 6mo. Default: the pipeline's own retention.").
		PlaceHolder("30d").SetValue(&value{set: o.setRetention})
	command.Flag("dry-run", "Print the request and send nothing.").BoolVar(&o.DryRun)
	command.Flag("format", "Output format: table or json.").Default("table").EnumVar(&o.Format, "table", "json")
}

// value is a flag that checks its value when it is parsed.
type value struct {
	text *string
	set  func(string) error
}

// Set parses the value of the flag.
func (v *value) Set(s string) error { return v.set(s) }

// String returns the value, "" if it is stored in another form.
func (v *value) String() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

func (o *Options) setProject(s string) error {
	if _, err := atlasapi.ParseObjectID(s); err != nil {
		return fmt.Errorf("--project: %q is not a project id: it is 24 digits of 0-9 and a-f, as in the project's settings in Atlas", s)
	}
	o.GroupID = s
	return nil
}

// setPipeline refuses a string that cannot be a pipeline's name. Atlas also documents that names contain no spaces;
// this check is left to Atlas.
func (o *Options) setPipeline(s string) error {
	n := utf8.RuneCountInString(s)
	if n == 0 || n > 64 || strings.ContainsAny(s, `/\"$`) || strings.ContainsFunc(s, unicode.IsControl) || !utf8.ValidString(s) {
		return fmt.Errorf(`--pipeline: %q is not a pipeline's name: it has 1 to 64 characters, none of / \ " $`, s)
	}
	o.Pipeline = s
	return nil
}

func (o *Options) setSnapshot(s string) error {
	id, err := atlasapi.ParseObjectID(s)
	if err != nil {
		return fmt.Errorf("--snapshot-id: %q is not a snapshot's id: it is 24 digits of 0-9 and a-f", s)
	}
	o.Ingestion.SnapshotID = id
	return nil
}

func (o *Options) setRetention(s string) error {
	policy, err := parseRetention(s)
	if err != nil {
		return fmt.Errorf("--retention: %q: %w", s, err)
	}
	o.Ingestion.Retention = atlasapi.Optional[atlasapi.RetentionPolicy]{Value: policy, Set: true}
	return nil
}

var errRetention = errors.New("not a retention: write a number of days, weeks or months, at least 1, like 30d, 4w or 6mo")

// parseRetention parses a retention. Atlas accepts a positive 32-bit number.
func parseRetention(s string) (atlasapi.RetentionPolicy, error) {
	parts := regexp.MustCompile(`^([0-9]+)(d|w|mo)$`).FindStringSubmatch(s)
	if parts == nil {
		return atlasapi.RetentionPolicy{}, errRetention
	}
	n, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil || n < 1 {
		return atlasapi.RetentionPolicy{}, errRetention
	}
	units := map[string]string{"d": "DAYS", "w": "WEEKS", "mo": "MONTHS"}
	return atlasapi.RetentionPolicy{Units: units[parts[2]], Value: n}, nil
}
