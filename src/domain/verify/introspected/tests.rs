use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::domain::{
    decide::{Requirements, decide},
    introspection::Introspection,
    policy::AudienceClaim,
    revocation::{
        Reach, TargetKind,
        check::{Known, LastCheck, check},
    },
    testing::{ISSUER, NOW, at, policy},
};

const TOKEN: &str = "opaque_0123456789";

/// What an issuer says of a good token.
fn answer() -> Value {
    json!({
        "active": true, "token_type": "Bearer", "iss": ISSUER, "aud": "api", "sub": "alice", "client_id": "web",
        "sid": "s1", "jti": "t1", "scope": "read write", "iat": NOW - 60, "exp": NOW + 3600,
    })
}

/// The same, with others in the place of some; `null` takes one away.
fn but(others: &Value) -> Value {
    let mut answer = answer();
    for (name, value) in others.as_object().unwrap() {
        answer[name] = value.clone();
    }
    answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    answer
}

fn received(answer: &Value) -> UnverifiedAnswer {
    match Introspection::received(answer.to_string().into_bytes()) {
        Ok(Introspection::Active(answer)) => answer,
        Ok(Introspection::Inactive) | Err(_) => panic!("{answer}"),
    }
}

/// No revocations but one.
struct Only(Option<Target>);

impl Known for Only {
    fn generation(&self) -> u64 {
        1
    }

    fn has_any(&self, kind: TargetKind) -> bool {
        self.0.is_some_and(|target| target.kind() == kind)
    }

    fn find(&self, target: &Target) -> Option<Reach> {
        (self.0 == Some(*target)).then_some(Reach::All)
    }
}

/// What becomes of it at `now`, if so much was revoked; `None`: it passes.
fn judged(answer: &Value, policy: &IssuerPolicy, revoked: Option<Target>, now: UnixTime) -> Option<Reason> {
    let (answer, policy) = (received(answer), Arc::new(policy.of_introspection()));
    let token = RawToken::new(TOKEN, 100).unwrap();
    let pass = || {
        let verified = introspected(&answer, token, &policy, at(0))?;
        let current = verified.token().at(now)?;
        let active = check(current, None, &LastCheck::default(), &Only(revoked))?;
        decide(active, &Requirements::of_kind(TokenKind::Access)).map(|_permit| ())
    };
    pass().err().map(|refusal| refusal.reason())
}

#[track_caller]
fn check_all(policy: &IssuerPolicy, cases: &[(Value, Option<Reason>)]) {
    for (others, expected) in cases {
        assert_eq!(judged(&but(others), policy, None, at(0)), *expected, "{others}");
    }
}

#[test]
fn active_alone_proves_nothing() {
    check_all(
        &policy(),
        &[
            (json!({}), None),
            (json!({"token_type": "DPoP"}), None),
            (json!({"token_type": "bearer", "token_use": "access_token"}), None),
            (json!({"token_type": null}), None),
            (json!({"iss": null, "jti": null, "sid": null, "client_id": null, "scope": null}), None),
            (json!({"aud": ["other", "api"]}), None),
            (json!({"iss": "https://other.example"}), Some(Reason::UnknownIssuer)),
            (json!({"iss": [ISSUER]}), Some(Reason::UnknownIssuer)),
            (json!({"iss": format!("{ISSUER}/")}), Some(Reason::UnknownIssuer)),
            (json!({"aud": "other"}), Some(Reason::AudienceMismatch)),
            (json!({"aud": null}), Some(Reason::AudienceMismatch)),
            (json!({"aud": 1}), Some(Reason::ClaimInvalid)),
            (json!({"sub": null}), Some(Reason::ClaimInvalid)),
            (json!({"sub": 7}), Some(Reason::ClaimInvalid)),
            (json!({"scope": 7}), Some(Reason::ClaimInvalid)),
            // A refresh token, as node-oidc-provider introspects it.
            (json!({"aud": null, "token_type": null}), Some(Reason::WrongKind)),
            (json!({"aud": [], "token_type": null}), Some(Reason::WrongKind)),
            (json!({"token_type": "refresh_token"}), Some(Reason::WrongKind)),
            (json!({"token_use": "refresh_token"}), Some(Reason::WrongKind)),
            (json!({"typ": "Refresh"}), Some(Reason::WrongKind)),
            (json!({"typ": "Offline"}), Some(Reason::WrongKind)),
            (json!({"typ": "ID"}), Some(Reason::WrongKind)),
            (json!({"typ": 1}), Some(Reason::WrongKind)),
            (
                json!({"token_type": "urn:ietf:params:oauth:token-type:refresh_token"}),
                Some(Reason::WrongKind),
            ),
            (json!({"token_type": "urn:ietf:params:oauth:token-type:access_token"}), None),
            (json!({"events": {}}), Some(Reason::WrongKind)),
            (json!({"cnf": {"jkt": "x"}}), Some(Reason::BindingMismatch)),
            (json!({"cnf": {}}), Some(Reason::BindingMismatch)),
        ],
    );
}

#[test]
fn times_count_as_those_of_a_signed_token() {
    check_all(
        &policy(),
        &[
            (json!({"exp": NOW - 59}), None),
            (json!({"exp": NOW - 60}), Some(Reason::Expired)),
            (json!({"nbf": NOW + 60}), None),
            (json!({"nbf": NOW + 61}), Some(Reason::NotYetValid)),
            (json!({"iat": NOW + 61}), Some(Reason::NotYetValid)),
            (json!({"exp": "1800003600"}), Some(Reason::ClaimInvalid)),
            (json!({"exp": -1}), Some(Reason::ClaimInvalid)),
            (json!({"exp": NOW + 86_400 - 60}), None),
            (json!({"exp": NOW + 86_400}), Some(Reason::ClaimInvalid)),
            (json!({"exp": NOW + 86_401, "iat": null}), Some(Reason::ClaimInvalid)),
            (json!({"exp": null}), None),
            (json!({"exp": null, "iat": null}), None),
        ],
    );
}

#[test]
fn what_says_no_end_ends_with_the_longest_life_and_what_says_no_beginning_either_may_come_again() {
    let end = |others: &Value| {
        let (answer, policy) = (received(&but(others)), policy());
        let verified =
            introspected(&answer, RawToken::new(TOKEN, 100).unwrap(), &policy, at(0)).ok().unwrap();
        let token = verified.token();
        (
            token.claims().expires_at,
            token.has_end(),
            token.should_refresh(at(0), std::time::Duration::from_mins(1)),
        )
    };
    let day = 86_400;
    assert_eq!(end(&json!({})), (at(3600), true, false));
    assert_eq!(end(&json!({"exp": null})), (at(day - 60), true, false));
    assert_eq!(end(&json!({"exp": null, "iat": null, "nbf": NOW - 10})), (at(day - 10), true, false));
    assert_eq!(end(&json!({"exp": null, "iat": null})), (at(day - 60), false, false));
    assert_eq!(
        judged(&but(&json!({"exp": null, "iat": NOW - day - 60})), &policy(), None, at(0)),
        Some(Reason::Expired)
    );
}

#[test]
fn an_issuer_whose_tokens_say_what_they_are_has_to_say_so_here_too() {
    let mut policy = (*policy()).clone();
    policy.kinds.access.stated = true;
    check_all(
        &policy,
        &[
            (json!({}), None),
            (json!({"token_type": null}), Some(Reason::WrongKind)),
            (json!({"token_type": null, "typ": "Bearer"}), None),
        ],
    );
}

#[test]
fn with_client_ids_for_audiences_an_answer_has_to_say_that_it_is_about_an_access_token() {
    let mut policy = (*policy()).clone();
    policy.audience_claim = AudienceClaim::ClientId;
    policy.audiences = vec!["web".to_owned()];
    check_all(
        &policy,
        &[
            (json!({"aud": null}), None),
            (json!({"aud": null, "client_id": "other"}), Some(Reason::AudienceMismatch)),
            // A refresh token of the right client.
            (json!({"aud": null, "token_type": null}), Some(Reason::WrongKind)),
        ],
    );
}

#[test]
fn an_answer_has_its_own_names_whatever_the_issuers_signed_tokens_call_things() {
    let mut policy = (*policy()).clone();
    for names in [&mut policy.claims.scopes, &mut policy.claims.client_id, &mut policy.claims.token_id] {
        *names = vec![crate::domain::policy::ClaimPath::new("elsewhere")];
    }
    let answer = received(&answer());
    let policy = Arc::new(policy.of_introspection());
    let verified = introspected(&answer, RawToken::new(TOKEN, 100).unwrap(), &policy, at(0)).ok().unwrap();
    let claims = verified.token().claims();
    assert_eq!((claims.client_id(), claims.token_id()), ("web", "t1"));
    assert!(claims.scopes().contains("write"));
    assert_eq!(verified.payload(), answer.bytes(), "as received");
    assert!(!claims.is_of_client);
}

#[test]
fn a_token_without_a_subject_speaks_for_its_client() {
    let mut policy = (*policy()).clone();
    policy.required_claims = vec![];
    let answer = received(&but(&json!({"sub": null})));
    let verified =
        introspected(&answer, RawToken::new(TOKEN, 100).unwrap(), &Arc::new(policy), at(0)).ok().unwrap();
    assert!(verified.token().claims().is_of_client);
}

#[test]
fn every_revocation_reaches_it_and_one_by_its_bytes_too() {
    let token = RawToken::new(TOKEN, 100).unwrap();
    let other = RawToken::new("opaque_012345678X", 100).unwrap();
    let judged = |others: &Value, target| judged(&but(others), &policy(), Some(target), at(0));
    for target in [
        Target::whole_token(ISSUER, token),
        Target::token_id(ISSUER, "t1"),
        Target::session(ISSUER, "s1"),
        Target::subject(ISSUER, "alice"),
        Target::client(ISSUER, "web"),
        Target::issuer(ISSUER),
    ] {
        assert_eq!(judged(&json!({}), target), Some(Reason::Revoked), "{target:?}");
    }
    assert_eq!(judged(&json!({"jti": null}), Target::whole_token(ISSUER, token)), Some(Reason::Revoked));
    for target in [
        Target::whole_token(ISSUER, other),
        Target::whole_token("https://other.example", token),
        Target::token_id(ISSUER, "t2"),
        Target::subject(ISSUER, "bob"),
    ] {
        assert_eq!(judged(&json!({}), target), None, "{target:?}");
    }
}
