# syntax=docker/dockerfile:1

# Countersign, as one program on a base without a shell:
#
#   docker build --tag registry.example/countersign:0.1.0 .
#
# `make image` does the same where there is no container engine, and checks that the program finds everything it links with in
# the base. What the steps run is in scripts/image-steps.sh.

# The same Debian as the base below, so that the program needs no newer glibc than there is.
FROM rust:1.95-trixie AS build
WORKDIR /src
COPY scripts/image-steps.sh scripts/
RUN scripts/image-steps.sh tools
# Downloaded again only when the lock file changes.
COPY Cargo.toml Cargo.lock ./
RUN scripts/image-steps.sh fetch
COPY . .
# The mount keeps what dependencies were compiled to from one build to the next. One build at a time: another checkout's would
# put its program in the place of this one's.
RUN --mount=type=cache,target=/src/target,sharing=locked scripts/image-steps.sh build /out

FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /out/countersign /usr/local/bin/countersign
COPY --from=build /out/countersign.cdx.json /src/LICENSE /usr/share/doc/countersign/
USER 65532:65532
EXPOSE 50051 9090
# Kubernetes has probes of its own, and ignores this.
HEALTHCHECK --start-period=20s CMD ["/usr/local/bin/countersign", "healthcheck", "--config", "/etc/countersign/config/countersign.yaml"]
ENTRYPOINT ["/usr/local/bin/countersign"]
CMD ["serve", "--config", "/etc/countersign/config/countersign.yaml"]
