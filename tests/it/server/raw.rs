//! HTTP/2 by hand: what no well-behaved client sends, and what it hides.

use std::{future::poll_fn, net::SocketAddr};

use bytes::Bytes;
use countersign::ops::drain::Tasks;
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tonic::Status;

use super::support::soon;

/// One connection.
#[derive(Clone)]
pub(crate) struct Raw {
    send: SendRequest<Bytes>,
    tasks: Tasks,
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = soon(TcpStream::connect(address)).await.unwrap();
        let (send, connection) = soon(h2::client::handshake(stream)).await.unwrap();
        let tasks = Tasks::default();
        drop(tasks.spawn(connection));
        Self { send, tasks }
    }

    /// Returns once the server has closed the connection.
    pub(crate) async fn closed(&self) {
        soon(self.tasks.stop()).await;
    }

    /// How many calls the server lets this connection have open. It says so before its first answer.
    pub(crate) fn max_streams(&self) -> usize {
        self.send.current_max_send_streams()
    }

    /// Begins a Validate; fails once the server has sent GOAWAY.
    pub(crate) async fn begin(
        &self,
        header: Option<(&'static str, String)>,
        frame: Bytes,
    ) -> Result<ResponseFuture, h2::Error> {
        self.begin_at("http://server/countersign.v1.TokenService/Validate", header, frame).await
    }

    /// Begins an empty BatchValidate. Nothing of its answer is fetched beyond the first window.
    pub(crate) async fn begin_batch(&self) -> ResponseFuture {
        let url = "http://server/countersign.v1.TokenService/BatchValidate";
        self.begin_at(url, None, frame(0, &[])).await.unwrap()
    }

    async fn begin_at(
        &self,
        url: &str,
        header: Option<(&'static str, String)>,
        frame: Bytes,
    ) -> Result<ResponseFuture, h2::Error> {
        let mut request =
            Request::post(url).header("content-type", "application/grpc").header("te", "trailers");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let mut send = soon(self.send.clone().ready()).await?;
        let (response, mut stream) = send.send_request(request.body(()).unwrap(), false)?;
        stream.send_data(frame, true)?;
        Ok(response)
    }

    /// Sends a Validate and returns how it ended.
    pub(crate) async fn ask(&self, header: Option<(&'static str, String)>, frame: Bytes) -> Status {
        end(self.begin(header, frame).await.unwrap()).await
    }
}

/// How a call ended: in its headers, or after its body.
pub(crate) async fn end(response: ResponseFuture) -> Status {
    let (head, mut body) = soon(response).await.unwrap().into_parts();
    assert_eq!(head.status, 200);
    if let Some(status) = Status::from_header_map(&head.headers) {
        return status;
    }
    while let Some(data) = soon(body.data()).await {
        body.flow_control().release_capacity(data.unwrap().len()).unwrap();
    }
    let trailers: HeaderMap = soon(poll_fn(|cx| body.poll_trailers(cx))).await.unwrap().unwrap();
    Status::from_header_map(&trailers).unwrap()
}

/// A message behind gRPC's prefix: not compressed, and this long.
pub(crate) fn frame(length: u32, message: &[u8]) -> Bytes {
    [&[0][..], &length.to_be_bytes(), message].concat().into()
}

/// A `ValidateRequest` with this token.
pub(crate) fn with_token(token: &[u8]) -> Bytes {
    let length = u8::try_from(token.len()).unwrap();
    let message = [&[0x0a, length][..], token].concat();
    frame(u32::from(length) + 2, &message)
}
