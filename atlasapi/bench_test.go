package atlasapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkPages reads a list of three full pages whose newest items come first.
func BenchmarkPages(b *testing.B) {
	page := func(n int) []byte {
		var items []string
		for i := range MaxPageSize {
			items = append(items, fmt.Sprintf(`{"id":"%024x","state":"Successful","createdAt":"2026-08-10T03:28:25Z","finishedAt":"2026-08-10T03:43:05Z","exportStatus":{"exportedCollections":0,"totalCollections":0},"prefix":"%s"}`,
				int64(1<<40)-int64(n*MaxPageSize+i), strings.Repeat("p", 150)))
		}
		links := ""
		if n < 3 {
			links = `{"rel":"next"}`
		}
		return []byte(`{"results":[` + strings.Join(items, ",") + `],"links":[` + links + `]}`)
	}
	bodies := map[string][]byte{"1": page(1), "2": page(2), "3": page(3)}
	c := clientOn(b, Options{}, func(req *http.Request) *http.Response {
		return answering(http.StatusOK, nil, bodies[req.URL.Query().Get("pageNum")])
	})
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for page, err := range c.ExportJobs(fuzzedGroup, "prod").Pages(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(page.Items)
		}
		if n != 3*MaxPageSize {
			b.Fatal(n)
		}
	}
}
