//! What is compared runs in turn, and one figure comes of many rounds.

use crate::{load::Round, report::median};

pub(crate) const ROUNDS: usize = 7;

/// Both in turn, and a round each before that.
pub(crate) async fn in_turn(
    a: impl AsyncFn() -> Round,
    b: impl AsyncFn() -> Round,
) -> (Vec<Round>, Vec<Round>) {
    // One round each that does not count: connections, caches and branch predictors warm up.
    a().await;
    b().await;
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_a.push(a().await);
        of_b.push(b().await);
    }
    (of_a, of_b)
}

/// The median of a figure of each round.
pub(crate) fn medians(rounds: &[Round], figure: impl Fn(Round) -> f64) -> f64 {
    median(&rounds.iter().map(|round| figure(*round)).collect::<Vec<_>>())
}

/// The median of the ratios of neighbours, which a slow change of the machine's speed does not move.
pub(crate) fn ratios(a: &[Round], b: &[Round], figure: impl Fn(Round) -> f64) -> f64 {
    median(&a.iter().zip(b).map(|(a, b)| figure(*a) / figure(*b)).collect::<Vec<_>>())
}
