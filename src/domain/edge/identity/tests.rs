use serde_json::json;

use super::*;
use crate::domain::testing::{ISSUER, NOW, claims_with, verified};

fn headers(claims: &serde_json::Value, settings: &EdgeSettings) -> Vec<(String, String)> {
    let token = verified(&claims_with(claims));
    let identity = Identity::of(&token, settings);
    identity.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn one(claims: &serde_json::Value, settings: &EdgeSettings, name: &str) -> Option<String> {
    headers(claims, settings).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

#[test]
fn each_field_has_its_header_and_what_is_not_there_has_none() {
    let claims = json!({"scope": "read write", "roles": ["admin", "dev"], "org_id": "o1"});
    let all = headers(&claims, &EdgeSettings::default());
    let expected = [
        ("x-auth-subject", "alice".to_owned()),
        ("x-auth-issuer", ISSUER.to_owned()),
        ("x-auth-expires", (NOW + 3600).to_string()),
        ("x-auth-session", "s1".to_owned()),
        ("x-auth-organization", "o1".to_owned()),
        ("x-auth-roles", "admin,dev".to_owned()),
        ("x-auth-scopes", "read,write".to_owned()),
    ];
    assert_eq!(all, expected.map(|(name, value)| (name.to_owned(), value)));
    let bare = headers(&json!({"sid": null}), &EdgeSettings::default());
    assert_eq!(
        bare.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["x-auth-subject", "x-auth-issuer", "x-auth-expires"]
    );
}

#[test]
fn nothing_in_a_claim_ends_a_header_or_looks_like_two_entries() {
    let settings = EdgeSettings::default();
    let subject = |subject: &str| one(&json!({"sub": subject}), &settings, "x-auth-subject").unwrap();
    assert_eq!(subject("auth0|1 2%,x"), "auth0|1%202%25,x");
    assert_eq!(subject("a\r\nx-auth-roles: admin\u{0}\t"), "a%0D%0Ax-auth-roles:%20admin%00%09");
    assert_eq!(subject("Zo\u{eb}"), "Zo%C3%AB");
    let claims = json!({"roles": ["a,admin", "b c", ""]});
    assert_eq!(one(&claims, &settings, "x-auth-roles").unwrap(), "a%2Cadmin,b%20c,");
}

#[test]
fn lists_can_be_json_in_visible_ascii() {
    let settings = EdgeSettings { lists: ListFormat::Json, ..EdgeSettings::default() };
    let claims = json!({"roles": ["a,b", "\"q\"", "Zo\u{eb}\u{1f600}\n\u{7f}"]});
    let value = one(&claims, &settings, "x-auth-roles").unwrap();
    assert_eq!(value, r#"["a,b","\"q\"","Zo\u00eb\ud83d\ude00\n\u007f"]"#);
    let read: Vec<String> = serde_json::from_str(&value).unwrap();
    assert_eq!(read, ["a,b", "\"q\"", "Zo\u{eb}\u{1f600}\n\u{7f}"]);
}

#[test]
fn what_there_is_no_room_for_is_left_out_and_named() {
    let settings = EdgeSettings { max_identity_bytes: 256, ..EdgeSettings::default() };
    let claims = json!({"roles": ["r".repeat(200)], "scope": "read"});
    let all = headers(&claims, &settings);
    let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert!(!names.contains(&"x-auth-roles") && names.contains(&"x-auth-scopes"), "{names:?}");
    assert_eq!(all.last().unwrap(), &("x-auth-omitted".to_owned(), "roles".to_owned()));
    let bytes: usize = all.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(bytes <= 256, "{bytes}");
}

#[test]
fn e2_every_other_spelling_is_removed_and_none_that_is_set() {
    let settings = EdgeSettings::default();
    let token = verified(&claims_with(&json!({"sid": null})));
    let identity = Identity::of(&token, &settings);
    let removed: Vec<_> = identity.removed(&settings).collect();
    assert!(!removed.contains(&"x-auth-subject"));
    for gone in ["x_auth_subject", "x-auth_subject", "x-auth-session", "x-auth-roles", "x_auth_omitted"] {
        assert!(removed.contains(&gone), "{gone}");
    }
    assert_eq!(removed.len(), 8 * 4 - 3);
    assert_eq!(Identity::none().removed(&settings).count(), 8 * 4);
}
