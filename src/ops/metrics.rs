//! Every metric that this process exports, registered at zero. Names are API: docs/metrics.md.
