//! The four clients. scripts/install-clients.sh has built them.

use std::{fmt, path::PathBuf, time::Duration};

use tokio::process::Command;

use crate::{
    readme::{blocks, root},
    support::wait::within,
};

/// Far longer than any client needs: the machine may be busy, and a virtual machine has to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A client.
pub(super) struct Language {
    /// Its heading in the README.
    heading: &'static str,
    directory: &'static str,
    /// The file to copy, from the directory.
    pub(super) validator: &'static str,
    /// How README.md and docs/errors.md mark this language's code.
    pub(super) fence: &'static str,
    /// Twenty seconds, as its `--timeout` wants them: for calls that must be answered.
    patient: &'static str,
}

pub(super) const LANGUAGES: [Language; 4] = [
    Language {
        heading: "Go",
        directory: "go",
        validator: "countersign/countersign.go",
        fence: "go",
        patient: "20s",
    },
    Language {
        heading: "Python",
        directory: "python",
        validator: "validator.py",
        fence: "python",
        patient: "20",
    },
    Language { heading: "Node.js", directory: "node", validator: "validator.js", fence: "js", patient: "20" },
    Language {
        heading: "Java",
        directory: "java",
        validator: "src/main/java/example/Validator.java",
        fence: "java",
        patient: "20",
    },
];

/// What a client printed, and its exit code.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    err: String,
    language: &'static str,
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, out, err, language } = self;
        write!(f, "the {language} client ended with {code}:\n{out}{err}")
    }
}

impl Said {
    /// Fails the test unless the client printed exactly this line and ended with this code.
    #[track_caller]
    pub(super) fn is(&self, out: &str, code: i32) {
        assert_eq!((self.out.as_str(), self.code), (format!("{out}\n").as_str(), code), "{self:?}");
    }

    /// Fails the test if the client said that a token is good, or that one is not.
    #[track_caller]
    pub(super) fn is_no_answer(&self) {
        assert!(matches!(self.code, 2 | 3), "{self:?}");
        assert!(self.out.is_empty() || self.out.starts_with("cannot tell: "), "{self:?}");
    }
}

impl Language {
    /// Asks about a token, with time enough.
    pub(super) async fn ask(&self, address: &str, token: &str) -> Said {
        self.ask_with(address, token, "").await
    }

    /// The same, with further options.
    pub(super) async fn ask_with(&self, address: &str, token: &str, options: &str) -> Said {
        self.run(address, token, &format!("--timeout {} {options}", self.patient)).await
    }

    /// The README's command, and these options behind it.
    pub(super) async fn run(&self, address: &str, token: &str, options: &str) -> Said {
        let script = format!("{} {options}", self.commands().1.trim_end());
        let command = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(self.path())
            .env("TOKEN", token)
            .env("COUNTERSIGN_ADDRESS", address)
            .kill_on_drop(true)
            .output();
        let output = within(&script, PATIENCE, command).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let code = output.status.code().expect("no signal ends it");
        let said = Said { code, out: text(output.stdout), err: text(output.stderr), language: self.heading };
        assert!(token.len() < 3 || !format!("{said:?}").contains(token), "it shows the token");
        said
    }

    /// The blocks of commands in its section: to build, and to ask.
    pub(super) fn commands(&self) -> (String, String) {
        let readme = std::fs::read_to_string(root().join("examples/clients/README.md")).unwrap();
        let heading = format!("\n## {}\n", self.heading);
        let (_, section) = readme.split_once(&heading).unwrap_or_else(|| panic!("no {heading}"));
        let section = section.split("\n## ").next().unwrap();
        let mut commands = blocks(section).into_iter().filter(|block| block.language == "sh");
        let both = (commands.next().unwrap().text, commands.next().unwrap().text);
        assert!(commands.next().is_none(), "{heading} has more commands than to build and to ask");
        both
    }

    /// The text of the file to copy.
    pub(super) fn source(&self) -> String {
        std::fs::read_to_string(self.path().join(self.validator)).unwrap()
    }

    fn path(&self) -> PathBuf {
        root().join("examples/clients").join(self.directory)
    }
}
