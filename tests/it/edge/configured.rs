//! What `ext_authz` in the configuration changes.

use serde_json::json;

use super::{
    allowed::identity,
    client::{Answer, get, request},
    envoy::Version,
    scene::{CLOSED, RAW, Scene, bearer},
};

const SECTION: &str = "\
ext_authz:
  sources: [authorization, 'header:x-api-token', 'query:access_token']
  upstream_authorization: access_token
  headers: { subject: x-user, roles: off, expires: off }
  lists: json
  dynamic_metadata: off
  realm: the shop
  resource_metadata: https://api.example.test/.well-known/oauth-protected-resource
  login: { url: 'https://login.example.test/in', return_to: back }
";

#[tokio::test]
async fn the_verified_token_goes_on_wherever_it_was() {
    for version in Version::ALL {
        let scene = Scene::with(version, SECTION).await;
        let token = scene.token(&[]);
        for door in [CLOSED, RAW] {
            let port = scene.envoy.door(door);
            let shown = bearer(&token);
            let in_query = format!("/plain?a=b&access_token={token}&c=d");
            let both = [("authorization", shown.as_str()), ("x-api-token", token.as_str())];
            let strange = format!("bEARER   {token}");
            for (path, headers) in [
                ("/plain", &both[..1]),
                ("/plain", &both[1..]),
                ("/plain", &both[..]),
                ("/plain", &[("authorization", strange.as_str())]),
                ("/sources", &both[1..]),
                (&in_query, &[]),
            ] {
                assert_eq!(get(port, path, headers).await.status, 200, "{version:?} {path}");
                let head = scene.upstream.take_one();
                assert_eq!(head.one("authorization").as_deref(), Some(shown.as_str()));
                assert_eq!(head.one("x-api-token"), None);
                assert!(!head.text().contains("access_token"), "{}", head.text());
            }
            // Not a source of this route, and not let through either.
            let query = format!("/sources?access_token={token}");
            assert_eq!(get(port, &query, &[]).await.status, 401);
            let two = [("authorization", shown.as_str()), ("x-api-token", "another")];
            let answer = get(port, "/sources", &two).await;
            assert_eq!((answer.status, &answer.json()["reason"]), (401, &json!("CREDENTIAL_CONFLICT")));
            let other = format!("/plain?access_token={}", scene.token(&[]));
            assert_eq!(get(port, &other, &two[..1]).await.status, 401, "two different tokens of one person");
            // Whoever passes as nobody takes no credential along.
            let query = format!("/optional?access_token=&x={door}");
            assert_eq!(get(port, &query, &[]).await.status, 401, "an empty one is one");
            assert!(scene.upstream.take().is_empty());
            assert_eq!(get(port, "/optional", &[("authorization", "Basic YTpi")]).await.status, 200);
            assert_eq!(scene.upstream.take_one().one("authorization"), None);
        }
    }
}

#[tokio::test]
async fn e2_headers_have_the_names_that_were_chosen_and_the_others_are_stripped() {
    let scene = Scene::with(Version::V1_40, SECTION).await;
    let token = scene.token(&[("roles", json!(["admin"])), ("scope", json!("a \u{e4}"))]);
    let headers = [
        ("authorization", bearer(&token)),
        ("X_User", "mallory".to_owned()),
        ("x-user", "mallory".to_owned()),
        ("x-auth_roles", "root".to_owned()),
    ];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(get(scene.envoy.door(CLOSED), "/plain", &headers).await.status, 200);
    let head = scene.upstream.take_one();
    assert_eq!(head.all("x-user"), ["alice"]);
    let names: Vec<_> = identity(&head).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["x-auth-issuer", "x-auth-scopes"]);
    assert_eq!(head.one("x-auth-scopes").as_deref(), Some("[\"a\",\"\\u00e4\"]"));
    assert!(head.one("x-seen-metadata").is_none_or(|seen| seen == "-"));
    // The filter in front does not know this name: it is the service that takes it away.
    get(scene.envoy.door(CLOSED), "/optional", &[("x_user", "mallory"), ("X-User", "mallory")]).await;
    assert!(scene.upstream.take_one().all("x-user").is_empty());
}

#[tokio::test]
async fn only_a_person_who_goes_to_a_page_is_sent_to_log_in() {
    for version in Version::ALL {
        let scene = Scene::with(version, SECTION).await;
        let port = scene.envoy.door(CLOSED);
        let page = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("accept", "text/html")];
        let answer = get(port, "/plain?a=b&access_token=secret", &page).await;
        assert_eq!(answer.status, 302);
        let location = answer.header("location");
        assert!(location.starts_with("https://login.example.test/in?back=http%3A%2F%2Fedge"), "{location}");
        assert!(location.ends_with("plain%3Fa%3Db") && !location.contains("secret"), "{location}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(get(port, "/plain", &page[2..]).await.status, 302, "an old browser");

        let frame = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("accept", "text/html")];
        let script = [("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"), ("accept", "text/html")];
        let told: [(&str, &[(&str, &str)]); 5] = [
            ("GET", &frame),
            ("GET", &script),
            ("POST", &page),
            ("OPTIONS", &page),
            ("GET", &[("accept", "*/*")]),
        ];
        for (method, headers) in told {
            let Answer { status, .. } = request(port, method, "/plain", headers).await;
            assert_eq!(status, 401, "{method} {headers:?}");
        }
        // To log in does not help somebody who may not.
        let token = bearer(&scene.token(&[]));
        let headers = [page[0], page[1], ("authorization", token.as_str())];
        let answer = get(port, "/roles", &headers).await;
        assert_eq!(answer.status, 403);
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer realm=\"the shop\", error=\"insufficient_scope\""),
            "{challenge}"
        );
        assert!(
            challenge.contains("resource_metadata=\"https://api.example.test/.well-known/"),
            "{challenge}"
        );
        assert!(scene.upstream.take().is_empty());
    }
}
