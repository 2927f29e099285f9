//! Watches one call from its headers to its end.

use std::sync::{Arc, atomic::Ordering};

use http::HeaderMap;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::Shared;
use crate::api::grpc::methods::{Kind, Method};

/// Counts a call when it is dropped: as CANCELLED, unless somebody said how it ended. Until then the call is at work.
#[derive(Debug)]
pub(super) struct Observer {
    shared: Arc<Shared>,
    method: Method,
    started: Instant,
    before: usize,
    code: Code,
}

impl Observer {
    pub(super) fn begin(shared: &Arc<Shared>, method: Method) -> Self {
        let before = match method.kind {
            Kind::Unary | Kind::Bulk => shared.metrics.enter(),
            Kind::Stream => {
                shared.metrics.open_stream();
                0
            }
            Kind::Exempt => 0,
        };
        Self { shared: Arc::clone(shared), method, started: Instant::now(), before, code: Code::Cancelled }
    }

    /// Whether fewer calls than the limit were at work when this one came.
    pub(super) fn has_room(&self) -> bool {
        self.before < self.shared.max_concurrent.load(Ordering::Relaxed)
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// Whether its call counts until the answer is fetched.
    pub(super) fn is_bulk(&self) -> bool {
        self.method.kind == Kind::Bulk
    }

    pub(super) fn is_stream(&self) -> bool {
        self.method.kind == Kind::Stream
    }

    pub(super) fn ended_with(&mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        let metrics = &self.shared.metrics;
        match self.method.kind {
            Kind::Unary | Kind::Bulk => metrics.leave(),
            Kind::Stream => metrics.close_stream(),
            Kind::Exempt => {}
        }
        let after = (!self.is_stream()).then(|| self.started.elapsed());
        metrics.answered(self.method.index, i32::from(self.code), after);
    }
}

/// The status in headers or trailers, if there is one.
pub(in crate::api::grpc) fn code_in(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|code| Code::from_bytes(code.as_bytes()))
}
