package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/atlasapi/atlassim"
	"github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/internal/harness"
)

const (
	publicKey   = "abcdefgh"
	privateKey  = "7d1f0000-secret-0000-0000-private-key"
	downloadURL = "https://download.invalid/bearer-of-all-data.tar.gz"
)

// confidence is a simulated Atlas, and everything that is sent to it and must never be shown.
type confidence struct {
	atlas *atlassim.Server
	url   string

	mu     sync.Mutex
	hidden map[string]string // the name of each, by its text
}

// newConfidence starts an Atlas that knows a service account and an API key as Project Owner, and has a download ready.
func newConfidence(t *testing.T) *confidence {
	t.Helper()
	org := atlassim.NewOrganization(atlassim.WallClock{})
	project := org.AddProject("payments")
	replicaSet := project.AddCluster("orders", atlassim.ClusterOptions{Schedule: atlassim.Schedule{AutoExportEnabled: true, ExportFrequency: "daily"}})
	replicaSet.AddExport(atlassim.Export{State: atlassim.ExportFailed})
	replicaSet.AddRestore(atlassim.Restore{DeliveryType: atlassim.RestoreDownload, DeliveryURLs: []string{downloadURL}, ExpiresAt: time.Now().Add(time.Hour)})
	ofShard := downloadURL + "?shard=0"
	project.AddCluster("sharded", atlassim.ClusterOptions{Shards: 1}).AddRestore(atlassim.Restore{
		DeliveryType: atlassim.RestoreDownload, ExpiresAt: time.Now().Add(time.Hour),
		Components: []atlassim.RestoreComponent{{DownloadURL: &ofShard, ReplicaSetName: "shard-0"}},
	})
	project.AddPipeline("orders", atlassim.PipelineOptions{Cluster: "orders"}).AddRun(atlassim.Run{})
	c := &confidence{
		atlas: atlassim.NewServer(org, atlassim.Options{
			ServiceAccounts: []atlassim.ServiceAccount{{ClientID: clientID, ClientSecret: clientSecret, Role: atlassim.ProjectOwner}},
			APIKeys:         []atlassim.APIKey{{PublicKey: publicKey, PrivateKey: privateKey, Role: atlassim.ProjectOwner}},
			TokenLimit:      10_000,
		}),
		hidden: map[string]string{
			clientSecret: "the client secret", privateKey: "the private key", downloadURL: "a download's URL", "simulated-token-": "a token",
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, proof, found := strings.Cut(r.Header.Get("Authorization"), " "); found {
			c.mu.Lock()
			c.hidden[proof] = "an Authorization header"
			c.mu.Unlock()
		}
		c.atlas.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// keeps fails the test if a text contains a secret.
func (c *confidence) keeps(t *testing.T, where, text string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for secret, name := range c.hidden {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s shows %s: …%s…", where, name, text[max(0, i-200):min(len(text), i+len(secret)+20)])
		}
	}
}

// echo answers with the content of the request, wherever an answer has room for text.
func echo(status int, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		proof, secret := r.Header.Get("Authorization"), clientSecret
		if strings.HasPrefix(proof, "Digest ") {
			secret = privateKey
		}
		text := "refused " + strings.ReplaceAll(proof, `"`, "'") + " of " + secret
		body, _ := json.Marshal(map[string]any{
			"detail": text, "errorCode": text, "reason": text, "error": status, "parameters": []string{text},
			"error_description": text, "badRequestDetail": map[string]any{"fields": []map[string]string{{"field": text, "description": text}}},
		})
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("X-Error-Code", text)
		w.Header().Set("Location", "https://elsewhere.invalid/?"+strings.ReplaceAll(text, " ", "+"))
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// betrayal is a fault whose answers show as many secrets as they can.
type betrayal struct {
	name  string
	fault atlassim.Fault
}

// betrayals lists them; those that stop requests for a while come last.
func betrayals() []betrayal {
	var all []betrayal
	for _, status := range []int{301, 400, 403, 404, 409, 410, 500, 503} {
		all = append(all, betrayal{fmt.Sprint("status ", status), atlassim.Fault{Authenticated: true, Handler: echo(status, "application/json")}})
	}
	restores := func(body string) atlassim.Fault {
		return atlassim.Fault{Operation: atlassim.OpListBackupRestores, Authenticated: true, Status: http.StatusOK, Body: body}
	}
	const job = `{"links":[],"results":[{"id":"6a7953692c88faeba59d5e01","deliveryType":"download","deliveryUrl":["` + downloadURL
	return append(all,
		betrayal{"a web page", atlassim.Fault{Authenticated: true, Handler: echo(http.StatusOK, "text/html")}},
		betrayal{"no list", atlassim.Fault{Authenticated: true, Handler: echo(http.StatusOK, "application/json")}},
		betrayal{"no HTTP", atlassim.Fault{Authenticated: true, Handler: func(w http.ResponseWriter, r *http.Request) {
			if connection, buffered, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = fmt.Fprintf(buffered, "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", r.Header.Get("Authorization"))
				_, _ = buffered.Flush(), connection.Close()
			}
		}}},
		betrayal{"a URL that is cut off", restores(job)},
		betrayal{"a URL for a date", restores(job + `"],"finishedAt":"` + downloadURL + `"}]}`)},
		betrayal{"no token", atlassim.Fault{Operation: atlassim.OpToken, Handler: echo(http.StatusOK, "application/json")}},
		betrayal{"a refused token", atlassim.Fault{Operation: atlassim.OpToken, Handler: echo(http.StatusUnauthorized, "application/json")}},
		betrayal{"a broken token end", atlassim.Fault{Operation: atlassim.OpToken, Handler: echo(http.StatusInternalServerError, "text/html")}},
		betrayal{"a limit", atlassim.Fault{Authenticated: true, Times: 1, Handler: echo(http.StatusTooManyRequests, "application/json")}},
		// Several concurrent requests are refused, and the first of them replaces the token while the others are answered.
		betrayal{"status 401", atlassim.Fault{Authenticated: true, Handler: echo(http.StatusUnauthorized, "application/json")}},
	)
}

// credentialsOf returns the lines of a configuration that sign in, by kind.
func credentialsOf(kind, folder string) string {
	if kind == "API key" {
		return fmt.Sprintf("api_key: {public_key: %s, private_key_file: %s}", publicKey, filepath.Join(folder, "secret"))
	}
	return fmt.Sprintf("service_account: {client_id: %s, client_secret_file: %s}", clientID, filepath.Join(folder, "secret"))
}

// ask sends a request and returns the answer with its headers, as text.
func ask(t *testing.T, method, url string) string {
	t.Helper()
	a, err := harness.Ask(t.Context(), method, url, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintln(a.Status, a.Header) + string(a.Body)
}

// TestServeKeepsSecrets logs everything and requests every path while Atlas echoes the requests in its answers: no secret may
// show, neither in the answers to reloads of files that are broken near a secret, nor in the stacks that the runtime prints
// when the process is killed.
func TestServeKeepsSecrets(t *testing.T) {
	t.Parallel()
	harness.NotShort(t, "it makes hundreds of requests and runs")
	for kind, secret := range map[string]string{"service account": clientSecret, "API key": privateKey} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := newConfidence(t)
			folder := t.TempDir()
			secretFile := harness.WriteFile(t, filepath.Join(folder, "secret"), secret+"\n")
			good := fmt.Sprintf("atlas:\n  base_url: %s\n  max_retries: 0\n  %s\nrefresh: {min_interval: 0s, discovery_interval: 1s}\n", c.url, credentialsOf(kind, folder))
			configFile := harness.WriteFile(t, filepath.Join(folder, "config.yml"), good)
			format := map[string]string{"service account": "logfmt", "API key": "json"}[kind]
			exporter := harness.StartExporter(t, "--config.file="+configFile, "--log.level=debug", "--log.format="+format)
			project := c.atlas.Organization().Projects()[0].ID
			askAll := func(when string) string {
				var all strings.Builder
				for _, path := range []string{
					"/metrics", "/metrics?collect[]=backup_restores", "/metrics?collect[]=" + secret[:4], "/probe?target=" + project,
					"/probe?target=x", "/probe", "/sd", "/", "/-/ready", "/-/healthy", "/-/reload", "/nothing",
				} {
					answer := ask(t, http.MethodGet, exporter.URL()+path)
					c.keeps(t, when+": "+path, answer)
					all.WriteString(answer)
				}
				return all.String()
			}
			harness.Eventually(t, func() error {
				if !strings.Contains(askAll("at first"), `delivery_type="download",group_id="`+project+`",group_name="payments",state="ready"} 1`) {
					return fmt.Errorf("the download is not known")
				}
				return nil
			})
			for _, b := range betrayals() {
				if b.fault.Operation == atlassim.OpToken {
					if kind == "API key" {
						continue
					}
					c.atlas.ForgetTokens()
				}
				before := c.atlas.Count(b.fault.Operation)
				remove := c.atlas.Inject(b.fault)
				harness.Eventually(t, func() error {
					askAll(b.name)
					if c.atlas.Count(b.fault.Operation) == before {
						return fmt.Errorf("%s: Atlas got no request", b.name)
					}
					return nil
				})
				remove()
			}

			reload := func(configText, secretText string) string {
				harness.WriteFile(t, configFile, configText)
				harness.WriteFile(t, secretFile, secretText)
				return ask(t, http.MethodPost, exporter.URL()+"/-/reload")
			}
			for _, bad := range []string{
				good + secret, good + secret + ": x", good + "? " + secret, good + "\t" + secret,
				strings.Replace(good, "max_retries: 0", "max_retries: "+secret, 1),
				strings.Replace(good, "max_retries: 0", secret+": 0", 1),
				strings.Replace(good, "base_url: http://", "base_url: http://user:"+secret+"@", 1),
				strings.Replace(good, "base_url: http://", "base_url: "+secret, 1),
				strings.Replace(good, "_file: "+secretFile, ": ["+secret+"]", 1),
				strings.Replace(good, "_file: "+secretFile, " "+secret, 1),
				strings.Replace(good, "_file: "+secretFile, ": "+secret+", more: x", 1),
			} {
				if answer := reload(bad, secret); !strings.HasPrefix(answer, "500 ") {
					t.Errorf("a bad file is accepted: %s", strings.ReplaceAll(bad, secret, "<the secret>"))
				} else {
					c.keeps(t, "the answer to a reload", answer)
				}
			}
			c.keeps(t, "the answer to a reload with a bad secret file", reload(good, secret+"\n"+secret))
			c.keeps(t, "the answer to a reload", reload(good, secret))

			before := c.atlas.Count("")
			c.atlas.Inject(atlassim.Fault{Delay: time.Hour})
			go func() { _, _ = http.Get(exporter.URL() + "/metrics") }() //nolint:noctx // it ends with the exporter
			harness.Eventually(t, func() error {
				if c.atlas.Count("") == before {
					return fmt.Errorf("no request hangs")
				}
				return nil
			})
			if err := exporter.Signal(syscall.SIGQUIT); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_ = exporter.Wait(ctx) // it was killed, which is an error
			logs := exporter.Logs()
			c.keeps(t, "the log", logs)
			for _, proof := range []string{"SIGQUIT: quit", "goroutine ", "debug", "list_backup_restores", "<secret>"} {
				if !strings.Contains(logs, proof) {
					t.Errorf("the log has no %q: this test proves nothing", proof)
				}
			}
		})
	}
}

// TestCommandsKeepSecrets runs check and trigger while Atlas echoes the requests, and every command that prints something
// about itself with secrets in the environment.
func TestCommandsKeepSecrets(t *testing.T) {
	t.Parallel()
	harness.NotShort(t, "it makes hundreds of requests and runs")
	c := newConfidence(t)
	account := []string{"MONGODB_ATLAS_BASE_URL=" + c.url, "MONGODB_ATLAS_CLIENT_ID=" + clientID, "MONGODB_ATLAS_CLIENT_SECRET=" + clientSecret}
	key := []string{"MONGODB_ATLAS_BASE_URL=" + c.url, "MONGODB_ATLAS_PUBLIC_KEY=" + publicKey, "MONGODB_ATLAS_PRIVATE_KEY=" + privateKey}
	configFile := harness.WriteFile(t, filepath.Join(t.TempDir(), "config.yml"), "atlas: {max_retries: 0}\n")
	program := harness.BuildExporter(t) // once: there are many runs
	run := func(when string, env []string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, append(slices.Clip(args), "--log.level=debug")...)
		cmd.Env = env                     // and nothing else
		output, _ := cmd.CombinedOutput() // some fail
		if len(output) == 0 || strings.Contains(string(output), "DATA RACE") {
			t.Errorf("%s: %v: %s", when, args, output)
		}
		c.keeps(t, when+": "+strings.Join(args, " "), string(output))
	}
	project := c.atlas.Organization().Projects()[0].ID
	trigger := []string{"trigger", "--config.file=" + configFile, "--project=" + project, "--pipeline=orders", "--snapshot-id=6a7953692c88faeba59d5e01"}
	for _, env := range [][]string{account, key} {
		run("all is well", env, "check", "--config.file="+configFile)
		run("all is well", env, trigger...)
	}
	for _, b := range betrayals() {
		remove := c.atlas.Inject(b.fault)
		run(b.name, account, "check", "--config.file="+configFile, "--format=json")
		run(b.name, key, "check", "--config.file="+configFile)
		switch b.name {
		case "status 301", "status 400", "a refused token": // after others, trigger looks for the run for a long time
			run(b.name, account, trigger...)
		}
		remove()
	}
	for _, env := range [][]string{account, key, slices.Concat(account, key), account[:2], {account[2]}, {key[2]}} {
		for _, args := range [][]string{
			{"--help"},
			{"--version"},
			{"check", "--help"},
			{"check", "--offline"},
			{"check", "--offline", "--format=json"},
			append(slices.Clip(trigger), "--dry-run"),
			append(slices.Clip(trigger), "--dry-run", "--format=json"),
			{"--nonsense"},
			{"healthcheck", "--address=127.0.0.1:1"},
		} {
			run("by itself", env, args...)
		}
	}
	for _, url := range []string{"http://user:" + clientSecret + "@127.0.0.1", "https://127.0.0.1?" + clientSecret, clientSecret, "http://192.0.2.1"} {
		run("a bad URL", append(slices.Clip(account), "MONGODB_ATLAS_BASE_URL="+url), "check", "--config.file="+configFile)
	}
}

// TestCredentialsStayOffTheNetwork checks that plain http to another machine is refused before anything is sent.
func TestCredentialsStayOffTheNetwork(t *testing.T) {
	t.Parallel()
	program := harness.BuildExporter(t)
	env := []string{"MONGODB_ATLAS_BASE_URL=http://192.0.2.1", "MONGODB_ATLAS_CLIENT_ID=" + clientID, "MONGODB_ATLAS_CLIENT_SECRET=" + clientSecret}
	for _, args := range [][]string{nil, {"check"}, {"trigger", "--project=32b6e34b3d91647abb20e7b8", "--pipeline=p", "--snapshot-id=6a7953692c88faeba59d5e01"}} {
		out := harness.RunProgram(t, program, env, append(slices.Clip(args), "--log.level=debug")...)
		if out.ExitCode != 1 || !strings.Contains(out.Stdout+out.Stderr, "plain http would send credentials in the clear") || strings.Contains(out.Stderr, "msg=call") {
			t.Errorf("%v: exit code %d: %s%s", args, out.ExitCode, out.Stdout, out.Stderr)
		}
	}
}
