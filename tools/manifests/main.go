// Command manifests validates Kubernetes manifests from standard input. It fails on keys that the kind does not have, which a
// cluster may silently drop, and on pods that the restricted Pod Security Standard forbids. It needs no cluster.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringalpha "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	machinery "k8s.io/apimachinery/pkg/util/yaml"
	security "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := check(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check validates all documents, and returns the errors of all of them.
func check(in io.Reader) error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	var wrong []error
	good := 0
	for documents := machinery.NewYAMLReader(bufio.NewReader(in)); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name, err := checkManifest(document, evaluator)
		switch {
		case err != nil:
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
		case name != "":
			good++
		}
	}
	if good == 0 && wrong == nil {
		return errors.New("no manifest in the input")
	}
	return errors.Join(wrong...)
}

// checkManifest validates a manifest. It returns the manifest's kind and name, or "" for a document with only comments.
func checkManifest(document []byte, evaluator policy.Evaluator) (name string, err error) {
	var manifest struct {
		meta.TypeMeta `json:",inline"`
		Metadata      meta.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(document, &manifest); err != nil {
		return "a document", err
	}
	if manifest.Kind == "" {
		var any any
		if err := yaml.Unmarshal(document, &any); err != nil || any != nil {
			return "a document", errors.Join(errors.New("no manifest"), err)
		}
		return "", nil
	}
	name = manifest.Kind + " " + manifest.Metadata.Name

	kind := manifest.APIVersion + " " + manifest.Kind
	object, ok := map[string]any{
		"v1 ConfigMap":                       new(core.ConfigMap),
		"v1 Pod":                             new(core.Pod),
		"v1 Service":                         new(core.Service),
		"v1 ServiceAccount":                  new(core.ServiceAccount),
		"apps/v1 Deployment":                 new(apps.Deployment),
		"networking.k8s.io/v1 NetworkPolicy": new(networking.NetworkPolicy),
		"monitoring.coreos.com/v1 PrometheusRule":           new(monitoring.PrometheusRule),
		"monitoring.coreos.com/v1 PodMonitor":               new(monitoring.PodMonitor),
		"monitoring.coreos.com/v1 ServiceMonitor":           new(monitoring.ServiceMonitor),
		"monitoring.coreos.com/v1alpha1 AlertmanagerConfig": new(monitoringalpha.AlertmanagerConfig),
	}[kind]
	if !ok {
		return name, fmt.Errorf("unknown kind %q", kind)
	}
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		return name, err
	}
	switch object := object.(type) {
	case *core.Pod:
		err = restricted(evaluator, &object.ObjectMeta, &object.Spec)
	case *apps.Deployment:
		err = restricted(evaluator, &object.Spec.Template.ObjectMeta, &object.Spec.Template.Spec)
	}
	return name, err
}

// restricted checks a pod against the restricted Pod Security Standard.
func restricted(evaluator policy.Evaluator, metadata *meta.ObjectMeta, spec *core.PodSpec) error {
	level := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}
	var wrong []error
	for _, result := range evaluator.EvaluatePod(level, metadata, spec) {
		if !result.Allowed {
			wrong = append(wrong, fmt.Errorf("not restricted: %s: %s", result.ForbiddenReason, result.ForbiddenDetail))
		}
	}
	return errors.Join(wrong...)
}
