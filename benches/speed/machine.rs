//! What a reader has to know before believing a figure: the machine, the versions, and who else was at work.

use std::{collections::HashMap, process::Command, time::Duration};

use crate::load::{CALLS_AT_ONCE, CONNECTIONS};

/// Linux counts CPU time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;
const WATCHED: Duration = Duration::from_secs(1);
/// A process that takes this part of a core takes it from what is measured.
const BUSY: f64 = 0.05;

/// Prints it. Takes a second, to see who is busy.
pub(crate) async fn describe() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("machine:    {}, {cores} cores for this process, {}", cpu(), memory());
    println!("system:     {} {}", read("/proc/sys/kernel/ostype"), read("/proc/sys/kernel/osrelease"));
    println!(
        "versions:   countersign {} ({}), {}",
        env!("CARGO_PKG_VERSION"),
        commit(),
        said("rustc", &["--version"])
    );
    let load = read("/proc/loadavg");
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    println!("conditions: load average {}; {}", load.join(" "), busy().await);
    println!(
        "load:       closed loop, {CONNECTIONS} connections, {CALLS_AT_ONCE} calls at once, over loopback\n"
    );
}

fn cpu() -> String {
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| format!("unknown {} processor", std::env::consts::ARCH), |(_, name)| name.to_owned())
}

fn memory() -> String {
    let info = read("/proc/meminfo");
    let mib = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
    };
    match (mib("MemTotal:"), mib("MemAvailable:")) {
        (Some(total), Some(free)) => format!("{total} MiB memory, {free} available"),
        _ => "unknown memory".to_owned(),
    }
}

fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    if changed.is_empty() { commit } else { format!("{commit} and uncommitted changes") }
}

/// Who else takes CPU time, over a second in which nothing is measured.
async fn busy() -> String {
    let before = cpu_ticks();
    tokio::time::sleep(WATCHED).await;
    let mut busy: Vec<(f64, String)> = cpu_ticks()
        .into_iter()
        .filter_map(|(id, (name, ticks))| {
            let since = before.get(&id).map_or(0, |(_, ticks)| *ticks);
            let cores = ticks.saturating_sub(since) as f64 / TICKS_PER_SECOND / WATCHED.as_secs_f64();
            (cores >= BUSY).then_some((cores, name))
        })
        .collect();
    busy.sort_by(|a, b| b.0.total_cmp(&a.0));
    if busy.is_empty() {
        return "no other busy process".to_owned();
    }
    let cores: f64 = busy.iter().map(|(cores, _)| cores).sum();
    let names: Vec<_> = busy.iter().take(5).map(|(cores, name)| format!("{name} {cores:.2}")).collect();
    format!("{} OTHER BUSY PROCESSES take {cores:.2} cores ({})", busy.len(), names.join(", "))
}

/// Name and CPU time of every other process, by its id. Those in other containers are not seen, only their load is.
fn cpu_ticks() -> HashMap<u32, (String, u64)> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let (command, fields) = stat.rsplit_once(')')?;
            let name = command.split_once('(')?.1.to_owned();
            // As in process.rs.
            let fields: Vec<&str> = fields.split_whitespace().collect();
            let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
            (id != std::process::id()).then_some((id, (name, ticks)))
        })
        .collect()
}

fn read(file: &str) -> String {
    std::fs::read_to_string(file).map_or_else(|_unreadable| String::new(), |text| text.trim().to_owned())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    output.map_or_else(
        |_absent| format!("no {program}"),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
