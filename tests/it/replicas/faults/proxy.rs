//! A way to Redis that can be cut.

use std::net::Ipv4Addr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::super::set::LONG;
use crate::support::wait::until;

/// Passes on what comes, unless it is cut. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    is_cut: watch::Sender<bool>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// To a port on 127.0.0.1.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let is_cut = watch::Sender::new(false);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, port, is_cut.subscribe()));
        Self { port: own, is_cut, _accepting: accepting }
    }

    /// What a configuration names instead.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Lets nothing through from now on, and returns once what went through has ended.
    pub(crate) async fn cut(&self) {
        self.is_cut.send_replace(true);
        // Each connection holds a receiver, and so does who waits for the next one.
        until("the connections to end", LONG, async || (self.is_cut.receiver_count() == 1).then_some(()))
            .await;
    }

    /// Lets through what comes from now on.
    pub(crate) fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

async fn accept(listener: TcpListener, port: u16, is_cut: watch::Receiver<bool>) {
    let mut passing = JoinSet::new();
    while let Ok((from, _)) = listener.accept().await {
        passing.spawn(pass(from, port, is_cut.clone()));
    }
}

async fn pass(mut from: TcpStream, port: u16, mut is_cut: watch::Receiver<bool>) {
    if *is_cut.borrow() {
        return;
    }
    let Ok(mut to) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut from, &mut to) => {}
        _ = is_cut.wait_for(|is_cut| *is_cut) => {}
    }
}
