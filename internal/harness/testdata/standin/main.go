// Command standin is a server like the exporter, for the tests of package harness.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/prometheus/exporter-toolkit/web"
)

func main() {
	address := flag.String("web.listen-address", "", "where to listen")
	webConfig := flag.String("web.config.file", "", "TLS")
	exit := flag.Int("exit", -1, "exit immediately with this code")
	race := flag.Bool("race", false, "cause a data race")
	flag.Parse()
	fmt.Println("printed")
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "MONGODB_ATLAS_") {
			logger.Info(variable)
		}
	}
	if *race {
		meetDataRace()
	}
	if *exit >= 0 {
		os.Exit(*exit)
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for range hangups {
			logger.Info("hung up")
		}
	}()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "standin 1")
	})}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		<-terminated
		logger.Info("terminated")
		server.Close()
	}()
	err := web.ListenAndServe(server, &web.FlagConfig{
		WebListenAddresses: &[]string{*address},
		WebSystemdSocket:   new(bool),
		WebConfigFile:      webConfig,
	}, logger)
	if err != http.ErrServerClosed {
		logger.Error(err.Error())
		os.Exit(1)
	}
}

func meetDataRace() {
	shared, done := 0, make(chan struct{})
	go func() { shared++; close(done) }()
	shared++
	<-done
	fmt.Println(shared)
}
