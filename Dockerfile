# syntax=docker/dockerfile:1

# Go cross-compiles: the build stage runs on the builder's own platform, without emulation.
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src

COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download

COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=unknown
ARG REVISION=unknown
ARG BRANCH=unknown
ARG BUILD_DATE=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -o /out/mongodbatlas_backup_exporter \
    -ldflags "-s -w \
      -X github.com/prometheus/common/version.Version=$VERSION \
      -X github.com/prometheus/common/version.Revision=$REVISION \
      -X github.com/prometheus/common/version.Branch=$BRANCH \
      -X github.com/prometheus/common/version.BuildUser=docker \
      -X github.com/prometheus/common/version.BuildDate=$BUILD_DATE" \
    .

# The image holds the program, the certificates of the public authorities, and the licences. The program writes no file, so
# the root file system can be read-only and every capability dropped.
FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
ARG BUILD_DATE=unknown
LABEL org.opencontainers.image.title="mongodbatlas_backup_exporter" \
      org.opencontainers.image.description="Prometheus exporter for MongoDB Atlas backups: snapshots, exports and restores" \
      org.opencontainers.image.url="https://github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter" \
      org.opencontainers.image.source="https://github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter" \
      org.opencontainers.image.documentation="https://github.com/mongodbatlas-backup-exporter/mongodbatlas_backup_exporter/blob/main/docs/deploy.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$BUILD_DATE"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE THIRD_PARTY_LICENSES /
COPY --from=build /out/mongodbatlas_backup_exporter /mongodbatlas_backup_exporter

# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 9972
# The image has no shell and no curl: the program asks itself. Kubernetes has its own probes, and the OCI format drops this.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/mongodbatlas_backup_exporter", "healthcheck"]
ENTRYPOINT ["/mongodbatlas_backup_exporter"]
