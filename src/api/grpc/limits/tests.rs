use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{pending, poll_fn, ready},
    pin::Pin,
};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::*;
use crate::ops::metrics::{Registry, exposition, registry};

const VALIDATE: &str = "/countersign.v1.TokenService/Validate";
const BATCH: &str = "/countersign.v1.TokenService/BatchValidate";
const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

type Work = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// A service that makes its answer from the request.
#[derive(Clone)]
struct Answer(fn(Request<Body>) -> Work);

impl Service<Request<Body>> for Answer {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Work;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Work {
        (self.0)(request)
    }
}

struct Bench {
    layer: LimitsLayer,
    registry: Registry,
    calls: Tasks,
}

impl Bench {
    fn new(max_concurrent: usize) -> Self {
        let (mut registry, calls) = (registry(), Tasks::default());
        let metrics = RequestMetrics::register(&mut registry, methods::names());
        let layer = LimitsLayer::new(max_concurrent, metrics, calls.clone());
        Self { layer, registry, calls }
    }

    fn call(&self, path: &str, answer: fn(Request<Body>) -> Work) -> Call<Work> {
        self.call_within(path, None, answer)
    }

    fn call_within(
        &self,
        path: &str,
        timeout: Option<&str>,
        answer: fn(Request<Body>) -> Work,
    ) -> Call<Work> {
        let mut request = Request::builder().uri(path);
        if let Some(timeout) = timeout {
            request = request.header("grpc-timeout", timeout);
        }
        self.layer.layer(Answer(answer)).call(request.body(Body::empty()).unwrap())
    }

    #[track_caller]
    fn exports(&self, sample: &str) {
        let text = exposition(&self.registry);
        assert!(text.lines().any(|line| line == sample), "{sample} is missing in\n{text}");
    }
}

fn hang(_: Request<Body>) -> Work {
    Box::pin(pending())
}

fn answer(_: Request<Body>) -> Work {
    Box::pin(ready(Ok(Response::default())))
}

fn status(response: &Response<Body>) -> Status {
    Status::from_header_map(response.headers()).unwrap()
}

async fn code(call: Call<Work>) -> Option<Code> {
    Status::from_header_map(call.await.unwrap().headers()).map(|status| status.code())
}

#[tokio::test(start_paused = true)]
async fn one_call_more_than_the_limit_is_overloaded_with_retry_info() {
    let bench = Bench::new(1);
    let held = bench.call(VALIDATE, hang);
    let refused = bench.call(VALIDATE, answer);
    assert_eq!(bench.layer.in_flight(), 1, "who is turned away leaves at once");
    let refused = status(&refused.await.unwrap());
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "OVERLOADED");
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(RETRY_AFTER));
    bench.exports("countersign_overloaded_total 1");
    bench.exports(
        r#"countersign_requests_total{method="countersign.v1.TokenService/Validate",code="RESOURCE_EXHAUSTED"} 1"#,
    );
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_or_answered_makes_room_and_counts() {
    let bench = Bench::new(1);
    drop(bench.call(VALIDATE, hang));
    assert_eq!(code(bench.call(VALIDATE, answer)).await, None);
    assert_eq!(code(bench.call(VALIDATE, answer)).await, None);
    assert_eq!(bench.layer.in_flight(), 0);
    let method = r#"method="countersign.v1.TokenService/Validate""#;
    bench.exports(&format!(r#"countersign_requests_total{{{method},code="CANCELLED"}} 1"#));
    bench.exports(&format!(r#"countersign_requests_total{{{method},code="OK"}} 2"#));
    bench.exports(&format!("countersign_request_duration_seconds_count{{{method}}} 3"));
    bench.exports("countersign_in_flight_requests 0");
}

#[tokio::test(start_paused = true)]
async fn health_and_streams_are_not_limited() {
    let bench = Bench::new(1);
    let _held = bench.call(VALIDATE, hang);
    assert_eq!(code(bench.call(CHECK, answer)).await, None);
    let stream = bench.call(WATCH, |_| stream([].into())).await.unwrap();
    bench.exports("countersign_open_streams 1");
    drop(stream);
    bench.exports("countersign_open_streams 0");
    bench.exports(r#"countersign_requests_total{method="grpc.health.v1.Health/Watch",code="CANCELLED"} 1"#);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_deadline_exceeded_just_before_the_callers_deadline() {
    let bench = Bench::new(1);
    let begun = Instant::now();
    let call = bench.call_within(VALIDATE, Some("200m"), hang);
    assert_eq!(code(call).await, Some(Code::DeadlineExceeded));
    let took = begun.elapsed();
    assert!((195..200).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn no_call_takes_longer_than_the_ceiling() {
    let bench = Bench::new(1);
    for (path, timeout) in
        [(VALIDATE, None), (VALIDATE, Some("1H")), (VALIDATE, Some("30S")), (CHECK, None), (WATCH, None)]
    {
        let begun = Instant::now();
        let call = timeout_at(begun + CEILING * 2, bench.call_within(path, timeout, hang));
        let end = status(&call.await.unwrap().unwrap());
        assert_eq!(end.code(), Code::DeadlineExceeded);
        let took = begun.elapsed();
        assert!((29_995..=30_005).contains(&took.as_millis()), "{path} {timeout:?}: {took:?}");
        assert_eq!(bench.layer.in_flight(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_wins_over_any_deadline() {
    let bench = Bench::new(1);
    for timeout in ["0n", "1n", "1m"] {
        assert_eq!(code(bench.call_within(VALIDATE, Some(timeout), answer)).await, None, "{timeout}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_handed_on() {
    let bench = Bench::new(1);
    let answer = |request: Request<Body>| -> Work {
        let deadline = request.extensions().get::<Deadline>().copied();
        Box::pin(ready(Ok(Response::builder()
            .header("has", deadline.is_some().to_string())
            .body(Body::empty())
            .unwrap())))
    };
    for (timeout, expected) in [(Some("1S"), "true"), (Some("nonsense"), "false"), (None, "false")] {
        let response = bench.call_within(VALIDATE, timeout, answer).await.unwrap();
        assert_eq!(response.headers()["has"], expected, "{timeout:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_internal_and_makes_room() {
    let bench = Bench::new(1);
    let call = bench.call(VALIDATE, |_| Box::pin(async { panic!("on purpose") }));
    assert_eq!(code(call).await, Some(Code::Internal));
    assert_eq!(bench.layer.in_flight(), 0);
}

fn stream(says: VecDeque<&'static str>) -> Work {
    Box::pin(ready(Ok(Response::new(Body::new(Endless(says))))))
}

/// Says these bytes, then nothing, for ever.
struct Endless(VecDeque<&'static str>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.pop_front() {
            Some(text) => Poll::Ready(Some(Ok(Frame::data(text.into())))),
            None => Poll::Pending,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_a_stream_after_what_it_had_to_say() {
    let bench = Bench::new(1);
    let response = bench.call(WATCH, |_| stream(["last words"].into())).await.unwrap();
    let mut body = Box::pin(response.into_body());
    bench.calls.stopping().cancel();
    let mut next = async || poll_fn(|cx| body.as_mut().poll_frame(cx)).await.map(Result::unwrap);
    assert_eq!(next().await.unwrap().into_data().unwrap(), "last words");
    let trailers = next().await.unwrap().into_trailers().unwrap();
    let end = Status::from_header_map(&trailers).unwrap();
    assert_eq!(end.code(), Code::Unavailable);
    assert_eq!(end.get_error_details().error_info().unwrap().reason, "DRAINING");
    assert!(next().await.is_none());
    bench.exports(r#"countersign_requests_total{method="grpc.health.v1.Health/Watch",code="UNAVAILABLE"} 1"#);
}

/// An answer that takes several parts, and its trailers.
fn large(_: Request<Body>) -> Work {
    let trailers = http::HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]);
    let frames = [Frame::data(Bytes::from(vec![0; 200_000])), Frame::trailers(trailers)];
    Box::pin(ready(Ok(Response::new(Body::new(Parts(frames.into()))))))
}

struct Parts(VecDeque<Frame<Bytes>>);

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

async fn next(body: &mut Body) -> Option<Frame<Bytes>> {
    poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await.map(Result::unwrap)
}

#[tokio::test(start_paused = true)]
async fn a_batch_counts_until_its_answer_is_fetched_or_dropped() {
    let bench = Bench::new(2);
    let mut body = bench.call(BATCH, large).await.unwrap().into_body();
    let dropped = bench.call(BATCH, large).await.unwrap();
    let mut fetched = 0;
    while fetched < 200_000 {
        assert_eq!(bench.layer.in_flight(), 2);
        fetched += next(&mut body).await.unwrap().into_data().unwrap().len();
    }
    assert!(next(&mut body).await.unwrap().is_trailers());
    assert!(next(&mut body).await.is_none());
    assert_eq!(bench.layer.in_flight(), 1);
    drop(dropped);
    assert_eq!(bench.layer.in_flight(), 0);
    let method = r#"method="countersign.v1.TokenService/BatchValidate""#;
    bench.exports(&format!(r#"countersign_requests_total{{{method},code="OK"}} 1"#));
    bench.exports(&format!(r#"countersign_requests_total{{{method},code="CANCELLED"}} 1"#));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_nobody_fetches_is_taken_away_at_the_ceiling() {
    let bench = Bench::new(1);
    let mut body = bench.call(BATCH, large).await.unwrap().into_body();
    assert!(next(&mut body).await.unwrap().is_data());
    tokio::time::sleep(CEILING + Duration::from_millis(5)).await;
    assert_eq!(bench.layer.in_flight(), 0, "without anybody polling the body");
    let trailers = next(&mut body).await.unwrap().into_trailers().unwrap();
    assert_eq!(Status::from_header_map(&trailers).unwrap().code(), Code::DeadlineExceeded);
    assert!(next(&mut body).await.is_none());
    drop(body);
    bench.calls.stop().await;
}
