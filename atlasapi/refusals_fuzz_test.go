package atlasapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The credentials of the client, and their placeholders in a fuzzed answer, which repeats the credentials there.
const (
	fuzzedClientID     = "mdb_sa_id_65e2c0ffee"
	fuzzedClientSecret = "mdb_sa_sk_VeryPrivate-1_2"
	fuzzedToken        = "token-of-the-day.VeryPrivate"
	echo               = "ECHO"
)

// echoed replaces the placeholders in an answer by the credentials.
func echoed(s, credentials string) string { return strings.ReplaceAll(s, echo, credentials) }

// checkFailure checks the error of a refused request against its promises, and its kind against the second table below.
func checkFailure(t *testing.T, err error, endpoint string, status int, credentials ...string) *Error {
	t.Helper()
	failure, ok := errors.AsType[*Error](err)
	if !ok || failure.Endpoint != endpoint || failure.Status != status || failure.Err != nil {
		t.Fatalf("%+v", err)
	}
	if len(failure.Code) > 100 || strings.Trim(failure.Code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") != "" {
		t.Errorf("the code is %q, which the page would show", failure.Code)
	}
	if wait := time.Until(failure.RetryAt); wait > time.Hour || !failure.RetryAt.IsZero() && wait < -time.Minute {
		t.Errorf("retry after %s", wait)
	}
	for _, secret := range credentials {
		for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", *failure)} {
			if strings.Contains(shown, secret) {
				t.Errorf("%q shows %q", shown, secret)
			}
		}
	}
	return failure
}

// kindTable contains the kinds of failure by status and code, as promised to users. The first match counts.
func kindTable(status int, code string) Kind {
	table := []struct {
		statuses []int
		codes    []string // each a code, the beginning of one with "*" behind it, or a part of one between two
		kind     Kind
	}{
		{[]int{401, 403}, []string{"*ACCESS_LIST*", "*WHITELIST*"}, KindIPNotAllowed},
		{[]int{403}, nil, KindForbidden},
		{[]int{401}, []string{"USER_UNAUTHORIZED", "NOT_IN_GROUP", "NOT_IN_ORG", "NOT_ORG_GROUP_CREATOR", "USER_CANNOT_ACCESS_*"}, KindForbidden},
		{[]int{401}, nil, KindUnauthorized},
		{[]int{400}, []string{"CANNOT_USE_*"}, KindFlex},
		{[]int{404}, []string{"BACKUP_CONFIG_NOT_FOUND"}, KindBackupDisabled},
		{[]int{404}, nil, KindNotFound},
		{[]int{408}, nil, KindTimeout},
		{[]int{429}, nil, KindRateLimited},
	}
	for _, row := range table {
		fits := func(pattern string) bool {
			switch middle, isPart := strings.CutPrefix(pattern, "*"); {
			case isPart:
				return strings.Contains(code, strings.TrimSuffix(middle, "*"))
			case strings.HasSuffix(pattern, "*"):
				return strings.HasPrefix(code, strings.TrimSuffix(pattern, "*"))
			}
			return code == pattern
		}
		if slices.Contains(row.statuses, status) && (row.codes == nil || slices.ContainsFunc(row.codes, fits)) {
			return row.kind
		}
	}
	if status >= 500 {
		return KindServerError
	}
	return KindBadResponse
}

// errorCodeAgain reads the code of an error body as the standard library does, or returns "" if there is none. known is false
// if a member occurs twice, because the two readings differ in which counts.
func errorCodeAgain(body []byte) (code string, known bool) {
	tree := parseTree(body)
	if tree == nil || tree.value != (isObject{}) {
		return "", true
	}
	seen := map[string]bool{}
	for _, m := range tree.members {
		if seen[m.name] {
			return "", false
		}
		seen[m.name] = true
	}
	var parts struct {
		Code   *string `json:"errorCode"`
		Detail *string `json:"detail"`
		Bad    *struct {
			Fields []json.RawMessage `json:"fields"`
		} `json:"badRequestDetail"`
	}
	for name := range seen { // the standard library treats these as the same
		if name != "errorCode" && strings.EqualFold(name, "errorCode") || name != "detail" && strings.EqualFold(name, "detail") ||
			name != "badRequestDetail" && strings.EqualFold(name, "badRequestDetail") {
			return "", false
		}
	}
	if json.Unmarshal(body, &parts) != nil {
		return "", true
	}
	if parts.Bad != nil {
		return "", false // the form of its fields is not checked here
	}
	if parts.Code == nil {
		return "", true
	}
	return *parts.Code, true
}

// FuzzErrorAnswer refuses a request, in any way: the kind must be that of the interface's table, Atlas's code must be read,
// and neither the credentials nor anything that is not part of a code may show.
func FuzzErrorAnswer(f *testing.F) {
	for _, seed := range []struct {
		status                   int
		code, retry, to, content string
		body                     string
	}{
		{404, "CLUSTER_NOT_FOUND", "", "", "application/json", `{"detail":"No cluster named c exists in group g.","error":404,"errorCode":"CLUSTER_NOT_FOUND","parameters":["c","g"],"reason":"Not Found"}`},
		{404, "", "", "", "application/json", `{"detail":"No backup.","error":404,"errorCode":"BACKUP_CONFIG_NOT_FOUND"}`},
		{404, "GROUP_NOT_FOUND", "", "", "", `{"errorCode":null,"detail":null,"badRequestDetail":null}`},
		{401, "", "", "", "application/json", `{"error":401,"reason":"Unauthorized","detail":"You are not authorized for this resource.","errorCode":"UNEXPECTED_ERROR"}`},
		{401, "NOT_IN_GROUP", "", "", "", ""},
		{401, "USER_CANNOT_ACCESS_GROUP", "", "", "", "null"},
		{401, "API_KEY_ACCESS_LIST_ACCESS_DENIED", "", "", "", "{}"},
		{403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "", "", "", `{"errorCode":"IP_ADDRESS_NOT_ON_WHITELIST"}`},
		{403, "", "", "", "", `{"errorCode":5,"detail":"` + canary + `"}`},
		{400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", "", "", "", `{"detail":"ECHO","errorCode":"ECHO","badRequestDetail":{"fields":[{"field":"ECHO","description":"ECHO"},{}]}}`},
		{400, "ECHO", "", "", "", `{"badRequestDetail":{"fields":null}}`},
		{400, "", "", "", "", `{"badRequestDetail":{"fields":[5]},"errorCode":"X"}`},
		{429, "RATE_LIMITED_TOKEN_BUCKET", "0", "", "", `{"errorCode":"RATE_LIMITED","parameters":["path","0","1200","500","60"]}`},
		{429, "", "99999999999999999999", "", "", ""},
		{429, "", "-1", "", "", ""},
		{503, "", "Fri, 20 Nov 2099 12:00:00 GMT", "", "text/html", "<html>" + canary + "</html>"},
		{502, "", "120", "", "text/html", "<html>"},
		{408, "", "", "", "", ""},
		{410, "VERSION_GONE", "", "", "", `{"errorCode":"VERSION_GONE"}`},
		{405, "", "", "", "", ""},
		{301, "", "", "https://elsewhere.invalid/ECHO?ECHO", "", ""},
		{302, "", "", "https://ECHO:ECHO@ECHO.invalid/", "", canary},
		{307, "", "", "/api", "", ""},
		{308, "", "", "://ECHO", "", ""},
		{304, "", "", "", "", ""},
		{100, "", "", "", "", ""},
		{599, "", "", "", "", `{"errorCode":"a\u0000b"}`},
		{404, "", "", "", "", `{"errorCode":"` + canary + `","detail":"\ud800"}`},
		{404, "", "", "", "", `{"errorCode":"A","errorCode":"B"}{}`},
		{404, "A B", "", "", "", strings.Repeat(" ", 100) + `{"errorCode":"mdb_sa_sk_abc"}`},
		{404, "", "", "", "", `{"detail":"mdb_sa_sk_` + echo + `mdb_sa_sk_mdb_\u0073a_sk_x"}`},
	} {
		f.Add(seed.status, seed.code, seed.retry, seed.to, seed.content, []byte(seed.body))
	}
	var next func() *http.Response
	client := clientOn(f, Options{}, func(*http.Request) *http.Response { return next() })
	f.Fuzz(func(t *testing.T, status int, code, retry, to, content string, body []byte) {
		status = 100 + int(uint(status)-100)%500
		if status < 100 || status >= 200 && status < 300 || status == http.StatusUnauthorized && len(to) > 0 {
			return
		}
		code, to, body = echoed(code, fuzzedKey), echoed(to, fuzzedKey), []byte(echoed(string(body), fuzzedKey))
		header := http.Header{}
		for name, value := range map[string]string{
			"X-Error-Code": code, "Retry-After": retry, "Location": to, "Content-Type": content,
			// of a key that signed in already, or a 401 would only be asking for that
			"Www-Authenticate": `Digest realm="MMS Public API", domain="", nonce="n", algorithm=MD5, qop="auth", stale=false`,
		} {
			if value != "" {
				header.Set(name, value)
			}
		}
		client.limits = NewLimits()
		next = func() *http.Response { return answering(status, header, body) }
		_, err := client.Projects().Page(t.Context(), 1, MaxPageSize)
		failure := checkFailure(t, err, "list_projects", status, fuzzedKey, "mdb_sa_sk_"+fuzzedKey)
		if want := kindTable(status, failure.Code); failure.Kind != want {
			t.Errorf("%d %q is %s, want %s", status, failure.Code, failure.Kind, want)
		}
		if want, known := errorCodeAgain(body); known && !strings.Contains(want, fuzzedKey) && len(body) <= maxErrorBody {
			if want == "" {
				want = code
			}
			if len(want) <= 100 && strings.Trim(want, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" && failure.Code != want {
				t.Errorf("the code of %q is %q, want %q", body, failure.Code, want)
			}
		}
		if status >= 300 && status < 400 && strings.ContainsAny(failure.Detail, "/?@") {
			t.Errorf("a redirect is reported as %q", failure.Detail)
		}
		if !json.Valid(body) && status >= 400 && failure.Detail != "" {
			t.Errorf("%q of a body that is not JSON is shown", failure.Detail)
		}
	})
}

// FuzzTokenAnswer lets the token endpoint answer anything: a token that is used must be one that the answer contained,
// requested once and used for no longer than stated, and no error may show the credentials or anything of the body, except for
// Atlas's reason of a refusal.
func FuzzTokenAnswer(f *testing.F) {
	for _, seed := range []struct {
		status         int
		content, retry string
		body           string
	}{
		{200, "application/json", "", `{"access_token":"` + fuzzedToken + `","token_type":"Bearer","expires_in":3600}`},
		{200, "application/json;charset=utf-8", "", `{"access_token":"t","token_type":"bearer","expires_in":"600"}`},
		{200, "application/json", "", `{"access_token":"t","expires_in":null}`},
		{200, "application/json", "", `{"access_token":"t","expires_in":0}`},
		{200, "application/json", "", `{"access_token":"t","expires_in":-5}`},
		{200, "application/json", "", `{"access_token":"t","expires_in":9223372036854775807}`},
		{200, "application/json", "", `{"access_token":"t","expires_in":1e3}`},
		{200, "application/json", "", `{"access_token":"t","expires_in":1}`},
		{200, "application/json", "", `{"access_token":"","expires_in":3600}`},
		{200, "application/json", "", `{"access_token":null}`},
		{200, "application/json", "", `{"access_token":5}`},
		{200, "application/json", "", `{"access_token":"a\nb"}`},
		{200, "application/json", "", `{"access_token":"a b é","token_type":"MAC"}`},
		{200, "application/json", "", `{"Access_Token":"t"}`},
		{200, "application/json", "", ""},
		{200, "application/json", "", "null"},
		{200, "application/json", "", `["` + canary + `"]`},
		{200, "application/x-www-form-urlencoded", "", "access_token=t&expires_in=100&token_type=bearer"},
		{200, "text/plain", "", "access_token=t&expires_in=-100"},
		{200, "text/html", "", "<html>" + canary + "</html>"},
		{200, "application/json", "", `{"access_token":"ECHO"}`},
		{200, "application/json", "", `{"access_token":"` + canary},
		{200, "application/json", "", `{"error":"invalid_client","error_description":"` + canary + `"}`},
		{204, "", "", ""},
		{401, "application/json", "", `{"error":"invalid_client","error_description":"Invalid ECHO"}`},
		{400, "application/json", "", `{"error":"unsupported_grant_type","error_uri":"` + canary + `"}`},
		{403, "application/json", "", `{"error":"access_denied","error_description":"mdb_sa_sk_other"}`},
		{429, "application/json", "600", `{"error":"ECHO"}`},
		{403, "application/json", "", `{"detail":"IP","error":403,"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST"}`},
		{503, "text/html", "Fri, 20 Nov 2099 12:00:00 GMT", "<html>"},
		{500, "", "-1", "null"},
		{302, "", "", ""},
		{400, "application/x-www-form-urlencoded", "", "error=ECHO&error_description=ECHO"},
	} {
		f.Add(seed.status, seed.content, seed.retry, []byte(seed.body))
	}
	var next func() *http.Response
	asked := 0
	client := clientOn(f, Options{}, func(*http.Request) *http.Response {
		asked++
		return next()
	})
	basic := base64.StdEncoding.EncodeToString([]byte(fuzzedClientID + ":" + fuzzedClientSecret))
	f.Fuzz(func(t *testing.T, status int, content, retry string, body []byte) {
		status = 100 + int(uint(status)-100)%500
		if status < 100 {
			return
		}
		body = []byte(echoed(string(body), fuzzedClientSecret+" "+basic))
		account := NewServiceAccount(fuzzedClientID, fuzzedClientSecret)
		client.credentials, client.limits, asked = account, NewLimits(), 0
		next = func() *http.Response {
			header := http.Header{}
			for name, value := range map[string]string{"Content-Type": content, "Retry-After": retry} {
				if value != "" {
					header.Set(name, value)
				}
			}
			return answering(status, header, body)
		}
		before := time.Now()
		token, err := account.current(t.Context(), client)
		until := account.until
		again, errAgain := account.current(t.Context(), client)
		if asked != 1 || again != token || (err == nil) != (errAgain == nil) {
			t.Errorf("requested %d times, for %q and %q (%v, %v)", asked, token, again, err, errAgain)
		}
		if err == nil {
			if token == "" || status < 200 || status > 299 {
				t.Errorf("status %d gives the token %q", status, token)
			}
			checkTokenAgain(t, content, body, token)
			if life := until.Sub(before); life <= 0 || life > 70*365*24*time.Hour {
				t.Errorf("the token is used for %s", life)
			}
			return
		}
		failure, ok := errors.AsType[*Error](err)
		if !ok {
			t.Fatal(err)
		}
		if status >= 200 && status <= 299 || failure.Status == 0 {
			if failure.Kind != KindBadResponse || failure.Error() != "token: the answer is not a token" && !errors.Is(failure, errHTML) {
				t.Errorf("%+v", failure)
			}
			return
		}
		failure = checkFailure(t, err, "token", status, fuzzedClientSecret, basic)
		want := kindTable(status, failure.Code)
		if slices.Contains([]string{"invalid_client", "unauthorized_client", "invalid_grant"}, failure.Code) {
			want = KindUnauthorized
		}
		if failure.Kind != want {
			t.Errorf("%d %q is %s, want %s", status, failure.Code, failure.Kind, want)
		}
	})
}

// checkTokenAgain reads the token of a JSON answer again.
func checkTokenAgain(t *testing.T, content string, body []byte, token string) {
	t.Helper()
	if content != "application/json" {
		return
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		t.Errorf("%q gives a token", body)
	}
	given := false
	for name, raw := range members {
		var text string
		given = given || strings.EqualFold(name, "access_token") && json.Unmarshal(raw, &text) == nil && text == token
	}
	if !given && strings.Count(strings.ToLower(string(body)), "access_token") < 2 && !strings.Contains(string(body), `\`) {
		t.Errorf("%q gives the token %q", body, token)
	}
}
