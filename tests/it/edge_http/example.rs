//! The example of nginx, run by its one command.

use std::time::Duration;

use tokio::process::Command;

use crate::{
    readme::{blocks, matches, root},
    support::{ports, process::Running, wait::within},
};

const TO_RUN: Duration = Duration::from_mins(3);

#[tokio::test]
async fn the_example_runs_and_prints_what_its_page_says() {
    let page = std::fs::read_to_string(root().join("examples/nginx/README.md")).unwrap();
    let blocks = blocks(&page);
    let said = blocks.iter().find(|block| block.language == "text").unwrap();
    let command = blocks.iter().find(|block| block.language == "sh").unwrap();
    let ports = [(); 4].map(|()| ports::reserve().to_string()).join(" ");
    let mut running = Running::start(
        Command::new("bash")
            .args(["-c", &command.text])
            .current_dir(root())
            .env("PORTS", ports)
            .env("COUNTERSIGN", env!("CARGO_BIN_EXE_countersign")),
    );
    let status = within("the example to end", TO_RUN, running.wait_exit()).await;
    let printed = running.output.text();
    assert!(status.success(), "{status}\n{printed}");
    assert!(matches(&printed, &said.text), "the page says:\n{}\nbut it printed:\n{printed}", said.text);
}
