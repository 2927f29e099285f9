//! Compiles the protos with protox (no protoc), twice: as clients see them, and as the server writes them.

use std::{error::Error, path::PathBuf};

use prost_types::{
    FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

const FILES: [&str; 3] =
    ["countersign/v1/types.proto", "countersign/v1/token.proto", "countersign/v1/session.proto"];

/// Messages that carry a token or another credential. They get no `Debug`, so that `debug!(?request)` does not compile.
const SECRET: &[&str] = &[
    "countersign.v1.ValidateRequest",
    "countersign.v1.ValidateResponse",
    "countersign.v1.ValidateResponse.outcome",
    "countersign.v1.TokenInfo",
    "countersign.v1.BatchValidateRequest",
    "countersign.v1.BatchValidateResponse",
    "countersign.v1.BatchValidateItem",
    "countersign.v1.BatchValidateItem.result",
    "countersign.v1.RefreshRequest",
    "countersign.v1.RefreshRequest.credential",
    "countersign.v1.RefreshResponse",
    "countersign.v1.RefreshResponse.outcome",
    "countersign.v1.TokenSet",
    "countersign.v1.RevokeRequest",
    "countersign.v1.RevokeRequest.target",
    "countersign.v1.RequestContext",
    "countersign.v1.SessionTokens",
    "countersign.v1.AuthorizationCode",
    "countersign.v1.CreateSessionRequest",
    "countersign.v1.CreateSessionRequest.login",
    "countersign.v1.CreateSessionResponse",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    #[expect(clippy::disallowed_methods, reason = "how cargo tells a build script its directory")]
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let client = protox::compile(FILES, ["proto"])?;
    std::fs::write(out.join("descriptors.bin"), prost::Message::encode_to_vec(&client))?;
    let server = with_countable_targets(as_the_server_sees(client.clone())?)?;
    generate(client, out.join("client"), true)?;
    generate(server, out.join("server"), false)
}

fn generate(fds: FileDescriptorSet, dir: PathBuf, client: bool) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(&dir)?;
    let mut builder = tonic_prost_build::configure();
    if !client {
        // The server writes it by itself, item by item.
        builder = builder.extern_path(".countersign.v1.BatchValidateResponse", "crate::proto::WrittenBatch");
    }
    builder
        .out_dir(dir)
        .build_client(client)
        .build_server(!client)
        .generate_default_stubs(true)
        .bytes(".countersign.v1")
        .codec_path(if client { "tonic_prost::ProstCodec" } else { "crate::api::grpc::codec::StrictCodec" })
        .skip_debug(SECRET)
        .compile_fds(fds)?;
    Ok(())
}

/// The server's view: `ValidateRequest.token`, and `ValidateResponse.token` and `revision`, as bytes. On the wire an embedded
/// message, a string and a bytes field are the same thing (a length and that many bytes), so the server can read a token where
/// it lies, and send a `TokenInfo` that it encoded once per token and a revision that it wrote once per revision. Everybody
/// else sees messages and strings.
fn as_the_server_sees(mut fds: FileDescriptorSet) -> Result<FileDescriptorSet, Box<dyn Error>> {
    let as_bytes =
        [("ValidateRequest", "token"), ("ValidateResponse", "token"), ("ValidateResponse", "revision")];
    for (message, name) in as_bytes {
        let field = fds
            .file
            .iter_mut()
            .flat_map(|file| &mut file.message_type)
            .find(|known| known.name() == message)
            .and_then(|known| known.field.iter_mut().find(|field| field.name() == name))
            .ok_or("token.proto lacks a field of a message")?;
        field.set_type(Type::Bytes);
        field.type_name = None;
    }
    Ok(fds)
}

/// The server's view: each target of a `RevokeRequest` as a list. A decoder keeps the last of a oneof's fields and drops the
/// others without a word, so that a request with two targets would revoke one of them and be answered as if that were all.
/// On the wire both are the same, and a list shows how many there were. Everybody else sees the oneof.
fn with_countable_targets(mut fds: FileDescriptorSet) -> Result<FileDescriptorSet, Box<dyn Error>> {
    let message = fds
        .file
        .iter_mut()
        .flat_map(|file| &mut file.message_type)
        .find(|message| message.name() == "RevokeRequest")
        .ok_or("token.proto has no RevokeRequest")?;
    message.oneof_decl.clear();
    for field in message.field.iter_mut().filter(|field| field.oneof_index.is_some()) {
        field.oneof_index = None;
        field.set_label(Label::Repeated);
    }
    Ok(fds)
}
