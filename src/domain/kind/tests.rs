use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::domain::json::parse_object;

/// What a parser makes of these claims, whose text is kept for good.
fn claims(value: &Value) -> Object<'static> {
    parse_object(value.to_string().leak().as_bytes()).unwrap()
}

fn paths(names: &[&str]) -> Vec<ClaimPath> {
    names.iter().map(|name| ClaimPath::new(*name)).collect()
}

fn any(names: &[&str]) -> AnyClaim {
    AnyClaim::new(paths(names))
}

fn untyped() -> KindRule {
    KindRule { typ: vec!["JWT".to_owned()], ..KindRule::default() }
}

#[test]
fn one_of_several_claims_is_enough_and_none_is_not() {
    let rule = KindRule { require: vec![any(&["azp", "appid"]), any(&["tid"])], ..untyped() };
    for (fits, value) in [
        (true, json!({"azp": "a", "tid": "t"})),
        (true, json!({"appid": "a", "tid": "t"})),
        (true, json!({"azp": "a", "appid": "a", "tid": "t"})),
        (false, json!({"tid": "t"})),
        (false, json!({"azp": null, "tid": "t"})),
        (false, json!({"azp": "a"})),
    ] {
        assert_eq!(rule.fits(None, &claims(&value)), fits, "{value}");
    }
    assert!(
        !any(&[]).is_in(&claims(&json!({"azp": "a"}))),
        "nothing is enough where there is nothing to choose"
    );
}

#[test]
fn a_kind_that_must_be_stated_is_not_guessed() {
    let stated = || KindRule { stated: true, ..untyped() };
    let rules = KindRules { access: stated(), id: stated(), ..KindRules::default() };
    let (access, id) = (Shape::Kind(TokenKind::Access), Shape::Kind(TokenKind::Id));
    for (expected, value) in [
        (access, json!({"typ": "Bearer"})),
        (access, json!({"typ": "DPoP"})),
        (access, json!({"token_use": "access"})),
        (id, json!({"typ": "ID"})),
        (id, json!({"token_use": "id"})),
        (Shape::Foreign, json!({})),
        (Shape::Foreign, json!({"typ": "Refresh"})),
        (Shape::Foreign, json!({"typ": "Serialized-ID"})),
        (Shape::Foreign, json!({"typ": "Bearer", "token_use": "id"})),
        (Shape::Foreign, json!({"typ": ["Bearer"]})),
    ] {
        assert_eq!(shape(Some("JWT"), &claims(&value), &rules), expected, "{value}");
    }
}

#[test]
fn a_rule_that_asks_for_a_statement_tells_something() {
    assert!(untyped().tells_nothing());
    assert!(!KindRule { stated: true, ..untyped() }.tells_nothing());
}

#[test]
fn a_client_rule_without_claims_marks_no_token() {
    assert!(!ClientRule::default().fits(&claims(&json!({"client_id": "a"}))));
    let service_account = ClientRule { require: vec![any(&["client_id", "clientId"])], forbid: vec![] };
    assert!(service_account.fits(&claims(&json!({"clientId": "a"}))));
    assert!(!service_account.fits(&claims(&json!({"azp": "a"}))));
    let without_user = ClientRule { require: vec![], forbid: paths(&["scp"]) };
    assert!(without_user.fits(&claims(&json!({}))) && !without_user.fits(&claims(&json!({"scp": "read"}))));
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const WORDS: [&str; 6] = ["Bearer", "access", "ID", "id_token", "Refresh", "whatever"];

prop_compose! {
    fn subset()(mask in proptest::bits::u8::between(0, 4)) -> Vec<&'static str> {
        NAMES.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0).map(|(_, name)| *name).collect()
    }
}

prop_compose! {
    fn rule()(require in proptest::collection::vec(subset(), 0..3), forbid in subset(), stated: bool) -> KindRule {
        KindRule { require: require.iter().map(|names| any(names)).collect(), forbid: paths(&forbid), stated, ..untyped() }
    }
}

prop_compose! {
    fn payload()(present in subset(), typ in proptest::option::of(0..WORDS.len())) -> Map<String, Value> {
        let mut members: Map<String, Value> = present.iter().map(|name| ((*name).to_owned(), json!(1))).collect();
        if let Some(word) = typ.and_then(|at| WORDS.get(at)) {
            members.insert("typ".to_owned(), json!(word));
        }
        members
    }
}

proptest! {
    #[test]
    fn a_statement_only_ever_narrows(access in rule(), id in rule(), payload in payload()) {
        let payload = claims(&Value::Object(payload));
        let lenient = |rule: &KindRule| KindRule { stated: false, ..rule.clone() };
        let strict = KindRules { access: access.clone(), id: id.clone(), ..KindRules::default() };
        let fits = |rule: &KindRule| rule.fits(None, &payload);
        match shape(None, &payload, &strict) {
            Shape::Kind(TokenKind::Access) => {
                prop_assert!(fits(&access));
                prop_assert!(!access.stated || stated_use(&payload) == Stated::Access);
                prop_assert!(stated_use(&payload) != Stated::Id);
            }
            Shape::Kind(TokenKind::Id) => {
                prop_assert!(fits(&id));
                prop_assert!(!id.stated || stated_use(&payload) == Stated::Id);
                prop_assert!(stated_use(&payload) != Stated::Access);
            }
            Shape::Foreign => {
                // Whatever was refused for want of a statement alone, was refused by both rules or by ambiguity.
                let without = KindRules { access: lenient(&access), id: lenient(&id), ..KindRules::default() };
                if shape(None, &payload, &without) != Shape::Foreign {
                    prop_assert!(access.stated || id.stated);
                }
            }
        }
    }

    #[test]
    fn two_rules_of_which_one_asks_for_a_statement_never_both_fit(
        access in rule(), id in rule(), payload in payload()
    ) {
        prop_assume!(access.stated || id.stated);
        let payload = claims(&Value::Object(payload));
        let stated = stated_use(&payload);
        let as_access = access.fits(None, &payload) && access.accepts(stated, Stated::Access);
        let as_id = id.fits(None, &payload) && id.accepts(stated, Stated::Id);
        prop_assert!(!(as_access && as_id));
    }
}
