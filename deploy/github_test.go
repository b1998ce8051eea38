package deploy_test

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestDependabotKnowsEveryModule checks that Dependabot watches each folder with a go.mod.
func TestDependabotKnowsEveryModule(t *testing.T) {
	var dependabot struct {
		Updates []struct {
			Ecosystem   string   `yaml:"package-ecosystem"`
			Directories []string `yaml:"directories"`
		} `yaml:"updates"`
	}
	unmarshal(t, readFile(t, "../.github/dependabot.yml"), &dependabot)
	want := []string{"/"}
	modules, err := filepath.Glob("../tools/*/go.mod")
	if err != nil || len(modules) == 0 {
		t.Fatal("there are no tools", err)
	}
	for _, module := range modules {
		want = append(want, "/tools/"+filepath.Base(filepath.Dir(module)))
	}
	if got := dependabot.Updates[0].Directories; !slices.Equal(got, want) {
		t.Errorf("Dependabot watches %q, want %q", got, want)
	}
}

// TestIssueForms checks that GitHub shows the forms: it drops a form whose fields lack a unique id or a label.
func TestIssueForms(t *testing.T) {
	forms, err := filepath.Glob("../.github/ISSUE_TEMPLATE/*.yml")
	if err != nil || len(forms) < 3 {
		t.Fatalf("the forms are %v (%v)", forms, err)
	}
	for _, file := range forms {
		if filepath.Base(file) == "config.yml" {
			continue
		}
		var form struct {
			Name        string `yaml:"name"`
			Description string `yaml:"description"`
			Body        []struct {
				Type       string `yaml:"type"`
				ID         string `yaml:"id"`
				Attributes struct {
					Label   string   `yaml:"label"`
					Value   string   `yaml:"value"`
					Options []string `yaml:"options"`
				} `yaml:"attributes"`
			} `yaml:"body"`
		}
		unmarshal(t, readFile(t, file), &form)
		if form.Name == "" || form.Description == "" {
			t.Errorf("%s has no name or no description", file)
		}
		ids := map[string]bool{}
		for _, field := range form.Body {
			switch field.Type {
			case "markdown":
				if field.Attributes.Value == "" {
					t.Errorf("%s: a text is empty", file)
				}
			case "textarea", "input", "dropdown":
				if field.ID == "" || ids[field.ID] || field.Attributes.Label == "" || (field.Type == "dropdown") != (len(field.Attributes.Options) > 0) {
					t.Errorf("%s: the field %+v is incomplete, or its id is not unique", file, field)
				}
				ids[field.ID] = true
			default:
				t.Errorf("%s: the type of a field is %q", file, field.Type)
			}
		}
	}
}
