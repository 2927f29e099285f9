//! Every metric that this process exports, registered at zero. Names are API: docs/metrics.md.

mod checks;
mod durability;
mod feed;
mod refreshes;
mod reloads;
mod requests;
mod revocations;
mod revokes;
mod sights;
mod spans;
mod striped;
mod validations;

pub use prometheus_client::registry::Registry;
use prometheus_client::{encoding::text, metrics::family::Family};

pub use checks::CheckMetrics;
pub use durability::DurabilityMetrics;
pub use feed::{Compared, FeedMetrics, ReadReason};
pub use refreshes::{RefreshMetrics, RefreshOutcome, UpstreamOutcome};
pub use reloads::ReloadMetrics;
pub use requests::RequestMetrics;
pub use revocations::RevocationMetrics;
pub use revokes::{RevokeMetrics, RevokeOutcome};
pub use sights::SightMetrics;
pub use spans::SpanMetrics;
pub use striped::{Counter, Histogram, Striped};
pub use validations::ValidationMetrics;

/// The label set of a family: names and values that are known when the process starts.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// An empty registry; every name in it begins with `countersign_`. Each part of the process registers its metrics here
/// while it is built, then the whole goes to the admin port.
pub fn registry() -> Registry {
    Registry::with_prefix("countersign")
}

/// The OpenMetrics text of everything in the registry.
pub fn exposition(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail, and half an exposition has no `# EOF`, which every reader refuses.
    if text::encode(&mut text, registry).is_err() {
        tracing::error!("metrics could not be encoded");
    }
    text
}

/// A counter of a family, made now, so that it is exported as zero, and counted later without a lookup.
fn counter<const N: usize>(family: &Family<Labels<N>, Counter>, labels: Labels<N>) -> Counter {
    family.get_or_create_owned(&labels)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        api::grpc::methods, issuer::KeyMetrics, service::propagate::PropagationMetrics, store::UnfitKind,
    };

    /// Everything that `app` registers. Whoever adds metrics adds them here and in docs/metrics.md.
    fn full_registry() -> Registry {
        let mut registry = registry();
        CheckMetrics::register(&mut registry);
        RequestMetrics::register(&mut registry, methods::names());
        ValidationMetrics::register(&mut registry);
        ReloadMetrics::register(&mut registry);
        RevocationMetrics::register(&mut registry);
        RefreshMetrics::register(&mut registry);
        RevokeMetrics::register(&mut registry);
        FeedMetrics::register(&mut registry);
        DurabilityMetrics::register(&mut registry, UnfitKind::ALL.map(UnfitKind::word));
        SightMetrics::register(&mut registry);
        let keys = KeyMetrics::register(&mut registry);
        keys.for_issuer("idp");
        keys.introspections().for_issuer("idp");
        PropagationMetrics::register(&mut registry);
        SpanMetrics::of_process().register(&mut registry);
        registry
    }

    /// Names as a reader of the page would write them in a query: counters end in `_total`.
    fn exported(text: &str) -> BTreeSet<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .filter_map(|line| line.split_once(' '))
            .map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() })
            .collect()
    }

    fn documented(page: &str) -> BTreeSet<String> {
        page.lines()
            .filter_map(|line| line.strip_prefix("| `countersign_"))
            .filter_map(|rest| rest.split_once('`'))
            .map(|(name, _)| format!("countersign_{name}"))
            .collect()
    }

    #[test]
    fn docs_metrics_md_names_exactly_what_is_exported() {
        let page = include_str!("../../docs/metrics.md");
        assert_eq!(documented(page), exported(&exposition(&full_registry())));
    }

    #[test]
    fn everything_starts_at_zero() {
        let text = exposition(&full_registry());
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(samples.len() > 100, "{text}");
        for line in samples {
            assert!(line.ends_with(" 0") || line.ends_with(" 0.0"), "{line}");
        }
    }
}
