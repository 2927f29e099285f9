//! What Envoy makes of answers. The service rests on it, and another Envoy may do otherwise.

use envoy_types::{
    ext_authz::v3::pb::{CheckResponse, DeniedHttpResponse, HttpResponse, HttpStatus, OkHttpResponse},
    pb::google::rpc,
};
use tonic::Status;

use super::{
    client::get,
    envoy::{Door, Envoy, Version},
    scripted::Scripted,
    upstream::Upstream,
};

#[tokio::test]
async fn probe() {
    for version in Version::ALL {
        let (upstream, service) = (Upstream::start().await, Scripted::start());
        let t = std::time::Instant::now();
        let envoy = Envoy::start(
            version,
            &upstream,
            &[
                Door::to("closed", service.socket()),
                Door::to("open", service.socket()).failing_open(),
                Door::to("default", service.socket()).with_default_status(),
            ],
        )
        .await;
        println!("{version:?} {:?}", t.elapsed());
        let error = HttpResponse::ErrorResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: 503 }),
            body: "b".into(),
            ..Default::default()
        });
        let denied = HttpResponse::DeniedResponse(DeniedHttpResponse {
            status: Some(HttpStatus { code: 401 }),
            body: "b".into(),
            ..Default::default()
        });
        let code = |code, http: Option<HttpResponse>| {
            Ok(CheckResponse {
                status: Some(rpc::Status { code, ..Default::default() }),
                http_response: http,
                ..Default::default()
            })
        };
        for (name, say) in [
            ("empty", Ok(CheckResponse::default())),
            ("0+error", code(0, Some(error.clone()))),
            ("14+error", code(14, Some(error))),
            ("0+denied", code(0, Some(denied.clone()))),
            ("16+denied", code(16, Some(denied))),
            ("16+none", code(16, None)),
            ("16+ok", code(16, Some(HttpResponse::OkResponse(OkHttpResponse::default())))),
            ("status", Err(Status::unavailable("x"))),
        ] {
            service.say(say);
            for door in ["closed", "open", "default"] {
                let before = envoy.counts(door).await;
                let answer = get(envoy.door(door), "/plain", &[("X-Auth_subject", "m")]).await;
                println!("{name} {door} {} {:?} {:?}", answer.status, before, envoy.counts(door).await);
            }
        }
        println!("{:?}", upstream.take()[0].text());
        println!("{}", envoy.output());
    }
}
