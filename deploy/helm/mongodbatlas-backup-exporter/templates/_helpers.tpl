{{- /* The name in the labels. */ -}}
{{- define "exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The name of every object: the release's, followed by the chart's unless the release's contains it. */ -}}
{{- define "exporter.fullname" -}}
{{- $name := include "exporter.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- /* A release's name has at most 53 characters: what is cut is the chart's name. */ -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Labels that never change, because a Deployment's selector cannot. */ -}}
{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* Labels of the pod that helm test runs: the Service must not select it. */ -}}
{{- define "exporter.testLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "exporter.labels" -}}
{{ include "exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "exporter.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "exporter.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* Where the key of credentials.existingSecret is mounted. */ -}}
{{- define "exporter.secretFile" -}}
/run/secrets/mongodbatlas_backup_exporter/secret
{{- end -}}

{{- /* The exporter's configuration file: the values and the credentials. */ -}}
{{- define "exporter.config" -}}
{{- $c := .Values.credentials -}}
{{- $config := deepCopy .Values.config -}}
{{- $atlas := $config.atlas | default dict -}}
{{- $inConfig := or $atlas.service_account $atlas.api_key -}}
{{- $inValues := or $c.clientID $c.publicKey $c.existingSecret $c.secretFile -}}
{{- if and $atlas.service_account $atlas.api_key -}}
{{- fail "config.atlas.service_account and config.atlas.api_key exclude each other" -}}
{{- else if or (and $inConfig $inValues) (and $inConfig $c.fromEnvironment) (and $inValues $c.fromEnvironment) -}}
{{- fail "there are two sets of credentials: keep credentials.clientID or publicKey with its secret, credentials.fromEnvironment, or config.atlas" -}}
{{- else if $inValues -}}
{{- if and $c.clientID $c.publicKey -}}
{{- fail "credentials.clientID and credentials.publicKey exclude each other" -}}
{{- else if not (or $c.clientID $c.publicKey) -}}
{{- fail "credentials.clientID or credentials.publicKey is missing" -}}
{{- else if and $c.existingSecret $c.secretFile -}}
{{- fail "credentials.existingSecret and credentials.secretFile exclude each other" -}}
{{- else if not (or $c.existingSecret $c.secretFile) -}}
{{- fail "credentials.existingSecret is missing: the Secret with the client secret of a service account or the private key of an API key (or credentials.secretFile, the path of a file with it)" -}}
{{- end -}}
{{- $file := $c.secretFile | default (include "exporter.secretFile" .) -}}
{{- if $c.clientID -}}
{{- $_ := set $atlas "service_account" (dict "client_id" $c.clientID "client_secret_file" $file) -}}
{{- else -}}
{{- $_ := set $atlas "api_key" (dict "public_key" $c.publicKey "private_key_file" $file) -}}
{{- end -}}
{{- else if not (or $inConfig $c.fromEnvironment) -}}
{{- fail "there are no credentials: set credentials.clientID and credentials.existingSecret, or see values.yaml for other ways (or set demo=true)" -}}
{{- end -}}
{{- with $atlas -}}
{{- $_ := set $config "atlas" . -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- /* A duration of Prometheus in milliseconds. */ -}}
{{- define "exporter.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 -}}
{{- $total := 0 -}}
{{- range regexFindAll "[0-9]+(ms|[smhdwy])" . -1 -}}
{{- $total = add $total (mul (regexFind "^[0-9]+" . | int64) (get $units (regexFind "[a-z]+$" .) | int64)) -}}
{{- end -}}
{{- $total -}}
{{- end -}}

{{- /* The endpoint of a ServiceMonitor or PodMonitor: a dict of the root as "root" and the monitor's values as "monitor". */ -}}
{{- define "exporter.endpoint" -}}
{{- $m := .monitor -}}
{{- $interval := include "exporter.milliseconds" $m.interval | int64 -}}
{{- $timeout := $m.scrapeTimeout -}}
{{- if not $timeout -}}
{{- $timeout = ternary "30s" $m.interval (ge $interval 30000) -}}
{{- else if gt (include "exporter.milliseconds" $timeout | int64) $interval -}}
{{- /* The Prometheus Operator skips such a monitor without a word to whoever installs the chart. */ -}}
{{- fail (printf "scrapeTimeout %s is longer than interval %s: Prometheus would not scrape the exporter" $timeout $m.interval) -}}
{{- end -}}
port: http
scheme: {{ .root.Values.web.scheme | lower }}
interval: {{ $m.interval }}
scrapeTimeout: {{ $timeout }}
{{- with $m.tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $m.basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
relabelings:
  # The alerting rules and the dashboards know the exporter by this name.
  - {action: replace, targetLabel: job, replacement: mongodbatlas}
  {{- with $m.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $m.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Asks the exporter in its own container whether it runs. A demand for a password counts as yes. */ -}}
{{- define "exporter.execProbe" -}}
exec:
  command: [/mongodbatlas_backup_exporter, healthcheck, "--address={{ lower .Values.web.scheme }}://127.0.0.1:9972"]
{{- end -}}
