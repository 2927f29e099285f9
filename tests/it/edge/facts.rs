//! What Envoy makes of answers. The service rests on it, and another Envoy may do otherwise.

use envoy_types::{
    ext_authz::v3::pb::{
        CheckResponse, DeniedHttpResponse, HeaderAppendAction, HeaderValue, HeaderValueOption, HttpResponse,
        HttpStatus, OkHttpResponse,
    },
    pb::google::rpc,
};
use tonic::{Code, Status};

use super::{
    client::get,
    envoy::{Door, Envoy, Version},
    scripted::Scripted,
    upstream::Upstream,
};

/// An Envoy before a service that says what it is told.
struct Scene {
    service: Scripted,
    upstream: Upstream,
    envoy: Envoy,
}

impl Scene {
    async fn start(version: Version) -> Self {
        let (service, upstream) = (Scripted::start(), Upstream::start().await);
        let to = |name| Door::to(name, service.socket());
        let doors = [to("closed"), to("open").failing_open(), to("default").with_default_status()];
        let envoy = Envoy::start(version, &upstream, &doors).await;
        Self { service, upstream, envoy }
    }

    /// The status that a client sees at each door.
    async fn sees(&self, says: Result<CheckResponse, Status>) -> [u16; 3] {
        self.service.say(says);
        let mut seen = [0; 3];
        for (status, door) in seen.iter_mut().zip(["closed", "open", "default"]) {
            *status = get(self.envoy.door(door), "/plain", &[]).await.status;
        }
        seen
    }
}

fn http(status: i32) -> DeniedHttpResponse {
    DeniedHttpResponse { status: Some(HttpStatus { code: status }), ..DeniedHttpResponse::default() }
}

fn answer(code: Code, http_response: Option<HttpResponse>) -> CheckResponse {
    let status = rpc::Status { code: code.into(), ..rpc::Status::default() };
    CheckResponse { status: Some(status), http_response, ..CheckResponse::default() }
}

#[tokio::test]
async fn e4_code_0_is_an_allow_whatever_else_is_in_the_message_and_an_empty_one_too() {
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        let denied = Some(HttpResponse::DeniedResponse(http(401)));
        let error = Some(HttpResponse::ErrorResponse(http(503)));
        assert_eq!(scene.sees(Ok(CheckResponse::default())).await, [200; 3], "{version:?}");
        assert_eq!(scene.sees(Ok(answer(Code::Ok, denied))).await, [200; 3], "{version:?}");
        assert_eq!(scene.sees(Ok(answer(Code::Ok, error))).await, [200; 3], "{version:?}");
    }
}

#[tokio::test]
async fn e4_a_denial_is_one_also_where_failures_pass() {
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        let denied = Some(HttpResponse::DeniedResponse(http(401)));
        let ok = Some(HttpResponse::OkResponse(OkHttpResponse::default()));
        assert_eq!(scene.sees(Ok(answer(Code::Unauthenticated, denied))).await, [401; 3], "{version:?}");
        assert_eq!(scene.sees(Ok(answer(Code::Unauthenticated, None))).await, [403; 3], "{version:?}");
        assert_eq!(scene.sees(Ok(answer(Code::Unauthenticated, ok))).await, [403; 3], "{version:?}");
    }
}

#[tokio::test]
async fn e4_an_error_response_is_a_failure_since_1_37_and_a_denial_before() {
    let error = || Ok(answer(Code::Unavailable, Some(HttpResponse::ErrorResponse(http(503)))));
    let status = || Err(Status::unavailable("away"));
    let newest = Scene::start(Version::V1_40).await;
    assert_eq!(newest.sees(error()).await, [503, 200, 503]);
    assert_eq!(newest.sees(status()).await, [503, 200, 403]);
    let old = Scene::start(Version::V1_36).await;
    assert_eq!(old.sees(error()).await, [403; 3], "whatever `failure_mode_allow` says");
    assert_eq!(old.sees(status()).await, [503, 200, 403]);
}

#[tokio::test]
async fn e2_what_is_set_and_removed_is_gone() {
    for version in Version::ALL {
        let scene = Scene::start(version).await;
        let name = "x-set-and-removed".to_owned();
        let header = HeaderValue { key: name.clone(), value: "it".to_owned(), ..HeaderValue::default() };
        let set = HeaderValueOption {
            header: Some(header),
            append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
            ..HeaderValueOption::default()
        };
        let mut ok = OkHttpResponse { headers: vec![set], ..OkHttpResponse::default() };
        scene.service.say(Ok(answer(Code::Ok, Some(HttpResponse::OkResponse(ok.clone())))));
        get(scene.envoy.door("closed"), "/plain", &[]).await;
        assert_eq!(scene.upstream.take_one().one(&name).as_deref(), Some("it"), "{version:?}");
        ok.headers_to_remove = vec![name.clone()];
        scene.service.say(Ok(answer(Code::Ok, Some(HttpResponse::OkResponse(ok)))));
        get(scene.envoy.door("closed"), "/plain", &[]).await;
        assert_eq!(scene.upstream.take_one().one(&name), None, "{version:?}");
    }
}
