//! Who asks. Until callers have names, they have addresses.

use tonic::Request;

use crate::api::listener::Peer;

/// As the audit log names it.
pub(super) fn named<T>(request: &Request<T>) -> String {
    match request.extensions().get::<Peer>() {
        Some(Peer::Tcp(address)) => address.to_string(),
        other => unaddressed(other),
    }
}

/// As limits count it: an address, whatever port it comes from.
pub(super) fn counted<T>(request: &Request<T>) -> String {
    match request.extensions().get::<Peer>() {
        Some(Peer::Tcp(address)) => address.ip().to_string(),
        other => unaddressed(other),
    }
}

fn unaddressed(peer: Option<&Peer>) -> String {
    if peer.is_some() { "unix" } else { "unknown" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_named_with_its_port_and_counted_without() {
        let mut request = Request::new(());
        assert_eq!((named(&request), counted(&request)), ("unknown".to_owned(), "unknown".to_owned()));
        request.extensions_mut().insert(Peer::Tcp("[::1]:5".parse().unwrap()));
        assert_eq!((named(&request), counted(&request)), ("[::1]:5".to_owned(), "::1".to_owned()));
        request.extensions_mut().insert(Peer::Unix);
        assert_eq!((named(&request), counted(&request)), ("unix".to_owned(), "unix".to_owned()));
    }
}
