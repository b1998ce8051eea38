package atlasapi

import (
	"strings"
	"testing"
)

func TestCheckProxy(t *testing.T) {
	t.Parallel()
	for value, good := range map[string]bool{
		"":                                 true,
		"proxy":                            true,
		"proxy:3128":                       true,
		"user:Geheim@proxy:3128":           true,
		"http://proxy:3128":                true,
		"http://proxy:3128/":               true,
		"https://u:p%231@proxy":            true,
		"socks5://proxy:1080":              true,
		"socks5h://[2001:db8::1]:1080":     true,
		"%zz":                              false,
		"http://u:Geheim#1@proxy:3128":     false,
		"http://u:1#Geheim@proxy:3128":     false,
		"http://u:Geheim/1@proxy:3128":     false,
		"http://u:1/Geheim@proxy:3128":     false,
		"http://u:Geheim?1@proxy:3128":     false,
		"http://u:1?Geheim@proxy:3128":     false,
		`http://u:Geheim\1@proxy:3128`:     false,
		"http://u:Geheim 1@proxy:3128":     false,
		"http://u:Geheim%1@proxy:3128":     false,
		"u:1#Geheim@proxy:3128":            false,
		"ftp://proxy":                      false,
		"http://":                          false,
		"http://:3128":                     false,
		"://Geheim":                        false,
		"http://proxy:Geheim":              false,
		"socks4://proxy:1080":              false,
		"http://u:Geheim@proxy:3128/#more": false,
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
			t.Run(name+" "+value, func(t *testing.T) {
				t.Parallel()
				err := CheckProxy(func(asked string) string {
					if asked == name {
						return value
					}
					return ""
				})
				if (err == nil) != good {
					t.Fatal(err)
				}
				if err != nil && (!strings.HasPrefix(err.Error(), name+" ") || strings.Contains(err.Error(), "Geheim") || strings.Contains(err.Error(), "zz")) {
					t.Errorf("the error is %q", err)
				}
			})
		}
	}
}
