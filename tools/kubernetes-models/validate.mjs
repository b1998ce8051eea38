// Validates Kubernetes manifests from standard input against the schemas of their kinds: required fields, types, enumerations
// and formats. Prints the errors, and exits with code 1 if there are any.
import {readFileSync} from "node:fs";
import {parseAllDocuments} from "yaml";

const kinds = {
  "v1 ConfigMap": () => import("kubernetes-models/v1/ConfigMap"),
  "v1 Pod": () => import("kubernetes-models/v1/Pod"),
  "v1 Service": () => import("kubernetes-models/v1/Service"),
  "v1 ServiceAccount": () => import("kubernetes-models/v1/ServiceAccount"),
  "apps/v1 Deployment": () => import("kubernetes-models/apps/v1/Deployment"),
  "networking.k8s.io/v1 NetworkPolicy": () => import("kubernetes-models/networking.k8s.io/v1/NetworkPolicy"),
  "monitoring.coreos.com/v1 PodMonitor": () =>
    import("@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor"),
  "monitoring.coreos.com/v1 PrometheusRule": () =>
    import("@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule"),
  "monitoring.coreos.com/v1 ServiceMonitor": () =>
    import("@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor"),
  "monitoring.coreos.com/v1alpha1 AlertmanagerConfig": () =>
    import("@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1alpha1/AlertmanagerConfig"),
};

let good = 0;
let bad = 0;
for (const document of parseAllDocuments(readFileSync(0, "utf8"))) {
  const manifest = document.toJS();
  if (manifest === null) continue; // only comments
  const name = `${manifest.kind} ${manifest.metadata?.name}`;
  try {
    if (document.errors.length > 0) throw document.errors[0];
    const kind = `${manifest.apiVersion} ${manifest.kind}`;
    if (!(kind in kinds)) throw new Error(`unknown kind "${kind}"`);
    const models = await kinds[kind]();
    new models[manifest.kind](manifest).validate();
    good++;
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    bad++;
  }
}
console.log(`${good} manifests valid, ${bad} invalid`);
process.exitCode = good > 0 && bad === 0 ? 0 : 1;
