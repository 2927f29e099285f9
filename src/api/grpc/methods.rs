//! Every method that this process knows, with what the limits make of it.

/// A method's place in `METHODS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The position in [`names`].
    pub index: usize,
    /// How it is limited.
    pub kind: Kind,
}

/// How calls of a method are limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of `limits.max_concurrent`.
    Unary,
    /// The same until its caller has fetched the answer, which may be large.
    Bulk,
    /// Open for long on purpose: counted apart, ended by a drain.
    Stream,
    /// Health checks, which must be answered when nothing else is.
    Exempt,
}

/// What a call of an unknown method counts as. It is answered UNIMPLEMENTED.
const OTHER: (&str, Kind) = ("other", Kind::Unary);

/// The most frequent first: the list is searched in order.
const METHODS: [(&str, Kind); 15] = [
    ("countersign.v1.TokenService/Validate", Kind::Unary),
    ("envoy.service.auth.v3.Authorization/Check", Kind::Unary),
    ("countersign.v1.TokenService/BatchValidate", Kind::Bulk),
    ("countersign.v1.TokenService/Refresh", Kind::Unary),
    ("countersign.v1.TokenService/Revoke", Kind::Unary),
    ("grpc.health.v1.Health/Check", Kind::Exempt),
    ("grpc.health.v1.Health/Watch", Kind::Stream),
    ("countersign.v1.SessionService/CreateSession", Kind::Unary),
    ("countersign.v1.SessionService/GetSession", Kind::Unary),
    ("countersign.v1.SessionService/ListSessions", Kind::Unary),
    ("countersign.v1.SessionService/RevokeSession", Kind::Unary),
    ("countersign.v1.SessionService/RevokeUserSessions", Kind::Unary),
    ("countersign.v1.SessionService/WatchEvents", Kind::Stream),
    ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Kind::Stream),
    ("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", Kind::Stream),
];

/// The method behind a request's path, `/package.Service/Method`.
pub fn of_path(path: &str) -> Method {
    let name = path.strip_prefix('/').unwrap_or_default();
    METHODS.iter().enumerate().find(|(_, (known, _))| *known == name).map_or(
        Method { index: METHODS.len(), kind: OTHER.1 },
        |(index, (_, kind))| Method { index, kind: *kind },
    )
}

/// The names by position, as metrics call them.
pub fn names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().chain([&OTHER]).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    /// The table cannot forget a method, or that it streams.
    #[test]
    fn every_method_of_the_protos_is_in_the_table() {
        let reflection = [
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let sets = [crate::proto::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET];
        let mut methods = 0;
        for set in sets.into_iter().chain(reflection) {
            for file in FileDescriptorSet::decode(set).unwrap().file {
                for service in &file.service {
                    for method in &service.method {
                        let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                        let found = of_path(&format!("/{name}"));
                        assert_eq!(names().nth(found.index), Some(name.as_str()));
                        assert_eq!(found.kind == Kind::Stream, method.server_streaming(), "{name}");
                        methods += 1;
                    }
                }
            }
        }
        // Envoy's one method is in none of these protos.
        assert!(methods >= METHODS.len() - 2, "{methods}");
    }

    #[test]
    fn anything_else_is_other() {
        for path in ["", "/", "/x", "countersign.v1.TokenService/Validate", "/grpc.health.v1.Health/"] {
            let method = of_path(path);
            assert_eq!((names().nth(method.index), method.kind), (Some("other"), Kind::Unary), "{path}");
        }
    }
}
