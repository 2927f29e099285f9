use axum::{
    body::{Body, to_bytes},
    http::Request,
};
use tower::Service as _;

use super::*;
use crate::ops::metrics::{ValidationMetrics, registry};

const HERE: Peer = Peer::Unix;

fn stranger() -> Peer {
    Peer::Tcp("192.0.2.7:1234".parse().unwrap())
}

fn admin(readiness: &Readiness) -> Admin {
    let mut registry = registry();
    ValidationMetrics::register(&mut registry);
    Admin::new(readiness.clone(), MetricsReaders::Local, registry, Vec::new())
}

async fn ask(admin: &Admin, path: &str, peer: Peer) -> (u16, String) {
    let mut request = Request::builder().uri(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = admin.clone().router().call(request).await.unwrap();
    let code = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (code, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn readyz_names_what_is_pending_but_not_to_strangers() {
    let readiness = Readiness::default();
    let guards = [readiness.register("listeners"), readiness.register("first key fetch of issuer idp")];
    let admin = admin(&readiness);
    let waiting = "not ready\nwaiting for: listeners, first key fetch of issuer idp\n";
    assert_eq!(ask(&admin, "/readyz", HERE).await, (503, waiting.to_owned()));
    assert_eq!(ask(&admin, "/readyz", stranger()).await, (503, "not ready\n".to_owned()));
    drop(guards);
    assert_eq!(ask(&admin, "/readyz", HERE).await, (200, "ready\n".to_owned()));
    readiness.degraded("issuer idp has no usable keys", true);
    let degraded = "ready\ndegraded: issuer idp has no usable keys\n";
    assert_eq!(ask(&admin, "/readyz", HERE).await, (200, degraded.to_owned()));
    assert_eq!(ask(&admin, "/readyz", stranger()).await, (200, "ready\n".to_owned()));
    readiness.drain();
    assert_eq!(ask(&admin, "/readyz", HERE).await, (503, "not ready\nshutting down\n".to_owned()));
    assert_eq!(ask(&admin, "/livez", stranger()).await, (200, "alive\n".to_owned()));
}

#[tokio::test]
async fn metrics_are_openmetrics_and_for_strangers_only_where_that_was_written() {
    let admin = admin(&Readiness::default());
    let (code, text) = ask(&admin, "/metrics", HERE).await;
    assert_eq!(code, 200);
    assert!(text.contains("countersign_validations_total") && text.ends_with("# EOF\n"), "{text}");
    let (code, text) = ask(&admin, "/metrics", stranger()).await;
    assert_eq!(code, 403);
    assert!(!text.contains("countersign_"), "{text}");
    let open = Admin { readers: MetricsReaders::Network, ..admin };
    let (code, text) = ask(&open, "/metrics", stranger()).await;
    assert!(code == 200 && text.contains("countersign_validations_total"), "{text}");
    assert_eq!(ask(&open, "/readyz", stranger()).await.1, "not ready\n", "still without detail");
}

#[test]
fn who_is_on_this_machine() {
    let check =
        |address: &str, local| assert_eq!(Peer::Tcp(address.parse().unwrap()).is_local(), local, "{address}");
    check("127.0.0.1:1", true);
    check("[::1]:1", true);
    check("[::ffff:127.0.0.1]:1", true);
    check("10.0.0.1:1", false);
    check("[::ffff:10.0.0.1]:1", false);
    assert!(HERE.is_local());
}
