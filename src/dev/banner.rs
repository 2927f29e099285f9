//! What `countersign dev` prints once it is ready: where everything is, and commands that work when pasted. Showing the
//! tokens is the point; they are good on this machine only and for as long as the process runs. Each is shown once, as a
//! shell variable that the commands use: a token fills a screen.

use super::DevTokens;

/// What there is to show.
#[expect(missing_debug_implementations, reason = "it holds tokens")]
pub struct Banner<'a> {
    /// This program, as it was invoked.
    pub program: &'a str,
    /// Where gRPC is served: `host:port`.
    pub address: &'a str,
    /// Where the admin port is: `host:port`.
    pub admin: &'a str,
    /// The development issuer.
    pub issuer: &'a str,
    /// Its client.
    pub client_id: &'a str,
    /// The client's secret.
    pub client_secret: &'a str,
    /// A first login.
    pub tokens: &'a DevTokens,
}

impl Banner<'_> {
    /// The whole text.
    pub fn text(&self) -> String {
        let parts = [self.summary(), self.shell(), self.python(), self.issuer_commands(), self.revoke()];
        parts.join("\n") + "\nStop with Ctrl-C.\n"
    }

    fn summary(&self) -> String {
        let Self { address, admin, issuer, client_id, client_secret, tokens, program: _ } = self;
        format!(
            "\
Countersign is ready, for development only.

  gRPC            {address}  (reflection is on)
  admin           http://{admin}/readyz  http://{admin}/metrics
  issuer          {issuer}
  client          {client_id}
  client secret   {client_secret}

Paste these first: an access token, good for five minutes, and a refresh token, good for one use.
  export TOKEN={}
  export REFRESH_TOKEN={}
",
            tokens.access_token, tokens.refresh_token
        )
    }

    fn shell(&self) -> String {
        let program = shell_word(self.program);
        let address = shell_word(self.address);
        format!(
            r#"Validate it:
  {program} validate --address {address} "$TOKEN"
  echo "$TOKEN" | {program} validate --address {address} -
Or with grpcurl (go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest):
  grpcurl -plaintext -d '{{"token":"'"$TOKEN"'"}}' {address} countersign.v1.TokenService/Validate
"#
        )
    }

    fn python(&self) -> String {
        let address = self.address;
        format!(
            r#"Validate it in Python, from the directory that holds proto/ (on Debian it needs python3-venv):
  python3 -m venv .venv && .venv/bin/pip install grpcio grpcio-tools
  mkdir -p gen
  .venv/bin/python -m grpc_tools.protoc -I proto --python_out=gen --grpc_python_out=gen proto/countersign/v1/*.proto
  PYTHONPATH=gen .venv/bin/python - <<'PY'
import os
import grpc
from countersign.v1 import token_pb2, token_pb2_grpc

with grpc.insecure_channel("{address}") as channel:
    service = token_pb2_grpc.TokenServiceStub(channel)
    response = service.Validate(token_pb2.ValidateRequest(token=os.environ["TOKEN"]), timeout=1)

# Ask which one it is: `if response.token:` is true for a rejection, too.
if response.WhichOneof("outcome") == "token":
    print("good:", response.token.subject)
else:
    print("refused:", response.rejection.message)
PY
"#
        )
    }

    fn issuer_commands(&self) -> String {
        let Self { issuer, .. } = self;
        format!(
            "\
Log in as somebody else, rotate the signing keys, withdraw the old ones at once:
  curl -s -d subject=alice -d 'scope=openid notes.read' -d algorithm=ES256 {issuer}/dev/login
  curl -s -X POST {issuer}/dev/rotate
  curl -s -X POST '{issuer}/dev/rotate?withdraw=now'
"
        )
    }

    fn revoke(&self) -> String {
        let program = shell_word(self.program);
        let address = shell_word(self.address);
        format!(
            r#"Exchange the refresh token; again, and the answer is the same. Then validate what it says:
  echo "$REFRESH_TOKEN" | {program} refresh --address {address} -
Revoke it, and everything else of its user ("alice" after the login above), and see it refused from then on:
  echo "$TOKEN" | {program} revoke --address {address} --token - --reason "pasted into a chat"
  {program} revoke --address {address} --subject alice --reason "left the company"
  {program} validate --address {address} "$TOKEN"
"#
        )
    }
}

/// A word for a POSIX shell, quoted only where it has to be.
fn shell_word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_shown_with_what_it_needs() {
        let tokens = DevTokens {
            access_token: "aaa.bbb.ccc".to_owned(),
            refresh_token: "rt_ddd".to_owned(),
            id_token: "eee.fff.ggg".to_owned(),
        };
        let text = Banner {
            program: "target/my build/countersign",
            address: "127.0.0.1:50051",
            admin: "127.0.0.1:9090",
            issuer: "http://127.0.0.1:8080",
            client_id: "dev-client",
            client_secret: "s3cret",
            tokens: &tokens,
        }
        .text();
        for line in [
            "  export TOKEN=aaa.bbb.ccc",
            "  export REFRESH_TOKEN=rt_ddd",
            r#"  'target/my build/countersign' validate --address 127.0.0.1:50051 "$TOKEN""#,
            r#"  echo "$TOKEN" | 'target/my build/countersign' validate --address 127.0.0.1:50051 -"#,
            r#"  echo "$TOKEN" | 'target/my build/countersign' revoke --address 127.0.0.1:50051 --token - --reason "pasted into a chat""#,
            r#"  'target/my build/countersign' revoke --address 127.0.0.1:50051 --subject alice --reason "left the company""#,
            r#"  grpcurl -plaintext -d '{"token":"'"$TOKEN"'"}' 127.0.0.1:50051 countersign.v1.TokenService/Validate"#,
            r#"if response.WhichOneof("outcome") == "token":"#,
            r#"  echo "$REFRESH_TOKEN" | 'target/my build/countersign' refresh --address 127.0.0.1:50051 -"#,
            "  curl -s -X POST http://127.0.0.1:8080/dev/rotate",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}\n\n{text}");
        }
        assert!(!text.contains("eee.fff.ggg"), "the ID token is no access token and not shown as one");
    }

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(shell_word("./target/debug/countersign"), "./target/debug/countersign");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
