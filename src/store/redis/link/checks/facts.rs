//! What a server says of itself, and what follows.

use std::collections::BTreeMap;

use redis::{FromRedisValue, Pipeline, Value};

use super::super::{conn::Conn, connect::Connector, durability::Confirm};
use crate::store::{
    redis::trouble::{RedisTrouble, Unfit, UnfitKind},
    settings::{Durability, Topology},
};

/// The settings that are asked for, each by itself: a server may deny some.
const SETTINGS: [&str; 4] = ["maxmemory-policy", "appendonly", "appendfsync", NOT_WHILE_REWRITING];

/// With it, nothing is synced for as long as the server rewrites its file, whatever `appendfsync` says.
const NOT_WHILE_REWRITING: &str = "no-appendfsync-on-rewrite";

/// The first version with everything that is needed, and the first with `WAITAOF`.
const NEEDED: (u16, u16) = (7, 0);
const WITH_WAITAOF: (u16, u16) = (7, 2);

/// What a server says of itself.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Facts {
    pub(super) node: String,
    /// Another one in each of its lives.
    pub(in super::super) run_id: String,
    pub(super) version: String,
    info: BTreeMap<String, String>,
    settings: BTreeMap<&'static str, String>,
}

impl Facts {
    /// Asks for them.
    pub(in super::super) async fn read(conn: &Conn, connector: &Connector) -> Result<Self, RedisTrouble> {
        let mut questions = Pipeline::new();
        questions.cmd("INFO");
        for setting in SETTINGS {
            questions.cmd("CONFIG").arg("GET").arg(setting);
        }
        let mut answers = conn.run(&questions).await?.into_iter();
        let info = match answers.next() {
            Some(Value::ServerError(error)) => {
                return Err(match error.code() {
                    "NOAUTH" => connector.login_refused(&conn.address, "it does not let us in"),
                    "NOPERM" => permission(conn, "info"),
                    code => RedisTrouble::refused(code, error.details()),
                });
            }
            Some(value) => String::from_redis_value(value).unwrap_or_default(),
            None => String::new(),
        };
        let fields = info.lines().filter_map(|line| line.split_once(':'));
        let info: BTreeMap<_, _> =
            fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        let settings = SETTINGS.into_iter().zip(answers).filter_map(|(name, answer)| {
            let (_, value) = <(String, String)>::from_redis_value(answer).ok()?;
            Some((name, value))
        });
        let field = |name: &str| info.get(name).cloned().unwrap_or_default();
        Ok(Self {
            node: conn.address.to_string(),
            run_id: field("run_id"),
            version: field("redis_version"),
            settings: settings.collect(),
            info,
        })
    }

    /// Whether it can be used at all. What passes by itself, such as a failover that is under way, is no `Unfit`.
    pub(in super::super) fn usable(&self, topology: &Topology) -> Result<(), RedisTrouble> {
        if self.says("redis_mode", "sentinel") {
            return Err(self.topology("it is a sentinel", "name it under `store.sentinel`"));
        }
        if self.numbers() < NEEDED {
            let what = format!("its version is {}", self.version);
            return Err(self.a(UnfitKind::Version, what, "Redis 7.0 or later is needed").into());
        }
        let clustered = self.says("cluster_enabled", "1");
        match topology {
            Topology::Single | Topology::Sentinel { .. } if clustered => {
                return Err(self.topology("it is a node of a cluster", "set `store.cluster: true`"));
            }
            Topology::Cluster if !clustered => {
                return Err(self.topology("it is no node of a cluster", "leave out `store.cluster`"));
            }
            Topology::Single | Topology::Sentinel { .. } | Topology::Cluster => {}
        }
        if self.says("loading", "1") {
            return Err(RedisTrouble::refused("LOADING", Some("it still reads its files")));
        }
        self.primary(topology)
    }

    fn primary(&self, topology: &Topology) -> Result<(), RedisTrouble> {
        match (self.info.get("role").map(String::as_str), topology) {
            (Some("master"), _) => Ok(()),
            (_, Topology::Single) => Err(self
                .a(
                    UnfitKind::Replica,
                    "it is a read replica".to_owned(),
                    "name the primary, or the sentinels that know it",
                )
                .into()),
            // A failover is under way.
            (_, Topology::Sentinel { .. } | Topology::Cluster) => {
                Err(RedisTrouble::refused("READONLY", Some("it is a read replica")))
            }
        }
    }

    /// What it does not keep of what a store needs.
    pub(in super::super) fn unfit(&self, durability: Durability) -> Vec<Unfit> {
        let mut unfit = Vec::new();
        if let Some(policy) = self.policy().filter(|policy| *policy != "noeviction") {
            let what = format!("`maxmemory-policy` is {policy}, so that revocations can be evicted");
            unfit.push(self.a(UnfitKind::Eviction, what, "set it to noeviction"));
        }
        if let Confirm::Impossible(what) = self.confirm(durability) {
            let advice = "set `appendonly yes`, and before Redis 7.2 `appendfsync always` and `no-appendfsync-on-rewrite \
                          no`, too, or choose another `store.durability`";
            unfit.push(self.a(UnfitKind::Durability, what, advice));
        }
        if let Durability::Replicas(wanted) = durability
            && self.replicas().is_some_and(|have| have < u32::from(wanted))
        {
            let what = format!("it has {} replicas", self.replicas().unwrap_or(0));
            let advice = format!("`store.durability` needs {wanted}: add replicas, or choose another");
            unfit.push(self.a(UnfitKind::Durability, what, &advice));
        }
        unfit
    }

    /// What makes a write as durable as it has to be.
    pub(in super::super) fn confirm(&self, durability: Durability) -> Confirm {
        match durability {
            Durability::Memory => Confirm::Answer,
            Durability::Replicas(many) => Confirm::Replicas(many),
            Durability::Fsync => match (self.append_only(), self.setting("appendfsync")) {
                (Some(false), _) => Confirm::Impossible("there is no append-only file".to_owned()),
                // Whatever is set now may be set otherwise in a moment: who can say that it is on the disk is asked.
                _ if self.numbers() >= WITH_WAITAOF => Confirm::Disk,
                (_, Some("always")) if self.setting(NOT_WHILE_REWRITING) == Some("yes") => {
                    Confirm::Impossible(format!("`{NOT_WHILE_REWRITING}` is yes"))
                }
                // One that does not say is spoken of elsewhere.
                (_, Some("always") | None) => Confirm::Answer,
                (_, Some(when)) => Confirm::Impossible(format!("`appendfsync` is {when}")),
            },
        }
    }

    /// What it did not let us read, of what matters.
    pub(super) fn unread(&self, durability: Durability) -> Vec<&'static str> {
        let mut unread = Vec::new();
        if self.policy().is_none() {
            unread.push("maxmemory-policy");
        }
        if matches!(durability, Durability::Fsync) {
            if self.append_only().is_none() {
                unread.push("appendonly");
            }
            let silent =
                ["appendfsync", NOT_WHILE_REWRITING].into_iter().filter(|it| self.setting(it).is_none());
            unread.extend(silent.filter(|_| self.numbers() < WITH_WAITAOF));
        }
        unread
    }

    /// Something unfit about it.
    pub(super) fn a(&self, kind: UnfitKind, what: String, advice: &str) -> Unfit {
        Unfit { node: self.node.clone(), kind, what, advice: advice.to_owned() }
    }

    fn topology(&self, what: &str, advice: &str) -> RedisTrouble {
        self.a(UnfitKind::Topology, what.to_owned(), advice).into()
    }

    fn policy(&self) -> Option<&str> {
        self.setting("maxmemory-policy").or_else(|| self.info.get("maxmemory_policy").map(String::as_str))
    }

    fn append_only(&self) -> Option<bool> {
        let setting = self.setting("appendonly").map(|value| value == "yes");
        setting.or_else(|| self.info.get("aof_enabled").map(|value| value == "1"))
    }

    fn replicas(&self) -> Option<u32> {
        self.info.get("connected_slaves")?.parse().ok()
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    fn says(&self, field: &str, value: &str) -> bool {
        self.info.get(field).is_some_and(|it| it == value)
    }

    /// The version's first two numbers. One that nobody can read is as good as the latest.
    fn numbers(&self) -> (u16, u16) {
        let mut numbers = self.version.split('.').map(|part| part.parse().unwrap_or(u16::MAX));
        (numbers.next().unwrap_or(u16::MAX), numbers.next().unwrap_or(u16::MAX))
    }
}

fn permission(conn: &Conn, command: &str) -> RedisTrouble {
    Unfit {
        node: conn.address.to_string(),
        kind: UnfitKind::Permission,
        what: format!("the user may not use `{command}`"),
        advice: "permit it in the server's ACL".to_owned(),
    }
    .into()
}

#[cfg(test)]
impl Facts {
    /// A server of this version with these settings.
    pub(super) fn of(version: &str, settings: &[(&'static str, &str)]) -> Self {
        let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { version: version.to_owned(), settings, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_a_write_durable_depends_on_the_server() {
        let impossible = |facts: &Facts| matches!(facts.confirm(Durability::Fsync), Confirm::Impossible(_));
        let every_second = [("appendonly", "yes"), ("appendfsync", "everysec")];
        let always = [("appendonly", "yes"), ("appendfsync", "always")];
        assert!(impossible(&Facts::of("7.0.15", &every_second)));
        assert_eq!(Facts::of("7.2.0", &every_second).confirm(Durability::Fsync), Confirm::Disk);
        assert_eq!(Facts::of("8.0.1", &every_second).confirm(Durability::Fsync), Confirm::Disk);
        assert_eq!(Facts::of("7.0.15", &always).confirm(Durability::Fsync), Confirm::Answer);
        assert_eq!(Facts::of("7.2.0", &always).confirm(Durability::Fsync), Confirm::Disk);
        let but = [always[0], always[1], ("no-appendfsync-on-rewrite", "yes")];
        assert!(impossible(&Facts::of("7.0.15", &but)));
        assert_eq!(Facts::of("7.2.0", &but).confirm(Durability::Fsync), Confirm::Disk);
        assert!(impossible(&Facts::of("7.2.0", &[("appendonly", "no"), ("appendfsync", "always")])));
        let silent = Facts::of("7.0.15", &[]);
        assert_eq!(
            silent.unread(Durability::Fsync),
            ["maxmemory-policy", "appendonly", "appendfsync", "no-appendfsync-on-rewrite"]
        );
        assert_eq!(silent.unread(Durability::Memory), ["maxmemory-policy"]);
    }

    #[test]
    fn redis_before_7_is_too_old() {
        let usable = |version| Facts::of(version, &[]).usable(&Topology::Single).unwrap_err();
        assert!(matches!(usable("6.2.14"), RedisTrouble::Unfit(Unfit { kind: UnfitKind::Version, .. })));
        assert!(matches!(usable("7.0.0"), RedisTrouble::Unfit(Unfit { kind: UnfitKind::Replica, .. })));
    }
}
