//! The whole configuration: one row for each rule.

use std::path::Path;

use super::*;

fn load(text: &str) -> Result<Loaded, Problems> {
    Config::parse(text, &Environment::default(), Path::new("/nowhere"))
}

#[test]
fn the_examples_are_accepted() {
    for text in
        [include_str!("../../examples/countersign.yaml"), include_str!("../../examples/scalekit.yaml")]
    {
        let loaded = load(text).unwrap_or_else(|problems| panic!("{problems}"));
        println!("{}", loaded.effective);
        assert_eq!(loaded.warnings, []);
    }
}
