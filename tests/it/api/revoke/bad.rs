//! What a caller gets wrong: the status, the reason, the field; and nothing is revoked.

use countersign::proto::client::{RevokeRequest, revoke_request::Target};
use prost::Message as _;
use prost_types::Timestamp;
use tonic::Code;

use super::demand;
use crate::{
    api::kit::{ISSUER, Setup, UNREACHABLE, field_of, raw, reason_of, status_in},
    support::tokens::Signer,
};

const REVOKE: &str = "/countersign.v1.TokenService/Revoke";

#[tokio::test]
async fn each_wrong_field_is_named() {
    let setup = Setup::start().await;
    let text = |bytes: usize| "x".repeat(bytes);
    let bob = || demand(Target::Subject("bob".into()));
    let at = |seconds, nanos| Some(Timestamp { seconds, nanos });
    let forged = Signer::es256()
        .named(setup.signer.key_id())
        .access_token(&crate::support::tokens::claims(ISSUER, crate::api::kit::AUDIENCE));
    let unknown = setup.token(|claims| claims["iss"] = "https://nobody.example.test".into());
    let id_like = setup.token(|claims| claims["aud"] = "https://other.example.test".into());
    let cases = [
        ("target", RevokeRequest { issuer: ISSUER.into(), ..RevokeRequest::default() }),
        ("token", demand(Target::Token(String::new()))),
        ("token", demand(Target::Token("not a token".into()))),
        ("token", demand(Target::Token(format!("Bearer {}", setup.good())))),
        ("token", demand(Target::Token(format!("{}=", setup.good())))),
        ("token", demand(Target::Token(text(17 * 1024)))),
        ("token", demand(Target::Token(forged))),
        ("token", RevokeRequest { issuer: String::new(), ..demand(Target::Token(unknown)) }),
        ("issuer", RevokeRequest { issuer: UNREACHABLE.into(), ..demand(Target::Token(id_like)) }),
        ("token_id", demand(Target::TokenId(String::new()))),
        ("token_id", demand(Target::TokenId(setup.good()))),
        ("session_id", demand(Target::SessionId(text(1025)))),
        ("subject", demand(Target::Subject(String::new()))),
        ("client_id", demand(Target::ClientId(text(1025)))),
        ("all_of_issuer", demand(Target::AllOfIssuer(false))),
        ("issuer", RevokeRequest { issuer: String::new(), ..bob() }),
        ("issuer", RevokeRequest { issuer: format!("{ISSUER}/"), ..bob() }),
        ("not_before", RevokeRequest { not_before: at(253_402_300_799, 0), ..bob() }),
        ("not_before", RevokeRequest { not_before: at(253_402_300_800, 0), ..bob() }),
        ("not_before", RevokeRequest { not_before: at(-1, 0), ..bob() }),
        ("not_before", RevokeRequest { not_before: at(1, -1), ..bob() }),
        ("not_before", RevokeRequest { not_before: at(1, 0), ..demand(Target::SessionId("s".into())) }),
        ("except_session_id", RevokeRequest { except_session_id: text(1025), ..bob() }),
        (
            "except_session_id",
            RevokeRequest { except_session_id: "s".into(), ..demand(Target::AllOfIssuer(true)) },
        ),
        ("reason", RevokeRequest { reason: text(513), ..bob() }),
    ];
    for (at, (field, request)) in cases.into_iter().enumerate() {
        let Err(status) = setup.try_revoke(request).await else {
            panic!("case {at} ({field}) was revoked");
        };
        assert_eq!(status.code(), Code::InvalidArgument, "case {at}: {status:?}");
        assert_eq!(
            (reason_of(&status).as_str(), field_of(&status).as_str()),
            ("INVALID_FIELD", field),
            "case {at}"
        );
    }
    setup.passes(&setup.of("bob", "s", "app")).await;
}

#[tokio::test]
async fn a_token_whose_issuers_keys_are_out_of_reach_cannot_be_told() {
    let setup = Setup::start().await;
    let target = Target::Token(setup.undecidable());
    let request = RevokeRequest { issuer: String::new(), ..demand(target) };
    let status = status_in(setup.try_revoke(request).await);
    assert_eq!((status.code(), reason_of(&status).as_str()), (Code::Unavailable, "KEYS_UNAVAILABLE"));
}

#[tokio::test]
async fn two_targets_on_the_wire_are_one_too_many() {
    let setup = Setup::start().await;
    let channel = setup.service.channel().await;
    let (bob, carol) = (demand(Target::Subject("bob".into())), demand(Target::Subject("carol".into())));
    let session = demand(Target::SessionId("s-1".into()));
    for second in [&session, &carol, &bob] {
        // A decoder takes the last one and is silent about the other.
        let bytes = [bob.encode_to_vec(), second.encode_to_vec()].concat();
        let status = status_in(raw(&channel, REVOKE, bytes).await);
        assert_eq!((status.code(), field_of(&status).as_str()), (Code::InvalidArgument, "target"));
    }
    for token in [setup.of("bob", "s-1", "app"), setup.of("carol", "s-2", "app")] {
        setup.passes(&token).await;
    }
    assert!(raw(&channel, REVOKE, bob.encode_to_vec()).await.is_ok());
}
