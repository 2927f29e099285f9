//! What clients can do that nginx must not take for a fault of ours, and what is large without being wrong.

use super::{
    kit::{Setup, raw, send},
    proxy::Nginx,
};

const X_ORIGINAL: &str = ", forwarded: x_original";

#[tokio::test]
async fn a_path_in_utf_8_is_a_path() {
    let setup = Setup::with(X_ORIGINAL, "ext_authz: { sources: [authorization, 'query:t'] }\n").await;
    let nginx = Nginx::start(setup.port, &[("/", "")]).await;
    let good = setup.good();
    let answer = send(nginx.port, "GET", "/café?ü=é", &[("Authorization", &good)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "from the backend"), "{answer:?}");
    let token = setup.token(|_| {});
    assert_eq!(send(nginx.port, "GET", &format!("/café?ü=é&t={token}"), &[]).await.status, 200);
    assert_eq!(send(nginx.port, "GET", "/café?t=é", &[]).await.status, 401);
}

#[tokio::test]
async fn what_a_client_writes_amiss_is_its_own_fault() {
    let setup = Setup::with(X_ORIGINAL, "").await;
    let nginx = Nginx::start(setup.port, &[("/", "optional=true")]).await;
    let good = setup.good();
    for host in ["shop.example,a.example", "user@shop.example"] {
        let request =
            format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: {good}\r\n\r\n");
        let answer = raw(nginx.port, request.as_bytes()).await;
        assert_eq!(answer.status, 403, "{host}: {answer:?}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains(r#"error="invalid_request""#), "{challenge}");
    }
    let mut latin = b"GET /caf\xe9 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_vec();
    assert_eq!(raw(nginx.port, &latin).await.status, 403);
    latin.retain(u8::is_ascii);
    assert_eq!(raw(nginx.port, &latin).await.status, 200);
    assert_eq!(nginx.reached().len(), 1);
}

#[tokio::test]
async fn many_headers_are_no_fault() {
    let setup = Setup::with(X_ORIGINAL, "").await;
    let nginx = Nginx::start(setup.port, &[("/", "")]).await;
    let names: Vec<String> = (0..500).map(|number| format!("X-{number}")).collect();
    let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "y")).collect();
    assert_eq!(send(nginx.port, "GET", "/", &headers).await.status, 401);
    let good = setup.good();
    headers.push(("Authorization", &good));
    assert_eq!(send(nginx.port, "GET", "/", &headers).await.status, 200);
}

/// nginx has room for 4 or 8 KiB of an answer's headers unless it is told otherwise.
#[tokio::test]
async fn an_identity_and_a_token_as_large_as_may_be_get_through() {
    let more = "ext_authz: { upstream_authorization: access_token, max_identity_bytes: 32KiB }\n";
    let setup = Setup::with(X_ORIGINAL, more).await;
    let nginx = Nginx::start(setup.port, &[("/", "")]).await;
    // Each space takes three bytes in the header.
    let role = " ".repeat(10_000);
    let good = format!("Bearer {}", setup.token(|claims| claims["roles"] = serde_json::json!([role])));
    let answer = send(nginx.port, "GET", "/", &[("Authorization", &good)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "from the backend"), "{answer:?}");
    let head = nginx.last();
    assert!(head.contains(&format!("\r\nx-auth-roles: {}\r\n", "%20".repeat(10_000))), "{}", head.len());
    assert!(head.contains(&format!("\r\nauthorization: {}\r\n", good.to_lowercase())), "{}", head.len());
}
