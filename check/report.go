package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/collector"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/config"
)

// Report is the result of a check. Its JSON form is stable for scripts: later versions may add keys, but do not remove
// keys or change their meaning. Empty keys are present.
type Report struct {
	// OK reports whether everything configured is readable or does not apply. The exit code is 0 if it is true, else 1.
	OK            bool           `json:"ok"`
	Offline       bool           `json:"offline"`
	Configuration Configuration  `json:"configuration"`
	BaseURL       string         `json:"base_url"`
	Credentials   Credentials    `json:"credentials"`
	Rows          []Row          `json:"rows"`
	Totals        map[Status]int `json:"totals"`
	Endpoints     []Endpoint     `json:"endpoints"`
	// ToDo lists what to correct, in order.
	ToDo []string `json:"to_do"`
}

// Configuration describes the configuration file.
type Configuration struct {
	File  string `json:"file"`
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	// Errors are the single faults in Error.
	Errors []string `json:"errors"`
	// Collectors are the enabled job collectors. Projects are the ids of the listed projects; empty means all that the
	// credentials see.
	Collectors []string `json:"collectors"`
	Projects   []string `json:"projects"`
	// Warnings are about settings that work but are unwise. They change neither OK nor the exit code.
	Warnings []string `json:"warnings"`

	remedy string
}

// Credentials describes the credentials, and whether Atlas accepts them.
type Credentials struct {
	Kind   string           `json:"kind"`   // "service account" or "API key"
	ID     string           `json:"id"`     // the client id or the public key
	Source string           `json:"source"` // where the credentials come from
	Status CredentialStatus `json:"status"`
	Reason string           `json:"reason"` // as in the label reason of the metrics
	// Message says why Atlas does not accept the credentials.
	Message string `json:"message"`
	// SeenAddress is the address that Atlas saw, if it refuses that address and names it.
	SeenAddress string `json:"seen_address"`

	remedy string
}

// CredentialStatus says whether the credentials work.
type CredentialStatus string

// The statuses of credentials.
const (
	Missing      CredentialStatus = "missing" // not set, or their file cannot be read
	NotTried     CredentialStatus = "not_tried"
	Accepted     CredentialStatus = "accepted"
	Rejected     CredentialStatus = "rejected"
	IPNotAllowed CredentialStatus = "ip_not_allowed"
	NotKnown     CredentialStatus = "not_known" // no answer, or one that says nothing about the credentials
)

// Status says whether a row can be read.
type Status string

// The statuses of a row. Only the first two are good.
const (
	Readable    Status = "readable"
	Unsupported Status = "unsupported"
	Forbidden   Status = "forbidden"
	Gone        Status = "gone"
	Unreadable  Status = "unreadable"
	NotChecked  Status = "not_checked"
)

func statuses() []Status {
	return []Status{Readable, Unsupported, Forbidden, Gone, Unreadable, NotChecked}
}

// Row is a project, a list of discovery, or a target. It is named as in the labels of mongodbatlas_target_up.
type Row struct {
	GroupID   string `json:"group_id"`
	GroupName string `json:"group_name"`
	Collector string `json:"collector"`
	Cluster   string `json:"cl_name"`
	Pipeline  string `json:"pipeline"`
	Status    Status `json:"status"`
	Reason    string `json:"reason"` // as in the label reason of the metrics, "" if readable
	Code      string `json:"code"`   // Atlas's errorCode
	// MissingRole is the role that a forbidden row needs at least.
	MissingRole string `json:"missing_role"`
	// Message says for people what was found, or why nothing was.
	Message string `json:"message"`

	declaration *collector.Declaration
	remedy      string
}

// Endpoint is what the answers of one API endpoint say besides the data.
type Endpoint struct {
	Endpoint string `json:"endpoint"`
	Version  string `json:"version"` // date of the API version; "" for the token endpoint
	Calls    int    `json:"calls"`   // HTTP requests, including retries and authentication
	Sunset   string `json:"sunset"`  // date on which the version ends, "" if Atlas announces none
	// RateLimit is the lowest state of a token bucket that an answer reported, nil if none did.
	RateLimit *RateLimit `json:"rate_limit"`
}

// RateLimit is the state of a token bucket. Each project has its own.
type RateLimit struct {
	GroupID   string  `json:"group_id"`
	Limit     float64 `json:"limit"`
	Remaining float64 `json:"remaining"`
}

func newReport(o *Options) *Report {
	return &Report{
		Offline:       o.Offline,
		Configuration: Configuration{File: o.ConfigFile, Collectors: []string{}, Projects: []string{}, Errors: []string{}, Warnings: []string{}},
		Credentials:   Credentials{Status: NotTried},
		Rows:          []Row{}, Totals: map[Status]int{}, Endpoints: []Endpoint{}, ToDo: []string{},
	}
}

func (c *Configuration) fail(err error) {
	c.OK, c.Error, c.Errors = false, err.Error(), []string{err.Error()}
	if faults, ok := errors.AsType[config.Errors](err); ok {
		c.Errors = c.Errors[:0]
		for _, fault := range faults {
			c.Errors = append(c.Errors, fault.Error())
		}
	}
	_, noFile := errors.AsType[*fs.PathError](err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.remedy = "create " + c.File + ", or name another file with --config.file"
	case errors.Is(err, fs.ErrPermission):
		c.remedy = "give this user read permission for " + c.File
	case errors.Is(err, syscall.EISDIR):
		c.remedy = c.File + " is a folder: name the file in it with --config.file"
	case noFile:
		c.remedy = "name a file that can be read with --config.file, instead of " + c.File
	default:
		c.remedy = "correct the configuration"
	}
}

func (c *Configuration) take(ctx context.Context, from *config.Config) {
	c.OK = true
	for _, name := range from.Collectors.Names() {
		if from.Collectors.Enabled(name) {
			c.Collectors = append(c.Collectors, name)
		}
	}
	for _, p := range from.Projects {
		c.Projects = append(c.Projects, p.ID)
	}
	if loose, ok := from.LooseFile(ctx); ok {
		c.Warnings = append(c.Warnings, loose.Warning())
	}
}

func (c *Credentials) miss(err error) {
	c.Status, c.Message, c.remedy = Missing, err.Error(), "correct the credentials in the environment"
	if file, ok := errors.AsType[*config.SecretFileError](err); ok {
		c.remedy = file.Remedy
	}
	if errors.Is(err, config.ErrNoCredentials) {
		c.remedy = "give the exporter credentials, in the configuration file or in the environment"
	}
}

func (c *Credentials) take(from config.Credentials) {
	c.Kind, c.ID, c.Source = from.Kind(), from.ID, from.Source
}

func (c *Credentials) accept() { c.Status, c.Reason, c.Message, c.remedy = Accepted, "", "", "" }

// judge sets the status of the credentials from the first call, and reports whether further calls make sense.
func (c *Credentials) judge(root *collector.Declaration, err error) (goOn bool) {
	reason := root.ReasonFor(err)
	failure, _ := errors.AsType[*atlasapi.Error](err)
	denied := reason == collector.Forbidden || reason == collector.NotFound && failure.Code != "" // without one, it is not Atlas
	if err == nil || denied && !atlasapi.IsOfToken(err) {
		c.accept()
		return true
	}
	c.Reason, c.Message, c.remedy = reason.String(), words(err), root.Remedy(reason, err)
	switch reason {
	case collector.Unauthorized:
		c.Status = Rejected
	case collector.IPNotAllowed:
		c.Status, c.SeenAddress = IPNotAllowed, addressIn(failure.Detail)
		if c.SeenAddress != "" {
			c.remedy = fmt.Sprintf("add the address %s, which Atlas saw, to the IP access list of the %s", c.SeenAddress, c.Kind)
		}
	default:
		c.Status = NotKnown
		return failure != nil && failure.Status != 0 && !atlasapi.IsOfToken(err)
	}
	return false
}

// addressIn returns the IP address in a text, "" if there is none.
func addressIn(text string) string {
	for field := range strings.FieldsSeq(text) {
		if address, err := netip.ParseAddr(strings.Trim(field, `.,;:'"()[]`)); err == nil {
			return address.String()
		}
	}
	return ""
}

// words returns the text of an error without the name of the endpoint, which the row has already.
func words(err error) string {
	if failure, ok := errors.AsType[*atlasapi.Error](err); ok {
		return strings.TrimPrefix(failure.Error(), failure.Endpoint+": ")
	}
	return err.Error()
}

// answered returns the status and the code of a failure in parentheses, for a row that explains the rest.
func answered(err error) string {
	if failure, ok := errors.AsType[*atlasapi.Error](err); ok && failure.Status != 0 {
		return strings.TrimSuffix(fmt.Sprintf(" (HTTP status %d %s", failure.Status, failure.Code), " ") + ")"
	}
	return ""
}

// judge sets the status of the row from the result of a call. found says what the call found.
func (r *Row) judge(found string, err error) {
	if err == nil {
		r.Status, r.Message = Readable, found
		return
	}
	if failure, ok := errors.AsType[*atlasapi.Error](err); ok {
		r.Code = failure.Code
	}
	reason := r.declaration.ReasonFor(err)
	if reason.Unsupported() {
		r.unsupported(reason)
		return
	}
	r.Reason = reason.String()
	r.remedy = r.declaration.Remedy(reason, err)
	r.Status, r.Message = Unreadable, r.Reason+": "+words(err)
	if atlasapi.IsOfToken(err) {
		return
	}
	if reason == collector.Forbidden {
		r.Status, r.MissingRole = Forbidden, r.declaration.Role
		r.Message = "missing role: " + r.MissingRole + answered(err)
	}
	if reason != collector.NotFound || r.declaration.IsRoot() && r.Code == "" {
		return
	}
	r.Status = Gone
	if r.declaration.IsRoot() {
		r.Message = "no such project, or these credentials do not see it" + answered(err)
		return
	}
	r.Message = "Atlas has none of that name" + answered(err)
	r.remedy = "check again, since something was deleted a moment ago"
}

// unsupported records that the API does not serve the target.
func (r *Row) unsupported(reason collector.Reason) {
	r.Status, r.Reason, r.Message = Unsupported, reason.String(), reason.Explanation()
}

// finish counts the rows, and sets OK and ToDo.
func (r *Report) finish() {
	for _, status := range statuses() {
		r.Totals[status] = 0
	}
	for _, row := range r.Rows {
		r.Totals[row.Status]++
	}
	well := r.Totals[Readable] + r.Totals[Unsupported]
	switch {
	case !r.Configuration.OK || r.Credentials.Status == Missing:
	case r.Offline:
		r.OK = true
	default:
		r.OK = well == len(r.Rows)
	}
	r.ToDo = append(r.ToDo, r.toDo()...)
}

// toDo lists what to correct: one sentence for each remedy, with the projects that need it. Projects come first, then
// lists, then targets, because a failure of the first may be the cause of the others.
func (r *Report) toDo() []string {
	switch {
	case !r.Configuration.OK:
		todo := []string{r.Configuration.remedy}
		if r.Credentials.Status == Missing {
			todo = append(todo, r.Credentials.remedy)
		}
		return todo
	case r.Credentials.remedy != "":
		return []string{r.Credentials.remedy}
	}
	var remedies []string
	projects := map[string][]string{}
	seen := map[[2]string]bool{}
	rows := slices.DeleteFunc(slices.Clone(r.Rows), func(row Row) bool { return row.remedy == "" })
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(a.stage(), b.stage()) })
	for _, row := range rows {
		if projects[row.remedy] == nil {
			remedies = append(remedies, row.remedy)
		}
		if key := [2]string{row.remedy, row.GroupID}; !seen[key] {
			seen[key] = true
			projects[row.remedy] = append(projects[row.remedy], row.project())
		}
	}
	for i, remedy := range remedies {
		remedies[i] = remedy + ": " + strings.Join(projects[remedy], ", ")
	}
	return remedies
}

// stage orders rows: the lower the stage, the more other rows depend on it.
func (r *Row) stage() int {
	switch {
	case r.Cluster+r.Pipeline != "":
		return 2
	case r.declaration.IsRoot():
		return 0
	}
	return 1
}

// project returns the name of the row's project for people.
func (r *Row) project() string {
	switch {
	case r.GroupName != "":
		return r.GroupName
	case r.GroupID != "":
		return r.GroupID
	}
	return allProjects
}

// allProjects is shown instead of a project's name.
const allProjects = "(all)"
