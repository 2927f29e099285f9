//! The Helm chart: what it renders, what it refuses, and whether that is what Kubernetes, Envoy's control planes, Prometheus and the
//! service itself take.

mod alerts;
mod configuration;
mod contradictions;
mod envoy;
mod image;
mod kit;
mod manifests;
mod mesh;
mod network;
mod probe;
mod refusals;
mod restricted;
mod sidecar;
mod volume;
