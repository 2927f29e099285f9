//! The environment, read once, and the only place that reads it.

use std::{collections::BTreeMap, fmt};

/// A snapshot of environment variables. Values may be secrets, so that `Debug` shows none.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, Vec<u8>>);

impl Environment {
    /// The variables of this process. Names that are not UTF-8 cannot be asked for and are left out.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os();
        Self(
            variables
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_encoded_bytes())))
                .collect(),
        )
    }

    /// One variable's bytes as they are.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The variables whose names begin so, in the order of their names.
    pub(super) fn beginning<'e>(&'e self, prefix: &'e str) -> impl Iterator<Item = (&'e str, &'e [u8])> {
        self.0
            .iter()
            .filter(move |(name, _)| name.starts_with(prefix))
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }
}

impl<N: Into<String>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_and_no_values() {
        let shown = format!("{:?}", Environment::from_iter([("NAME", "hunter2")]));
        assert_eq!(shown, r#"{"NAME"}"#);
    }

    #[test]
    fn the_process_environment_is_read() {
        assert!(Environment::of_process().bytes("PATH").is_some());
    }
}
