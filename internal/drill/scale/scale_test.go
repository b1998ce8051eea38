package scale_test

import (
	"math"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/drill/scale"
)

func decoded(t *testing.T, rules []byte) any {
	t.Helper()
	var content any
	if err := yaml.Unmarshal(rules, &content); err != nil {
		t.Fatal(err)
	}
	return content
}

// numeric matches numbers with or without a unit that are not part of a name or a label value.
var numeric = regexp.MustCompile(`\b[0-9]+(?:\.[0-9]+)?(?:ms|[smhdwy])?(?:[0-9]+(?:ms|[smhd]))*\b`)

// TestNothingButTimeDiffers compares both files without knowledge of keys or syntax. The texts may differ only in numbers,
// by the factor. Every number with a unit or with four digits must differ.
func TestNothingButTimeDiffers(t *testing.T) {
	shipped, err := os.ReadFile("../../../alerts/mongodbatlas.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, factor := range []float64{1, 60, 240} {
		scaled, err := scale.Rules(shipped, factor)
		if err != nil {
			t.Fatal(err)
		}
		differences := 0
		compare(t, "", decoded(t, shipped), decoded(t, scaled), factor, &differences)
		if differences < 50 {
			t.Errorf("factor %v changed only %d times", factor, differences)
		}
	}
}

func compare(t *testing.T, path string, was, is any, factor float64, differences *int) {
	t.Helper()
	if reflect.TypeOf(was) != reflect.TypeOf(is) {
		t.Fatalf("%s was a %T and is a %T", path, was, is)
	}
	switch was := was.(type) {
	case map[string]any:
		is := is.(map[string]any)
		if len(was) != len(is) {
			t.Fatalf("%s had %d keys and has %d", path, len(was), len(is))
		}
		for key, value := range was {
			compare(t, path+"/"+key, value, is[key], factor, differences)
		}
	case []any:
		is := is.([]any)
		if len(was) != len(is) {
			t.Fatalf("%s had %d entries and has %d", path, len(was), len(is))
		}
		for i := range was {
			compare(t, path+"/"+strconv.Itoa(i), was[i], is[i], factor, differences)
		}
	case string:
		compareText(t, path, was, is.(string), factor, differences)
	default:
		if !reflect.DeepEqual(was, is) {
			t.Errorf("%s was %v and is %v", path, was, is)
		}
	}
}

func compareText(t *testing.T, path, was, is string, factor float64, differences *int) {
	t.Helper()
	if regexp.MustCompile(`/(annotations|labels)/|/(alert|record|name)$`).MatchString(path) {
		if was != is {
			t.Errorf("%s: %q became %q", path, was, is)
		}
		return
	}
	comment := regexp.MustCompile(`(?m)#.*$`) // comments do not change; no string in the rules contains "#"
	was, is = comment.ReplaceAllString(was, ""), comment.ReplaceAllString(is, "")
	if a, b := numeric.ReplaceAllString(was, "N"), numeric.ReplaceAllString(is, "N"); a != b {
		t.Errorf("%s: more than numbers differ:\n%s\n%s", path, a, b)
		return
	}
	before, after := numeric.FindAllString(was, -1), numeric.FindAllString(is, -1)
	for i := range before {
		isTime := regexp.MustCompile(`[a-z]|[0-9]{4}`).MatchString(before[i])
		switch {
		case !isTime && before[i] != after[i]:
			t.Errorf("%s: %s is no time and became %s", path, before[i], after[i])
		case isTime:
			*differences++
			if got := seconds(t, before[i]) / seconds(t, after[i]); math.Abs(got-factor) > 1e-9*factor {
				t.Errorf("%s: %s became %s, which is %v times less and not %v", path, before[i], after[i], got, factor)
			}
		}
	}
}

func seconds(t *testing.T, text string) float64 {
	t.Helper()
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(d).Seconds()
}

func TestExpr(t *testing.T) {
	for expr, want := range map[string]string{
		`time() - a > 21600`:                     `time() - a > 360`,
		`max_over_time(a[15m]) offset 1d`:        `max_over_time(a[15s]) offset 24m`,
		`rate(a{code="429",b='1h5000'}[5m]) > 0`: `rate(a{code="429",b='1h5000'}[5s]) > 0`,
		`x_1h_5000 * 0.5 >= 100 # for 15m`:       `x_1h_5000 * 0.5 >= 100 # for 15m`,
		`a[1h30m:90s]`:                           `a[1m30s:1s500ms]`,
		`a > 90 * 86400`:                         `a > 90 * 1440`,
		`job:rate5m:sum > 12345.5`:               `job:rate5m:sum > 12345.5`,
	} {
		t.Run(expr, func(t *testing.T) {
			if got, err := scale.Expr(expr, 60); err != nil || got != want {
				t.Errorf("%s became %s (%v), want %s", expr, got, err, want)
			}
		})
	}
}

func TestTimesThatPrometheusCannotWrite(t *testing.T) {
	for _, rules := range []string{"for: 1s", "expr: a[1s]", "for: 1 hour"} {
		if out, err := scale.Rules([]byte(rules), 7); err == nil {
			t.Errorf("%s divided by 7 became %s", rules, out)
		}
	}
	for _, factor := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := scale.Rules([]byte("for: 1s"), factor); err == nil {
			t.Errorf("factor %v was accepted", factor)
		}
	}
}
