//! Where to listen, and who could then call.

use std::{net::SocketAddr, path::Path, sync::Arc};

use super::{
    effective::Shown,
    http,
    key::Key,
    notation::Notation,
    problem::Problem,
    scalar::{Setting, expected},
    section::Section,
    tree::{Node, Value},
};
use crate::api::{
    ListenAddress,
    http::{HttpSettings, admin::MetricsReaders},
};

const LISTEN: Key = Key::restart("listen", "Where gRPC is answered. Each address once.");
const ADMIN: Key = Key::restart("admin", "The admin port.");
const ADMIN_LISTEN: Key =
    Key::restart("listen", "`/livez`, `/readyz`, `/metrics`. `admin: off` says off too.");
const ADMIN_METRICS: Key = Key::restart(
    "metrics",
    "Who may read `/metrics`: `local` is peers on this machine, `network` is whoever reaches the port, as a Prometheus on another \
     machine has to. They hold names of issuers and counts, and nothing of tokens or users.",
);
const ANY_CALLER: Key = Key::reload(
    "insecure_allow_any_caller",
    "Accept calls from other hosts without knowing who calls. As this version can neither do TLS nor tell callers apart, \
     a `listen` address beyond loopback, of `http`, too, is refused unless this says `true`. Unix sockets and `admin` are not concerned.",
);

impl Setting for ListenAddress {
    fn notation() -> Notation {
        let port = ":[0-9]{1,5}";
        let ip = r"([0-9]{1,3}\.){3}[0-9]{1,3}|\[[0-9A-Fa-f:.%]+\]";
        Notation::pattern("address", &format!("^(unix:/.*|({ip}){port})$"))
    }

    fn read(value: &Value) -> Result<Self, String> {
        const WHAT: &str =
            "an IP address and port such as `127.0.0.1:50051` or `[::1]:50051`, or `unix:/path/to/socket`";
        let Value::Text(text) = value else { return expected(WHAT, value) };
        match text.strip_prefix("unix:") {
            Some(path) if Path::new(path).is_absolute() => Ok(Self::Unix(path.into())),
            Some(_) => Err("the path of a socket must be absolute: `unix:/path/to/socket`".to_owned()),
            None => text.parse().map(Self::Tcp).or_else(|_| expected(WHAT, value)),
        }
    }

    fn show(&self) -> Shown {
        match self {
            // `[::1]:50051` would begin a list.
            Self::Tcp(address @ SocketAddr::V6(_)) => Shown::text(address.to_string()),
            Self::Tcp(address @ SocketAddr::V4(_)) => Shown::plain(address.to_string()),
            Self::Unix(path) => Shown::text(format!("unix:{}", path.display())),
        }
    }
}

/// The addresses of `listen` and of `admin.listen`, and `http`.
pub(super) struct Listeners {
    pub(super) listen: Vec<ListenAddress>,
    pub(super) admin: Option<ListenAddress>,
    pub(super) metrics: MetricsReaders,
    pub(super) http: HttpSettings,
}

/// Reads them, and refuses to be open to everybody unless that was written.
pub(super) fn read(root: &mut Section<'_, '_>) -> Listeners {
    let listen = root.one_or_more(LISTEN, vec![loopback(50_051)], "at least one address is needed");
    let admin = root.section_or_off(ADMIN, |admin| {
        let listen = admin.value(ADMIN_LISTEN, Some(loopback(9_090)));
        let words = [("local", MetricsReaders::Local), ("network", MetricsReaders::Network)];
        (listen, admin.choice(ADMIN_METRICS, MetricsReaders::Local, &words))
    });
    if admin.is_none() {
        // `admin: off` says no less than `admin: {listen: off}`.
        root.show("admin", Shown::Section(vec![("listen", None::<ListenAddress>.show())]));
    }
    let (admin, metrics) = admin.unwrap_or((None, MetricsReaders::Local));
    let http = http::read(root);
    let any_caller = root.value(ANY_CALLER, false);
    check_each_is_another(root, &listen, [("admin", admin.as_ref()), ("http", http.listen.as_ref())]);
    check_callers(root, "listen", &listen, any_caller);
    check_callers(root, "http", http.listen.as_slice(), any_caller);
    Listeners { listen, admin, metrics, http }
}

/// The first address of `listen`, whatever the rest of the tree says.
pub(super) fn first(root: &Node, file: &Arc<str>) -> Result<ListenAddress, Problem> {
    let Value::Map(entries) = &root.value else { return Ok(loopback(50_051)) };
    let Some(entry) = entries.iter().find(|entry| entry.key == "listen") else { return Ok(loopback(50_051)) };
    let written = if let Value::List(items) = &entry.node.value {
        items.first().unwrap_or(&entry.node)
    } else {
        &entry.node
    };
    ListenAddress::read(&written.value)
        .map_err(|message| Problem::new(file, written.place.clone(), "listen", message))
}

fn loopback(port: u16) -> ListenAddress {
    ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], port)))
}

fn check_each_is_another(
    root: &mut Section<'_, '_>,
    listen: &[ListenAddress],
    [admin, http]: [(&str, Option<&ListenAddress>); 2],
) {
    for (index, address) in listen.iter().enumerate() {
        if is_one_place(address) && listen.iter().take(index).any(|before| before == address) {
            root.problem("listen", format!("{} is listed twice", address.show()));
        }
        for (key, _) in [admin, http].iter().filter(|(_, it)| is_one_place(address) && *it == Some(address)) {
            root.problem(key, format!("`listen` has {} already", address.show()));
        }
    }
    if let (_, Some(address)) = admin
        && is_one_place(address)
        && http.1 == Some(address)
    {
        root.problem("http", format!("`admin` has {} already", address.show()));
    }
}

/// Port 0 is another free port each time.
fn is_one_place(address: &ListenAddress) -> bool {
    match address {
        ListenAddress::Tcp(address) => address.port() != 0,
        ListenAddress::Unix(_) => true,
    }
}

/// Until callers can be told apart, whoever reaches the port may do everything.
fn check_callers(root: &mut Section<'_, '_>, key: &str, listen: &[ListenAddress], any_caller: bool) {
    for address in listen.iter().filter(|address| is_reachable_from_elsewhere(address)) {
        let address = address.show();
        if any_caller {
            let message = format!("{address} is not loopback: everybody who can reach it may ask everything");
            root.warning("insecure_allow_any_caller", message);
        } else {
            let message = format!(
                "{address} is not loopback, and without TLS and callers everybody who can reach it may ask \
                 everything; listen on loopback or a unix socket, or write `insecure_allow_any_caller: true`"
            );
            root.problem(key, message);
        }
    }
}

fn is_reachable_from_elsewhere(address: &ListenAddress) -> bool {
    match address {
        ListenAddress::Tcp(address) => !address.ip().to_canonical().is_loopback(),
        ListenAddress::Unix(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ListenAddress, String> {
        ListenAddress::read(&Value::Text(text.to_owned()))
    }

    #[test]
    fn addresses_are_ip_and_port_or_an_absolute_socket_path() {
        for good in ["127.0.0.1:0", "0.0.0.0:50051", "[::1]:50051", "unix:/run/countersign/grpc.sock"] {
            let address = read(good).unwrap();
            assert_eq!(address.show().to_string().trim_matches('"'), good);
        }
        for bad in
            ["localhost:50051", "127.0.0.1", ":50051", "::1:50051", "unix:run/a", "unix:", "http://1.2.3.4:5"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_loopback_and_sockets_are_out_of_reach() {
        for (address, reachable) in [
            ("127.0.0.1:1", false),
            ("127.9.9.9:1", false),
            ("[::1]:1", false),
            ("[::ffff:127.0.0.1]:1", false),
            ("unix:/a", false),
            ("0.0.0.0:1", true),
            ("[::]:1", true),
            ("10.0.0.1:1", true),
            ("[fe80::1]:1", true),
        ] {
            assert_eq!(is_reachable_from_elsewhere(&read(address).unwrap()), reachable, "{address}");
        }
    }
}
