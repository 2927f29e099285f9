//! An ext_authz service that answers as it is told, to see what Envoy makes of it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use countersign::ops::drain::Tasks;
use envoy_types::ext_authz::v3::pb::{Authorization, AuthorizationServer, CheckRequest, CheckResponse};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status, transport::Server};

type Said = Result<CheckResponse, Status>;

/// It ends when this is dropped.
pub(super) struct Scripted {
    says: Arc<Mutex<Said>>,
    directory: TempDir,
    tasks: Tasks,
}

struct Says(Arc<Mutex<Said>>);

#[tonic::async_trait]
impl Authorization for Says {
    async fn check(&self, _request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        self.0.lock().unwrap().clone().map(Response::new)
    }
}

impl Scripted {
    pub(super) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let says = Arc::new(Mutex::new(Ok(CheckResponse::default())));
        let scripted = Self { says: Arc::clone(&says), directory, tasks: Tasks::default() };
        let listener = UnixListener::bind(scripted.socket()).unwrap();
        let stop = scripted.tasks.stopping().clone().cancelled_owned();
        let server = Server::builder().add_service(AuthorizationServer::new(Says(says)));
        scripted.tasks.spawn(server.serve_with_incoming_shutdown(UnixListenerStream::new(listener), stop));
        scripted
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.directory.path().join("grpc.sock")
    }

    /// From now on it says this.
    pub(super) fn say(&self, said: Said) {
        *self.says.lock().unwrap() = said;
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.tasks.stopping().cancel();
    }
}
