//! An OTLP collector on loopback.

use std::net::{Ipv4Addr, SocketAddr};

use countersign::ops::drain::Tasks;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use tokio::{net::TcpListener, sync::watch};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// Keeps what it is sent.
pub(crate) struct Collector {
    address: SocketAddr,
    requests: watch::Receiver<Vec<ExportTraceServiceRequest>>,
    tasks: Tasks,
}

#[derive(Debug)]
struct Keeps {
    requests: watch::Sender<Vec<ExportTraceServiceRequest>>,
    answers: bool,
}

#[tonic::async_trait]
impl TraceService for Keeps {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.requests.send_modify(|requests| requests.push(request.into_inner()));
        if !self.answers {
            std::future::pending::<()>().await;
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(crate) async fn start() -> Self {
        Self::serve(true).await
    }

    /// One that takes what it is sent, and never says so.
    pub(crate) async fn start_silent() -> Self {
        Self::serve(false).await
    }

    async fn serve(answers: bool) -> Self {
        Self::over(TcpListener::bind("127.0.0.1:0").await.unwrap(), answers)
    }

    /// One at this port.
    pub(crate) async fn start_at(port: u16) -> Self {
        Self::over(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap(), true)
    }

    fn over(listener: TcpListener, answers: bool) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, requests) = watch::channel(Vec::new());
        let tasks = Tasks::default();
        let stop = tasks.stopping().clone().cancelled_owned();
        let service = TraceServiceServer::new(Keeps { requests: sender, answers });
        let server = Server::builder().add_service(service);
        tasks.spawn(server.serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop));
        Self { address, requests, tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything so far, as it came.
    pub(crate) fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        self.requests.borrow().clone()
    }

    /// Every span so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let resources = self.requests().into_iter().flat_map(|request| request.resource_spans);
        let scopes = resources.flat_map(|spans| spans.scope_spans);
        scopes.flat_map(|spans| spans.spans).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.tasks.stopping().cancel();
    }
}

/// Attributes as `key=value`, sorted.
pub(crate) fn shown(attributes: &[KeyValue]) -> Vec<String> {
    let mut shown: Vec<_> = attributes
        .iter()
        .map(|attribute| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) => format!("{}={text}", attribute.key),
            Some(Value::IntValue(number)) => format!("{}={number}", attribute.key),
            other => panic!("{} is {other:?}", attribute.key),
        })
        .collect();
    shown.sort();
    shown
}

/// As in `traceparent`.
pub(crate) fn hexadecimal(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
