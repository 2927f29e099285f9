//! Whether the ACL lets the user do what the store does.

use redis::{FromRedisValue, Pipeline, Value};

use super::{
    super::{
        conn::{Conn, all_good},
        durability::Confirm,
    },
    facts::Facts,
};
use crate::store::redis::trouble::{RedisTrouble, Unfit, UnfitKind};

/// What the store sends, with arguments that fit; the words in braces become keys.
const NEEDED: [&str; 49] = [
    "EVAL s 0",
    "EVALSHA s 0",
    "INFO server",
    "TIME",
    "HGET {home} f",
    "HMGET {home} f",
    "HGETALL {home}",
    "HSET {home} f v",
    "HSETNX {home} f v",
    "HDEL {home} f",
    "HSCAN {home} 0",
    "HLEN {home}",
    "ZADD {home} 1 m",
    "ZREM {home} m",
    "ZRANGE {home} 0 1",
    "ZRANGEBYSCORE {home} 0 1",
    "ZCARD {home}",
    "XADD {home} * f v",
    "XLEN {home}",
    "XREVRANGE {home} + -",
    "XREAD STREAMS {home} 0",
    "SET {home} v",
    "DEL {home}",
    "HGETALL {session}",
    "HMGET {session} f",
    "HSET {session} f v",
    "PEXPIREAT {session} 1",
    "ZADD {sessions-of} 1 m",
    "ZRANGE {sessions-of} 0 1",
    "ZREVRANGE {sessions-of} 0 1",
    "ZCARD {sessions-of}",
    "ZREMRANGEBYSCORE {sessions-of} 0 1",
    "PEXPIREAT {sessions-of} 1",
    "HGET {key-sets} f",
    "HSET {key-sets} f v",
    "HDEL {key-sets} f",
    "HGET {family} f",
    "HMGET {family} f",
    "HEXISTS {family} f",
    "HSET {family} f v",
    "HDEL {family} f",
    "PEXPIREAT {family} 1",
    "GET {refresh}",
    "SET {refresh} v PXAT 1",
    "GET {held}",
    "SET {held} v PXAT 1",
    "GET {limit}",
    "SET {limit} v PX 1",
    "DEL {limit}",
];

/// Asks about each command and its keys, and answers with the numbers of those that are denied. Nothing is carried out.
const SCRIPT: &str = "local denied = {} \
    for number, line in ipairs(ARGV) do \
        local words = {} \
        for word in string.gmatch(line, '[^\\1]+') do words[#words + 1] = word end \
        if not redis.acl_check_cmd(unpack(words)) then denied[#denied + 1] = number end \
    end \
    return denied";

/// What is denied of what is needed.
pub(in super::super) async fn permissions(
    conn: &Conn,
    prefix: &str,
    facts: &Facts,
    confirm: &Confirm,
) -> Result<Vec<Unfit>, RedisTrouble> {
    let mut needed: Vec<String> = NEEDED.iter().map(|line| with_keys(line, prefix)).collect();
    // Servers that do not know it are never asked to wait for their disk.
    match confirm {
        Confirm::Replicas(_) => needed.push("WAIT\u{1}1\u{1}1".to_owned()),
        Confirm::Disk => needed.push("WAITAOF\u{1}1\u{1}0\u{1}1".to_owned()),
        Confirm::Answer | Confirm::Impossible(_) => {}
    }
    let mut question = Pipeline::new();
    question.cmd("EVAL").arg(SCRIPT).arg(0).arg(&needed);
    let denied = match all_good(conn.run(&question).await?) {
        Ok(answers) => answers.into_iter().next().map_or_else(Vec::new, numbers),
        Err(trouble) if trouble.code() == Some("NOPERM") => return Ok(vec![unfit(facts, "`eval`")]),
        Err(trouble) => return Err(trouble),
    };
    let denied: Vec<_> = denied.into_iter().filter_map(|number| needed.get(number - 1)).collect();
    if denied.is_empty() {
        return Ok(Vec::new());
    }
    let shown: Vec<_> = denied.iter().map(|line| shown(line)).collect();
    Ok(vec![unfit(facts, &shown.join(", "))])
}

/// The command, split at its bar, and its keys: with a byte between that no name holds.
fn with_keys(line: &str, prefix: &str) -> String {
    let line = line
        .replace("SCRIPT|LOAD", "SCRIPT LOAD")
        .replace(' ', "\u{1}")
        .replace("{home}", &format!("{{{prefix}}}:meta"))
        .replace("{key-sets}", &format!("{prefix}:key-sets"));
    // One of many in a slot of its own.
    ["sessions-of", "session", "family", "refresh", "held", "limit"]
        .into_iter()
        .fold(line, |line, kind| line.replace(&format!("{{{kind}}}"), &format!("{prefix}:{kind}:{{0}}")))
}

/// The command, and the key if it has one: whichever of them is denied.
fn shown(line: &str) -> String {
    let mut words = line.split('\u{1}');
    let command = words.next().unwrap_or_default().to_lowercase();
    match words.find(|word| word.contains(':')) {
        Some(key) => format!("`{command}` on `{key}`"),
        None => format!("`{command}`"),
    }
}

fn numbers(answer: Value) -> Vec<usize> {
    Vec::from_redis_value(answer).unwrap_or_default()
}

fn unfit(facts: &Facts, denied: &str) -> Unfit {
    facts.a(UnfitKind::Permission, format!("the user may not use {denied}"), "permit it in the server's ACL")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The contract of every store is checked with a user who may do this and no more.
    #[test]
    fn operators_are_told_which_commands_a_user_needs() {
        let documented = include_str!("../../../../../docs/operations.md");
        let rules = documented.lines().find(|line| line.starts_with("ACL SETUSER ")).unwrap();
        let told: BTreeSet<_> = rules.split(' ').filter_map(|word| word.strip_prefix('+')).collect();
        let name = |line: &&str| line.split(' ').next().unwrap().to_lowercase();
        let needed: BTreeSet<_> = NEEDED.iter().map(name).collect();
        let but: Vec<_> = told.iter().filter(|name| !needed.contains(**name)).copied().collect();
        assert_eq!(but, ["@connection", "config|get", "scan"], "what nothing needs at a start");
        let missing: Vec<_> = needed.iter().filter(|name| !told.contains(name.as_str())).collect();
        assert_eq!(missing, Vec::<&String>::new());
        assert!(documented.contains("`+wait` with `durability: {replicas: n}`, `+waitaof` with `fsync`"));
    }
}
