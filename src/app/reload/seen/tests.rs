use std::fs;

use super::*;

const GOOD: &str = "issuers: [{ issuer: https://a.example, audiences: [api], secret: { file: secret } }]\n";
const SECRET: &str = "a secret of more than thirty-two bytes";

struct Room {
    directory: tempfile::TempDir,
    file: ConfigFile,
}

impl Room {
    fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("countersign.yaml");
        fs::write(directory.path().join("secret"), SECRET).unwrap();
        fs::write(&path, GOOD).unwrap();
        let env = Environment::default();
        let files = Config::read(&path, &env).files;
        Self { directory, file: ConfigFile::new(path, env, files) }
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.directory.path().join(name), content).unwrap();
    }

    /// Whether a look reads something, and whether that is a configuration.
    fn look(&mut self) -> Option<bool> {
        self.file.look(false).map(|reading| reading.outcome.is_ok())
    }
}

#[test]
fn what_is_read_already_is_not_read_again_unless_somebody_asks() {
    let mut room = Room::open();
    room.write("countersign.yaml", GOOD);
    assert_eq!(room.look(), None);
    assert!(room.file.look(true).unwrap().outcome.is_ok());
    assert_eq!(room.look(), None);
}

#[test]
fn a_change_is_read_when_two_looks_in_a_row_find_the_same() {
    let mut room = Room::open();
    for half in ["issuers: [{ issuer:", "issuers: [{ issuer: https://a.example, audiences: [", "issuers:"] {
        room.write("countersign.yaml", half);
        assert_eq!(room.look(), None, "somebody may be writing still");
    }
    room.write("countersign.yaml", &format!("{GOOD}cache: {{ max_age: 1m }}\n"));
    assert_eq!(room.look(), None);
    assert_eq!(room.look(), Some(true));
    assert_eq!(room.look(), None);

    room.write("secret", "another secret of more than thirty-two bytes");
    assert_eq!((room.look(), room.look(), room.look()), (None, Some(true), None));
}

#[test]
fn a_change_that_is_taken_back_is_none() {
    let mut room = Room::open();
    room.write("countersign.yaml", "x");
    assert_eq!(room.look(), None);
    room.write("countersign.yaml", GOOD);
    assert_eq!(room.look(), None);
    room.write("countersign.yaml", "x");
    assert_eq!(room.look(), None);
}

#[test]
fn a_refused_content_is_read_once_and_its_mending_is_noticed() {
    let mut room = Room::open();
    room.write("countersign.yaml", "x");
    assert_eq!((room.look(), room.look(), room.look()), (None, Some(false), None));
    room.write("countersign.yaml", GOOD);
    assert_eq!((room.look(), room.look(), room.look()), (None, Some(true), None));

    fs::remove_file(room.directory.path().join("secret")).unwrap();
    assert_eq!((room.look(), room.look(), room.look()), (None, Some(false), None));
    room.write("secret", SECRET);
    assert_eq!((room.look(), room.look(), room.look()), (None, Some(true), None));
}

#[test]
fn a_file_that_a_refused_configuration_misses_is_noticed_when_it_comes() {
    let mut room = Room::open();
    room.write("countersign.yaml", &GOOD.replace("secret: { file: secret }", "jwks_file: keys.json"));
    assert_eq!((room.look(), room.look(), room.look()), (None, Some(false), None));
    room.write("keys.json", "{}");
    assert_eq!((room.look(), room.look(), room.look()), (None, Some(true), None));
    room.write("keys.json", "another key set");
    assert_eq!((room.look(), room.look()), (None, None), "its content is its issuer's");
}

#[test]
fn nothing_shows_a_digest_of_a_secret() {
    let shown = format!("{:?}", Room::open().file);
    assert!(shown.contains("secret") && !shown.contains("digest"), "{shown}");
}
