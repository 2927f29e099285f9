use std::{fs, os::unix::fs::PermissionsExt, thread};

use super::{super::testing::TempDir, *};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn problem(json: &str) -> RingProblem {
    format::parse(json.as_bytes()).unwrap_err()
}

fn ids(ring: &KeyRing) -> Vec<KeyId> {
    ring.iter().map(RingKey::id).collect()
}

#[test]
fn the_file_is_read_back_as_it_was_written() {
    let json = format!(
        r#"{{"version":1,"keys":[{{"id":"0a1b2c3d","secret":"{SECRET}"}},{{"id":"00000000","secret":"{SECRET}"}}]}}"#
    );
    let ring = format::parse(json.as_bytes()).unwrap();
    assert_eq!(ids(&ring), [KeyId([0x0a, 0x1b, 0x2c, 0x3d]), KeyId([0; 4])]);
    assert_eq!(ring.sealing_key().secret.expose(), (0..32).collect::<Vec<u8>>());
    assert_eq!(*ring.expose_json(), format!("{json}\n").into_bytes());
}

#[test]
fn whatever_is_wrong_with_a_ring_is_told_by_position_only() {
    use RingProblem::{Empty, Key, NewerVersion, Repeated, TooLong};
    let ring = |keys: &str| format!(r#"{{"version":1,"keys":[{keys}]}}"#);
    let key = |id: &str, secret: &str| format!(r#"{{"id":"{id}","secret":"{secret}"}}"#);
    let good = key("0a1b2c3d", SECRET);
    for (json, expected) in [
        (ring(""), Empty),
        (ring(&key("0A1B2C3D", SECRET)), Key { position: 1 }),
        (ring(&key("+a1b2c3d", SECRET)), Key { position: 1 }),
        (ring(&key("0a1b2c3", SECRET)), Key { position: 1 }),
        (ring(&format!("{good},{}", key("00000001", "AAEC"))), Key { position: 2 }),
        (ring(&key("0a1b2c3d", &format!("{SECRET}="))), Key { position: 1 }),
        (ring(&format!("{good},{good}")), Repeated { position: 2 }),
        (r#"{"version":2,"keys":"other","more":1}"#.to_owned(), NewerVersion { found: 2 }),
        (" ".repeat(70_000), TooLong),
    ] {
        assert_eq!(problem(&json), expected, "{json}");
    }
    // Places where serde's own message would quote the secret.
    for json in [
        format!(r#"{{"version":1,"keys":"{SECRET}"}}"#),
        format!(r#"{{"version":"{SECRET}"}}"#),
        format!(r#"{{"version":1,"keys":[],"{SECRET}":1}}"#),
        ring(&format!(r#"{{"id":"0a1b2c3d","secret":{{"{SECRET}":1}}}}"#)),
    ] {
        let problem = problem(&json);
        assert!(matches!(problem, RingProblem::NotAKeyRing { .. }), "{problem}");
        assert!(!format!("{problem} {problem:?}").contains(SECRET), "{problem}");
    }
}

#[test]
fn a_ring_shows_no_secret_in_debug() {
    let ring = KeyRing::generate().unwrap();
    let json = String::from_utf8(ring.expose_json().to_vec()).unwrap();
    let secret = json.split('"').find(|word| word.len() == 43).unwrap();
    let shown = format!("{ring:?} {ring:#?}");
    assert!(shown.contains("hidden") && !shown.contains(secret), "{shown}");
}

#[test]
fn a_created_ring_is_private_and_never_overwritten() {
    let dir = TempDir::new();
    let path = dir.path("ring.keys");
    let ring = KeyRing::create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let error = KeyRing::create(&path).unwrap_err();
    assert!(matches!(error, KeyRingError::Exists { .. }), "{error}");
    assert!(error.to_string().contains("--add"), "{error}");
    assert_eq!(ids(&KeyRing::load(&path).unwrap()), ids(&ring));
}

#[test]
fn starters_at_the_same_moment_end_up_with_one_ring() {
    let dir = TempDir::new();
    let path = dir.path("ring.keys");
    let rings: Vec<_> = thread::scope(|scope| {
        let starters: Vec<_> =
            (0..8).map(|_| scope.spawn(|| KeyRing::load_or_create(&path).unwrap())).collect();
        starters.into_iter().map(|starter| ids(&starter.join().unwrap())).collect()
    });
    assert!(rings.iter().all(|ring| *ring == rings[0]), "{rings:?}");
    assert_eq!(dir.names(), ["ring.keys"], "no draft is left");
}

#[test]
fn rotation_puts_a_new_key_first_and_keeps_the_old_ones() {
    let dir = TempDir::new();
    let path = dir.path("ring.keys");
    let old = ids(&KeyRing::create(&path).unwrap());
    KeyRing::rotate(&path).unwrap();
    KeyRing::rotate(&path).unwrap();
    let new = ids(&KeyRing::load(&path).unwrap());
    assert_eq!(new.len(), 3);
    assert_eq!(new[2], old[0]);
    assert!(matches!(KeyRing::rotate(&dir.path("none")), Err(KeyRingError::Missing { .. })));
}

#[test]
fn a_missing_directory_is_named() {
    let dir = TempDir::new();
    let error = KeyRing::load_or_create(&dir.path("none/ring.keys")).unwrap_err();
    assert!(matches!(error, KeyRingError::Unwritable { .. }), "{error}");
    assert!(error.to_string().contains("none/ring.keys"), "{error}");
}

#[test]
fn k13_a_ring_that_others_may_write_is_refused() {
    let dir = TempDir::new();
    let path = dir.path("ring.keys");
    let ring = KeyRing::create(&path).unwrap();
    for mode in [0o620, 0o602, 0o666, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for error in [KeyRing::load_or_create(&path).unwrap_err(), KeyRing::rotate(&path).unwrap_err()] {
            assert!(matches!(error, KeyRingError::Exposed { .. }), "{mode:o}: {error}");
            assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
        }
    }
    for mode in [0o600, 0o400, 0o440, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(ids(&KeyRing::load(&path).unwrap()), ids(&ring), "{mode:o}");
    }
}
