//! A key of the configuration: its name, what it does, and what a change of it takes. Who reads a key hands this over,
//! so that no key can be read without a description.

/// A key, or a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it does, in Markdown; links lead from docs/. Bounds and defaults are added from what reading uses.
    pub(super) about: &'static str,
    pub(super) change: Change,
    pub(super) otherwise: Otherwise,
}

/// When a changed value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Reload,
    Restart,
}

/// What counts if the key is left out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Otherwise {
    /// The default that reading uses, if any.
    Default,
    /// The same; another profile may have another.
    Profile,
    /// Something that depends on more than this key.
    Words(&'static str),
}

impl Key {
    /// A key whose change takes effect with a reload.
    pub(super) const fn reload(name: &'static str, about: &'static str) -> Self {
        Self { name, about, change: Change::Reload, otherwise: Otherwise::Default }
    }

    /// A key whose change takes effect with a restart; `changes` holds it to that.
    pub(super) const fn restart(name: &'static str, about: &'static str) -> Self {
        Self { change: Change::Restart, ..Self::reload(name, about) }
    }

    /// Says what counts if it is left out, where that is no value.
    pub(super) const fn or(self, words: &'static str) -> Self {
        Self { otherwise: Otherwise::Words(words), ..self }
    }

    /// Says that the profile decides what counts if it is left out.
    pub(super) const fn or_profile(self) -> Self {
        Self { otherwise: Otherwise::Profile, ..self }
    }
}
