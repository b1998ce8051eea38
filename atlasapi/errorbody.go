package atlasapi

import (
	"io"
	"net/http"
	"net/mail"
	"net/url"
	"time"

	"github.com/go-faster/jx"
)

// readError turns an answer with a bad status into an *Error. It reads Atlas's own error bodies, whose codes may be
// missing or null, and ignores any other body, such as a proxy's page.
func (c *Client) readError(op *operation, resp *http.Response) error {
	failure := &Error{
		Endpoint:   op.name,
		Status:     resp.StatusCode,
		RetryAt:    retryAt(resp.Header),
		challenges: resp.Header.Values("Www-Authenticate"),
	}
	if body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)); err == nil {
		decode := decodeError
		if op == opToken {
			decode = decodeTokenError
		}
		if decodeDocument(body, decode, failure) != nil {
			failure.Code, failure.Detail, failure.Fields = "", "", nil
		}
	}
	if failure.Code == "" {
		failure.Code = resp.Header.Get("X-Error-Code")
	}
	failure.Code = errorCode(c.redact(resp.Request, failure.Code))
	failure.Detail = c.redact(resp.Request, failure.Detail)
	for i := range failure.Fields {
		field := &failure.Fields[i]
		field.Field, field.Description = c.redact(resp.Request, field.Field), c.redact(resp.Request, field.Description)
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		failure.Detail = "a redirect, which is not followed"
		if to, err := url.Parse(resp.Header.Get("Location")); err == nil && to.Host != "" {
			failure.Detail += ", to " + c.redact(resp.Request, to.Host)
		}
	}
	failure.Kind = kindOfStatus(failure.Status, failure.Code)
	if op == opToken && isClientCode(failure.Code) {
		failure.Kind = KindUnauthorized
	}
	return failure
}

func decodeError(d *jx.Decoder, e *Error) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "errorCode":
			return str(d, &e.Code)
		case "detail":
			return str(d, &e.Detail)
		case "badRequestDetail":
			return nullable(d, func() error {
				return only(d, "fields", func() error { return array(d, &e.Fields, decodeFieldError) })
			})
		}
		return d.Skip()
	})
}

func decodeFieldError(d *jx.Decoder, f *FieldError) error {
	return object(d, func(d *jx.Decoder, name []byte) error {
		switch string(name) {
		case "field":
			return str(d, &f.Field)
		case "description":
			return str(d, &f.Description)
		}
		return d.Skip()
	})
}

// errorCode returns a code in the form of Atlas's or OAuth's codes, "" for anything else, because codes become labels
// and appear on the page.
func errorCode(s string) string {
	if len(s) > 100 {
		return ""
	}
	for _, c := range s {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return ""
		}
	}
	return s
}

// parseSunset parses the date on which an API version ends. Atlas sends an HTTP date whose day is not padded ("Thu, 1
// Jul 2027 00:00:00 GMT"). http.ParseTime rejects that; mail.ParseDate accepts it.
func parseSunset(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	at, err := mail.ParseDate(s)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
