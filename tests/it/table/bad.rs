//! Tokens that must be refused, each for its own reason.

mod claims;
mod form;
mod key;
mod request;

use countersign::domain::reason::Reason;

use super::{
    Expected, Row,
    mint::{Asked, Mint, World},
};

fn bad(name: &'static str, reason: Reason, mint: &Mint<'_>) -> Row {
    text(name, reason, mint.make())
}

fn text(name: &'static str, reason: Reason, token: impl Into<String>) -> Row {
    Row { name, token: token.into(), asked: Asked::default(), expected: Expected::Refused(reason) }
}

fn asked(name: &'static str, reason: Reason, mint: &Mint<'_>, asked: Asked) -> Row {
    Row { name, token: mint.make(), asked, expected: Expected::Refused(reason) }
}

pub(crate) fn rows(world: &World) -> Vec<Row> {
    [form::rows(world), key::rows(world), claims::rows(world), request::rows(world)]
        .into_iter()
        .flatten()
        .collect()
}
