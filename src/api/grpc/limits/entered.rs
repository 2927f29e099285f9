//! Calls that do not come over gRPC, and count all the same.

use tonic::Code;

use super::{LimitsLayer, observer::Observer};
use crate::api::grpc::methods::Method;

/// At work until it is dropped.
#[derive(Debug)]
pub(in crate::api) struct Entered(Observer);

impl Entered {
    /// What it counts as: CANCELLED without this.
    pub(in crate::api) fn ended_with(&mut self, code: Code) {
        self.0.ended_with(code);
    }
}

impl LimitsLayer {
    /// One more at work; `None` if there is no room, which is counted.
    pub(in crate::api) fn enter(&self, method: Method) -> Option<Entered> {
        let mut observer = Observer::begin(&self.shared, method);
        if observer.has_room() {
            return Some(Entered(observer));
        }
        self.shared.metrics.overloaded();
        observer.ended_with(Code::ResourceExhausted);
        None
    }
}
