//! Text whose type says what it is for, read as it was written: what it leads to is checked by who knows more.

use super::{effective::Shown, notation::Notation, scalar::Setting, tree::Value};

/// Where a web address begins; the rest is `keys::address`'s.
pub(super) const ADDRESS: &str = r"^https?://\S+$";

/// Redis's address as text; `store::url` says what else it has to be.
pub(super) fn redis_address() -> Notation {
    Notation::pattern("URL", r"^rediss?://\S+$")
}

/// A path, from the directory of the file.
pub(super) struct FilePath(pub(super) String);

/// A web address.
pub(super) struct Address(pub(super) String);

impl Setting for FilePath {
    fn notation() -> Notation {
        Notation::text("path")
    }

    fn read(value: &Value) -> Result<Self, String> {
        String::read(value).map(Self)
    }

    fn show(&self) -> Shown {
        self.0.show()
    }
}

impl Setting for Address {
    fn notation() -> Notation {
        Notation::pattern("URL", ADDRESS)
    }

    fn read(value: &Value) -> Result<Self, String> {
        String::read(value).map(Self)
    }

    fn show(&self) -> Shown {
        self.0.show()
    }
}
