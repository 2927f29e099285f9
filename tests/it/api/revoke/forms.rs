//! R5: one token has several byte forms, and is one token in all of them.

use countersign::proto::client::{Reason, revoke_request::Target};
use tonic::Code;

use super::{demand, without_id};
use crate::{
    api::kit::{Setup, about, ask, field_of, rejection_in, status_in},
    support::tokens::other_s,
};

#[tokio::test]
async fn r5_either_s_of_an_ecdsa_signature_revokes_both() {
    for revoke_the_other in [false, true] {
        let setup = Setup::start().await;
        let token = setup.token(without_id);
        let other = other_s(&token);
        assert_ne!(token, other);
        setup.passes(&token).await;
        setup.passes(&other).await;
        let shown = if revoke_the_other { &other } else { &token };
        setup.revoke(demand(Target::Token(shown.clone()))).await;
        setup.is_revoked(&token).await;
        setup.is_revoked(&other).await;
    }
}

#[tokio::test]
async fn padding_and_loose_bits_make_no_token_neither_to_pass_nor_to_revoke() {
    let setup = Setup::start().await;
    let token = setup.token(without_id);
    let loose = loosened(&token);
    for form in [format!("{token}="), format!("{token}=="), loose] {
        let status = status_in(setup.try_revoke(demand(Target::Token(form.clone()))).await);
        assert_eq!((status.code(), field_of(&status).as_str()), (Code::InvalidArgument, "token"));
        let answer = ask(&mut setup.service.client().await, about(form)).await.unwrap();
        assert_eq!(rejection_in(answer).reason(), Reason::Malformed);
    }
    setup.passes(&token).await;
}

/// The same bytes to a decoder that ignores the last character's bits that mean nothing: 64 bytes end two bits before it.
fn loosened(token: &str) -> String {
    let last = token.chars().next_back().unwrap();
    let loose = match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        'w' => 'x',
        other => panic!("64 bytes do not end in {other}"),
    };
    format!("{}{loose}", &token[..token.len() - 1])
}
