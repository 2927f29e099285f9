//! Medians, and a table.

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// One row: the measured figure against its budget.
pub(crate) fn row(what: &str, figure: &str, budget: &str, met: bool) {
    println!("{what:<44} {figure:>26}   budget {budget:<12} {}", if met { "met" } else { "MISSED" });
}

pub(crate) fn note(text: &str) {
    println!("    {text}");
}
