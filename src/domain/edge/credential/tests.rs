use super::{super::request::tests::Listed, *};

fn all() -> Vec<Source> {
    vec![
        Source::Authorization,
        Source::Header("x-token".to_owned()),
        Source::Query("access_token".to_owned()),
    ]
}

/// What a request with these headers and this target shows, in words.
fn found(headers: &[(&'static str, &str)], target: &str, sources: &[Source]) -> String {
    match of(&Listed::of(headers).request("GET", target), sources, &all()) {
        Ok(None) => "none".to_owned(),
        Ok(Some(Credential { token, scheme: Scheme::Bearer, .. })) => token.into_owned(),
        Ok(Some(Credential { token, scheme: Scheme::Dpop, .. })) => format!("dpop {token}"),
        Err(Unusable::Conflict) => "conflict".to_owned(),
        Err(Unusable::Refused(refusal)) => refusal.reason().as_str().to_owned(),
        Err(Unusable::Misspelt(_)) => "misspelt".to_owned(),
    }
}

fn authorization_is(value: &str, expected: &str) {
    assert_eq!(found(&[("authorization", value)], "/", &[Source::Authorization]), expected, "{value:?}");
}

#[test]
fn bearer_and_dpop_are_read_in_any_case() {
    authorization_is("Bearer abc", "abc");
    authorization_is("bearer abc", "abc");
    authorization_is("BEARER   abc ", "abc");
    authorization_is("DPoP abc", "dpop abc");
}

#[test]
fn e3_another_authorization_scheme_is_none() {
    for other in
        ["Basic YTpi", "", "abc", "Bearerabc", "Bearer: abc", "bearer-token abc", "Digest a=\"b\", c=\"d\""]
    {
        authorization_is(other, "none");
    }
}

#[test]
fn what_begins_as_ours_is_never_nobody() {
    for bad in ["Bearer", "Bearer ", "Bearer\tabc", "Bearer\u{0}abc", "Bearer=abc", "bearer,"] {
        let said = found(&[("authorization", bad)], "/", &[Source::Authorization]);
        assert!(["malformed", "conflict"].contains(&said.as_str()), "{bad:?}: {said}");
    }
    // The token itself is looked at by the validator.
    authorization_is("Bearer a\tb", "a\tb");
    let bytes = Listed(vec![("authorization", b"Bearer \xff\xfe".to_vec())]);
    let refused = of(&bytes.request("GET", "/"), &[Source::Authorization], &[]);
    assert!(matches!(refused, Err(Unusable::Refused(_))));
}

#[test]
fn e3_two_different_credentials_are_refused_wherever_they_are() {
    authorization_is("Bearer a,Bearer b", "conflict");
    authorization_is("Bearer a, Bearer b", "conflict");
    authorization_is("Bearer a,DPoP a", "conflict");
    authorization_is("Bearer a,Basic b", "conflict");
    authorization_is("Basic b,Bearer a", "conflict");
    authorization_is("Bearer a,", "conflict");
    authorization_is("Bearer a,b", "conflict");
    let two = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    assert_eq!(found(&two, "/", &all()), "conflict");
    assert_eq!(found(&[("authorization", "Bearer a"), ("x-token", "b")], "/", &all()), "conflict");
    assert_eq!(found(&[("authorization", "DPoP a"), ("x-token", "a")], "/", &all()), "conflict");
    assert_eq!(found(&[("x-token", "a,b")], "/", &all()), "conflict");
    assert_eq!(found(&[("authorization", "Bearer a")], "/?access_token=b", &all()), "conflict");
    assert_eq!(found(&[], "/?access_token=a&access_token=b", &all()), "conflict");
}

#[test]
fn the_same_token_in_two_places_is_one() {
    authorization_is("Bearer a,Bearer a", "a");
    assert_eq!(found(&[("authorization", "Bearer a"), ("x-token", "a")], "/?access_token=a", &all()), "a");
}

#[test]
fn e3_only_the_named_sources_count() {
    let everywhere = [("authorization", "Bearer a"), ("x-token", "b")];
    assert_eq!(found(&everywhere, "/?access_token=c", &[Source::Authorization]), "a");
    assert_eq!(found(&everywhere, "/?access_token=c", &all()[1..2]), "b");
    assert_eq!(found(&everywhere, "/?access_token=c", &all()[2..]), "c");
    assert_eq!(found(&[], "/?access_token=c", &[Source::Authorization]), "none");
}

#[test]
fn an_empty_credential_is_refused_and_not_none() {
    assert_eq!(found(&[("x-token", "")], "/", &all()), "malformed");
    assert_eq!(found(&[("x-token", "a,")], "/", &all()), "malformed");
}

#[test]
fn a_query_is_decoded_and_a_fragment_is_refused() {
    assert_eq!(found(&[], "/?a=b&access_token=x%2Dy", &all()), "x-y");
    assert_eq!(found(&[], "/?a=b#&access_token=x", &all()), "misspelt");
    assert_eq!(found(&[], "/access_token=x", &all()), "none");
    assert_eq!(found(&[], "/?access_token=", &all()), "malformed");
    // Also on a route that does not look there.
    assert_eq!(found(&[], "/?access%5Ftoken=x", &[Source::Authorization]), "misspelt");
}

#[test]
fn only_an_authorization_that_says_one_thing_in_one_way_is_plain() {
    let plain = |value: &str| {
        let headers = Listed::of(&[("authorization", value)]);
        of(&headers.request("GET", "/"), &[Source::Authorization], &[]).ok().flatten().map(|it| it.is_plain)
    };
    assert_eq!(plain("Bearer a"), Some(true));
    for other in ["Bearer  a", "Bearer a ", "Bearer a,Bearer a", "DPoP a"] {
        assert_eq!(plain(other), Some(false), "{other}");
    }
}
