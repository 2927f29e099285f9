//! The load: a closed loop over a few connections. Requests are encoded before, answers are checked, not decoded, so that
//! the client takes as little of the machine as it can.

use std::{
    marker::PhantomData,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tonic::{
    Request, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::{Channel, Endpoint},
};

use crate::process::Process;

pub(crate) const CONNECTIONS: usize = 4;
pub(crate) const CALLS_AT_ONCE: usize = 64;

#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) calls: usize,
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Round {
    pub(crate) fn per_cpu_second(self) -> f64 {
        self.calls as f64 / self.cpu.as_secs_f64()
    }

    pub(crate) fn per_second(self) -> f64 {
        self.calls as f64 / self.wall.as_secs_f64()
    }

    pub(crate) fn cpu_micros(self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.calls as f64
    }
}

pub(crate) struct Load {
    channels: Vec<Channel>,
    path: PathAndQuery,
    requests: Arc<Vec<Bytes>>,
    good: fn(&[u8]) -> bool,
}

impl Load {
    /// `good` looks at the answer's bytes: an RPC that came back is not yet a token that was found good.
    pub(crate) async fn new(
        process: &Process,
        method: &str,
        requests: Vec<Bytes>,
        good: fn(&[u8]) -> bool,
    ) -> Self {
        Self::over(CONNECTIONS, process, method, requests, good).await
    }

    /// The same over this many connections.
    pub(crate) async fn over(
        connections: usize,
        process: &Process,
        method: &str,
        requests: Vec<Bytes>,
        good: fn(&[u8]) -> bool,
    ) -> Self {
        let path = format!("/countersign.v1.TokenService/{method}");
        Self::of(connections, process, &path, requests, good).await
    }

    /// The same of any service's method.
    pub(crate) async fn of(
        connections: usize,
        process: &Process,
        path: &str,
        requests: Vec<Bytes>,
        good: fn(&[u8]) -> bool,
    ) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{}", process.address)).unwrap();
        let mut channels = Vec::new();
        for _ in 0..connections {
            channels.push(endpoint.connect().await.unwrap());
        }
        let path = PathAndQuery::try_from(path).unwrap();
        Self { channels, path, requests: Arc::new(requests), good }
    }

    /// One call, for a look at the answer.
    pub(crate) async fn once(&self) -> Bytes {
        call(self.channels[0].clone(), self.path.clone(), self.requests[0].clone()).await.unwrap()
    }

    /// Makes `calls` calls and says what they cost the server.
    pub(crate) async fn round(&self, server: &Process, calls: usize) -> Round {
        let next = Arc::new(AtomicUsize::new(0));
        let (cpu, start) = (server.cpu(), Instant::now());
        let tasks: Vec<_> = (0..CALLS_AT_ONCE)
            .map(|task| {
                let channel = self.channels[task % self.channels.len()].clone();
                let (path, requests, good) = (self.path.clone(), Arc::clone(&self.requests), self.good);
                let next = Arc::clone(&next);
                tokio::spawn(async move {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if at >= calls {
                            break;
                        }
                        let request = requests[at % requests.len()].clone();
                        let answer =
                            call(channel.clone(), path.clone(), request).await.expect("grpc-status 0");
                        assert!(good(&answer), "the answer is not the expected one");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        Round { calls, wall: start.elapsed(), cpu: server.cpu().saturating_sub(cpu) }
    }

    /// Makes `calls` calls, so many at once, and says how long each took, from handing it to the channel to its answer.
    pub(crate) async fn latencies(&self, calls: usize, at_once: usize) -> Vec<Duration> {
        let tasks: Vec<_> = (0..at_once)
            .map(|task| {
                let channel = self.channels[task % CONNECTIONS].clone();
                let (path, request, good) = (self.path.clone(), self.requests[0].clone(), self.good);
                tokio::spawn(async move {
                    let mut taken = Vec::with_capacity(calls / at_once);
                    for _ in 0..calls / at_once {
                        let start = Instant::now();
                        let answer = call(channel.clone(), path.clone(), request.clone()).await;
                        taken.push(start.elapsed());
                        assert!(good(&answer.expect("grpc-status 0")), "the answer is not the expected one");
                    }
                    taken
                })
            })
            .collect();
        let mut all = Vec::with_capacity(calls);
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        all
    }
}

async fn call(channel: Channel, path: PathAndQuery, request: Bytes) -> Result<Bytes, Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.expect("the server is there");
    grpc.unary(Request::new(request), path, Raw(PhantomData)).await.map(tonic::Response::into_inner)
}

struct Raw(PhantomData<()>);

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self(PhantomData)
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buf.copy_to_bytes(buf.remaining())))
    }
}
