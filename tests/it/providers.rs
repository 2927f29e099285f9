//! Each provider's tokens, in the shapes that it documents, through the real loader (`profile: name`) and validator: the
//! right ones pass with every claim where it belongs, the wrong ones are refused for the right reason.
//!
//! A file a provider, with its configuration and its rows.
#![expect(clippy::too_many_lines, reason = "a table is as long as it has rows")]

mod auth0;
mod cognito;
mod entra;
mod hydra;
mod keycloak;
mod kit;
mod okta;
mod scalekit;
mod supabase;

use std::collections::BTreeSet;

use countersign::domain::{kind::TokenKind, reason::Reason};
use kit::{Expected, Provider, World};

const PROVIDERS: [fn() -> Provider; 8] = [
    scalekit::provider,
    auth0::provider,
    okta::provider,
    keycloak::provider,
    hydra::provider,
    entra::provider,
    cognito::provider,
    supabase::provider,
];

#[tokio::test]
async fn every_providers_tokens_get_their_answers() {
    let mut wrong = Vec::new();
    for provider in PROVIDERS.map(|provider| provider()) {
        let world = World::start(&provider).await;
        for row in &provider.rows {
            // Twice: the second time from the cache, where there is something to cache.
            for pass in ["first", "cached"] {
                let answer = world.ask(row).await;
                if answer != row.expected {
                    wrong.push(format!(
                        "{}: {} ({pass}):\nexpected {:?}\ngot      {answer:?}",
                        provider.profile, row.name, row.expected
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever passes as one kind is refused as the other, without a row for each.
#[tokio::test]
async fn what_passes_as_one_kind_never_passes_as_the_other() {
    for provider in PROVIDERS.map(|provider| provider()) {
        let world = World::start(&provider).await;
        for mut row in provider.rows {
            if matches!(row.expected, Expected::Good(_)) {
                row.kind = match row.kind {
                    TokenKind::Access => TokenKind::Id,
                    TokenKind::Id => TokenKind::Access,
                };
                let refused = Expected::Refused(Reason::WrongKind);
                assert_eq!(world.ask(&row).await, refused, "{}: {}", provider.profile, row.name);
            }
        }
    }
}

/// Otherwise a test above could pass by testing nothing.
#[test]
fn every_provider_has_good_tokens_of_each_kind_and_bad_ones() {
    for provider in PROVIDERS.map(|provider| provider()) {
        let rows = &provider.rows;
        let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), rows.len(), "{}: a name stands twice", provider.profile);
        let good = |kind: TokenKind| {
            rows.iter().filter(|row| row.kind == kind && matches!(row.expected, Expected::Good(_))).count()
        };
        let bad = rows.iter().filter(|row| matches!(row.expected, Expected::Refused(_))).count();
        assert!(good(TokenKind::Access) >= 2 && good(TokenKind::Id) >= 1 && bad >= 5, "{}", provider.profile);
    }
}
