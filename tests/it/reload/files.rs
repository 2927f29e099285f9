//! Which changes are noticed.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{Party, issuers, reloaded};
use crate::support::{
    service::Service,
    tokens::{Signer, claims},
};

/// As Kubernetes mounts a volume: names lead through `..data` to a directory that each change replaces.
fn mount(directory: &Path, version: &str, files: &[(&str, &[u8])]) {
    let target = directory.join(version);
    fs::create_dir(&target).unwrap();
    for (name, content) in files {
        fs::write(target.join(name), content).unwrap();
    }
    symlink(version, directory.join("..data_tmp")).unwrap();
    fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
}

#[tokio::test]
async fn a_configuration_and_a_secret_behind_symbolic_links_are_noticed_when_those_are_swapped() {
    let [old, new] = [[b'o'; 32], [b'n'; 32]];
    let issuer = "https://shared.example.test";
    let one = Party::new("one");
    let volume = tempfile::tempdir().unwrap();
    mount(volume.path(), "..1", &[("secret", &old)]);
    symlink("..data/secret", volume.path().join("secret")).unwrap();
    let secret = volume.path().join("secret");
    let entry =
        format!("  - {{ issuer: {issuer}, audiences: [a], secret: {{ file: {} }} }}\n", secret.display());
    let keys = one.key_set();
    let service = Service::start_with_files(&issuers(&[entry]), &[("one.json", keys.as_bytes())]).await;
    let token = |secret: &[u8]| Signer::shared("HS256", secret).access_token(&claims(issuer, "a"));
    service.validate(&token(&old)).await.good();
    mount(volume.path(), "..2", &[("secret", &new)]);
    reloaded(&service, 1).await;
    service.validate(&token(&new)).await.good();
    assert!(!service.validate(&token(&old)).await.is_good());

    // The configuration moves behind such links, too. That its content is the same changes nothing.
    let file = service.directory().join("countersign.yaml");
    let text = fs::read_to_string(&file).unwrap();
    mount(volume.path(), "..3", &[("secret", &new), ("countersign.yaml", text.as_bytes())]);
    symlink("..data/countersign.yaml", volume.path().join("countersign.yaml")).unwrap();
    symlink(volume.path().join("countersign.yaml"), service.directory().join("link")).unwrap();
    fs::rename(service.directory().join("link"), &file).unwrap();
    let both = text.replace("issuers:\n", &issuers(&[one.entry("")]));
    mount(volume.path(), "..4", &[("secret", &new), ("countersign.yaml", both.as_bytes())]);
    reloaded(&service, 2).await;
    service.validate(&token(&new)).await.good();
    service.validate(&one.token()).await.good();
}

#[tokio::test]
async fn a_file_that_is_written_in_place_is_noticed() {
    let (one, two) = (Party::new("one"), Party::new("two"));
    let service = super::start(&one, &two).await;
    let file = service.directory().join("countersign.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("issuers:\n", &issuers(&[two.entry("")]))).unwrap();
    reloaded(&service, 1).await;
    service.validate(&two.token()).await.good();
}
