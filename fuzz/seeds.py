#!/usr/bin/env python3
"""Writes the seeds of fuzz/corpus, and fuzz/fixed: keys, and what was signed with them.

Not part of any build. Needs the package `cryptography`, and draws new keys each time; the private ones are never written
anywhere. What a fuzzer found (corpus files whose names begin with `found-`) stays.
"""

import base64
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HERE = pathlib.Path(__file__).parent
NOW = 1_800_000_000
ISSUER, SHARED, AUDIENCE = "https://issuer.example", "https://shared.example", "https://api.example"
# As in src/fuzzing/fixed.rs.
SECRET = b"a-made-up-secret-that-protects-nothing-and-is-long-enough-for-HS512"
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def b64(data):
    if not isinstance(data, bytes):
        data = json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def write(target, seeds):
    directory = HERE / "corpus" / target
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.iterdir():
        if not old.name.startswith("found-"):
            old.unlink()
    for name, data in seeds.items():
        if not isinstance(data, (bytes, str)):
            data = json.dumps(data)
        (directory / name).write_bytes(data if isinstance(data, bytes) else data.encode())


# Keys.

RSA = rsa.generate_private_key(65537, 2048)
EC = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
EC = {name: ec.generate_private_key(curve) for name, curve in EC.items()}
ED = ed25519.Ed25519PrivateKey.generate()


def ec_jwk(name):
    key = EC[name]
    length, numbers = (key.key_size + 7) // 8, key.public_key().public_numbers()
    curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[name]
    return {"kty": "EC", "crv": curve, "x": number(numbers.x, length), "y": number(numbers.y, length)}


def jwks():
    numbers = RSA.public_key().public_numbers()
    keys = [{"kty": "RSA", "kid": "rsa", "use": "sig", "n": number(numbers.n), "e": number(numbers.e)}]
    keys += [{"kid": name.lower(), "use": "sig", "alg": name, **ec_jwk(name)} for name in EC]
    return keys + [{"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": b64(ED.public_key().public_bytes_raw())}]


# Tokens.


def signature(algorithm, data):
    kind, digest = algorithm[:2], HASHES.get(algorithm[2:])
    if kind == "HS":
        return hmac.new(SECRET, data, "sha" + algorithm[2:]).digest()
    if kind == "RS":
        return RSA.sign(data, padding.PKCS1v15(), digest)
    if kind == "PS":
        return RSA.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    if kind == "ES":
        key = EC[algorithm]
        length = (key.key_size + 7) // 8
        return b"".join(part.to_bytes(length, "big") for part in decode_dss_signature(key.sign(data, ec.ECDSA(digest))))
    return ED.sign(data)


def claims(issuer=ISSUER, **more):
    base = {"iss": issuer, "sub": "user-1", "aud": AUDIENCE, "exp": NOW + 600, "iat": NOW - 600, "client_id": "web"}
    return {**base, "jti": "1", **more}


def id_claims(issuer):
    plain = claims(issuer, nonce="n", at_hash="h", azp="web")
    return {name: value for name, value in plain.items() if name not in ("client_id", "jti")}


SIGNED = []


def token(header, payload):
    head = f"{b64(header)}.{b64(payload)}"
    SIGNED.append(head)
    return f"{head}.{b64(signature(header['alg'], head.encode()))}"


def tokens():
    kids = {"RS": "rsa", "PS": "rsa", "Ed": "ed"}
    seeds = {}
    for name in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]:
        header = {"alg": name, "kid": kids.get(name[:2], name.lower()), "typ": "at+jwt"}
        seeds[name] = token(header, claims(scope="openid orders:read"))
    for name in ["HS256", "HS384", "HS512"]:
        seeds[name] = token({"alg": name, "typ": "at+jwt"}, claims(SHARED, scope="openid"))
    good = seeds["ES256"]
    head, payload, mark = good.split(".")
    plain = {"alg": "ES256", "kid": "es256", "typ": "at+jwt"}
    seeds["no-kid"] = token({"alg": "EdDSA", "typ": "at+jwt"}, claims())
    seeds["id-token"] = token({**plain, "typ": "JWT"}, id_claims(ISSUER))
    seeds["expired"] = token(plain, claims(exp=NOW - 7200, iat=NOW - 9000))
    seeds["early"] = token(plain, claims(nbf=NOW + 7200, iat=NOW + 7200, exp=NOW + 9000))
    seeds["audiences"] = token(plain, claims(aud=["other", AUDIENCE], roles=["a", "b"], permissions=["c"]))
    seeds["bound"] = token(plain, claims(cnf={"x5t#S256": b64(hashlib.sha256(b"certificate").digest())}))
    seeds["other-issuer"] = token(plain, claims("https://evil.example"))
    seeds["none"] = f"{b64({'alg': 'none', 'typ': 'at+jwt'})}.{payload}."
    seeds["none-signed"] = f"{b64({'alg': 'None', 'typ': 'at+jwt'})}.{payload}.{mark}"
    # The public key as a shared secret.
    confused = f"{b64({'alg': 'HS256', 'kid': 'es256', 'typ': 'at+jwt'})}.{payload}"
    key = EC["ES256"].public_key().public_numbers()
    mac = hmac.new(key.x.to_bytes(32, "big") + key.y.to_bytes(32, "big"), confused.encode(), "sha256").digest()
    seeds["confused"] = f"{confused}.{b64(mac)}"
    # Psychic signatures: r and s zero, and a signature of the right length that is none.
    seeds["zero-signature"] = f"{head}.{payload}.{b64(bytes(64))}"
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    seeds["order-signature"] = f"{head}.{payload}.{b64(order.to_bytes(32, 'big') * 2)}"
    raw = base64.urlsafe_b64decode(mark + "==")
    s = (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    seeds["other-s"] = f"{head}.{payload}.{b64(raw[:32] + s)}"
    seeds["other-payload"] = f"{head}.{b64(claims(sub='admin'))}.{mark}"
    seeds["short-signature"] = f"{head}.{payload}.{mark[:-4]}"
    seeds["padded"] = f"{head}.{payload}.{mark}=="
    seeds["two-parts"] = f"{head}.{payload}"
    seeds["four-parts"] = f"{good}."
    seeds["jwe"] = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"
    seeds["embedded-key"] = f"{b64({**plain, 'jwk': ec_jwk('ES256'), 'jku': 'https://evil.example'})}.{payload}.{mark}"
    seeds["crit"] = f"{b64({**plain, 'crit': ['b64'], 'b64': False})}.{payload}.{mark}"
    twice = b64(b'{"alg":"ES256","alg":"none"}')
    seeds["twice"] = f"{twice}.{payload}.{mark}"
    seeds["deep"] = f"{head}.{b64(b'[' * 300)}.{mark}"
    seeds["bearer"] = f"Bearer {good}"
    return seeds


def signed_claims():
    header = {"alg": "HS256", "typ": "at+jwt"}
    good = claims(SHARED, scope="openid")

    def case(payload, head=header):
        return b"\n".join(part if isinstance(part, bytes) else json.dumps(part).encode() for part in (head, payload))

    return {
        "access": case(good),
        "id": case(id_claims(SHARED), {"alg": "HS256", "typ": "JWT"}),
        "media-type": case(good, {"alg": "HS256", "typ": "application/AT+JWT", "kid": "k"}),
        "lists": case({**good, "aud": [AUDIENCE, "b"], "scp": ["a", "b"], "roles": ["r"], "permissions": ["p"]}),
        "all": case({**good, "sid": "s", "org_id": "o", "azp": "web", "nbf": NOW - 600, "auth_time": NOW - 700}),
        "fractions": case(b'{"iss":"%s","sub":"s","aud":"%s","exp":1.8e9,"iat":1799999999.999}'
                          % (SHARED.encode(), AUDIENCE.encode())),
        "huge-times": case({**good, "exp": 253402300799, "iat": 253402300799}),
        "negative": case({**good, "exp": -1}),
        "text-times": case({**good, "exp": str(NOW + 600)}),
        "no-times": case({"iss": SHARED, "sub": "s", "aud": AUDIENCE}),
        "bound": case({**good, "cnf": {"x5t#S256": b64(hashlib.sha256(b"certificate").digest())}}),
        "bound-dpop": case({**good, "cnf": {"jkt": b64(hashlib.sha256(b"key").digest())}}),
        "null-cnf": case({**good, "cnf": None}),
        "odd-cnf": case({**good, "cnf": [1]}),
        "nested": case({**good, "realm_access": {"roles": ["a"]}, "resource_access": {"web": {"roles": ["b"]}}}),
        "escapes": case(b'{"\\u0069ss":"https:\\/\\/shared.example","sub":"\\ud83d\\ude00","aud":"%s","exp":%d,"iat":%d}'
                        % (AUDIENCE.encode(), NOW + 60, NOW)),
        "twice": case(b'{"iss":"%s","iss":"b"}' % SHARED.encode()),
        "lone-surrogate": case(b'{"iss":"\\ud800"}'),
        "big-number": case(b'{"iss":"%s","exp":1e999}' % SHARED.encode()),
        "long-number": case(b'{"a":' + b"9" * 400 + b"}"),
        "deep": case(b'{"a":' * 40 + b"1" + b"}" * 40),
        "wide": case({**good, **{f"m{at}": at for at in range(200)}}),
        "not-object": case([1]),
        "crit": case(good, {**header, "crit": ["exp"]}),
        "numeric-alg": case(good, {"alg": 1}),
        "nul": case({**good, "sub": "a\x00b"}),
    }


# Documents.


def key_sets(keys):
    by = {key["kid"]: key for key in keys}
    tenant = "https://login.example/{tenantid}/v2.0"
    certificate = {"x5c": ["MIIBmade-up"], "x5t": "bWFkZS11cA"}
    return {
        "all": {"keys": keys},
        "one": {"keys": [by["rsa"]]},
        "none": {"keys": []},
        "not-a-set": {"key": []},
        "keys-no-list": {"keys": {}},
        "auth0": {"keys": [{**by["rsa"], "alg": "RS256", **certificate}]},
        "okta": {"keys": [{"kty": "RSA", "alg": "RS256", "kid": "o", "use": "sig", "e": "AQAB", "n": by["rsa"]["n"]}]},
        "keycloak": {"keys": [{**by["rsa"], "alg": "RS256", **certificate},
                              {**by["rsa"], "kid": "enc", "use": "enc", "alg": "RSA-OAEP"}]},
        "entra": {"keys": [{**by["rsa"], "issuer": tenant, **certificate},
                           {**by["rsa"], "kid": "b", "issuer": "https://issuer.example"}]},
        "entra-tenant": {"keys": [{**by["es256"], "issuer": "https://{tenantid}"}]},
        "cognito": {"keys": [{**by["rsa"], "alg": "RS256"}, {**by["rsa"], "alg": "RS256", "kid": "second"}]},
        "supabase": {"keys": [{**by["es256"], "ext": True, "key_ops": ["verify"]}]},
        "hydra": {"keys": [{**by["ed"], "alg": "EdDSA", "use": "sig"}]},
        "no-kid": {"keys": [{name: value for name, value in by["es384"].items() if name != "kid"}]},
        "same-kid": {"keys": [by["es256"], {**by["es384"], "kid": "es256"}]},
        "shared": {"keys": [{"kty": "oct", "kid": "s", "k": "bWFkZS11cA"}, by["ed"]]},
        "private": {"keys": [{**by["es256"], "d": "bWFkZS11cA"}, by["ed"]]},
        "good-and-bad": {"keys": [by["rsa"], {**by["es256"], "x": "!"}, by["ed"], {"kty": "EC"}, by["es512"]]},
        "off-curve": {"keys": [{**by["es256"], "y": by["es256"]["x"]}]},
        "short-point": {"keys": [{**by["es256"], "x": "AAAA"}]},
        "point-at-zero": {"keys": [{**by["es256"], "x": b64(bytes(32)), "y": b64(bytes(32))}]},
        "short-rsa": {"keys": [{**by["rsa"], "n": by["rsa"]["n"][:86]}]},
        "even-exponent": {"keys": [{**by["rsa"], "e": "Ag"}]},
        "one-exponent": {"keys": [{**by["rsa"], "e": "AQ"}]},
        "zeros-before": {"keys": [{**by["rsa"], "n": "AAAA" + by["rsa"]["n"]}]},
        "empty-numbers": {"keys": [{"kty": "RSA", "n": "", "e": ""}, {"kty": "OKP", "crv": "Ed25519", "x": ""}]},
        "other-curve": {"keys": [{**by["es256"], "crv": "secp256k1"}, {**by["ed"], "crv": "X25519"}]},
        "other-type": {"keys": [{"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}, 7, None, "key", [by["ed"]]]},
        "alg-of-other-type": {"keys": [{**by["es256"], "alg": "RS256"}, {**by["rsa"], "alg": "HS256"}]},
        "operations": {"keys": [{**by["es256"], "key_ops": ["sign"]}, {**by["ed"], "key_ops": "verify"}]},
        "line-break-kid": {"keys": [{**by["es256"], "kid": "a\nb\u001b[31m", "x": "!"}]},
        "twice": '{"keys":[],"keys":[{}]}',
        "many": {"keys": [{"kid": str(at)} for at in range(101)]},
        "truncated": json.dumps({"keys": [by["rsa"]]})[:200],
    }


def discoveries():
    plain = {
        "issuer": ISSUER,
        "jwks_uri": f"{ISSUER}/keys",
        "token_endpoint": f"{ISSUER}/token",
        "authorization_endpoint": f"{ISSUER}/authorize",
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
    }
    tenant = "https://login.example/11111111-2222-3333-4444-555555555555/v2.0"
    return {
        "plain": plain,
        "least": {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"},
        "auth0": {**plain, "issuer": f"{ISSUER}/", "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
                  "mfa_challenge_endpoint": f"{ISSUER}/mfa/challenge"},
        "entra": {**plain, "issuer": tenant, "cloud_instance_name": "example", "tenant_region_scope": None},
        "entra-common": {**plain, "issuer": "https://login.example/{tenantid}/v2.0"},
        "keycloak": {**plain, "mtls_endpoint_aliases": {"token_endpoint": f"{ISSUER}/mtls/token"}, "x": [[], {}]},
        "cognito": {**plain, "end_session_endpoint": f"{ISSUER}/logout"},
        "http": {**plain, "jwks_uri": "http://issuer.example/keys"},
        "http-loopback": {**plain, "jwks_uri": "http://127.0.0.1:8080/keys"},
        "http-loopback-6": {**plain, "jwks_uri": "http://[::1]:8080/keys"},
        "http-mapped": {**plain, "jwks_uri": "http://[::ffff:127.0.0.1]/keys"},
        "http-localhost": {**plain, "jwks_uri": "http://localhost/keys"},
        "http-like-localhost": {**plain, "jwks_uri": "http://localhost.evil.example/keys"},
        "http-user": {**plain, "jwks_uri": "http://localhost@evil.example/keys"},
        "http-number": {**plain, "jwks_uri": "http://2130706433/keys"},
        "file": {**plain, "jwks_uri": "file:///etc/passwd"},
        "relative": {**plain, "jwks_uri": "/keys"},
        "idna": {**plain, "jwks_uri": "https://b\u00fccher.example/k\u00e9ys?\u2028"},
        "no-host": {**plain, "jwks_uri": "https://"},
        "wrong-types": {"issuer": 1, "jwks_uri": [], "token_endpoint": {}, "id_token_signing_alg_values_supported": "x"},
        "mixed-list": {**plain, "id_token_signing_alg_values_supported": ["RS256", 1, None]},
        "twice": '{"issuer":"https://issuer.example","issuer":"https://evil.example"}',
        "escaped-twice": '{"issuer":"a","\\u0069ssuer":"b"}',
        "not-an-object": "[]",
        "html": "<!doctype html><title>Log in</title>",
        "bom": b"\xef\xbb\xbf" + json.dumps(plain).encode(),
        "deep": '{"a":' * 200 + "1" + "}" * 200,
        "truncated": json.dumps(plain)[:100],
    }


def configurations():
    issuer = "issuers:\n  - issuer: https://a.example\n    audiences: [api]\n"
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 10)}]\n" for at in range(1, 3))
    root = HERE.parent
    pages = (root / "docs/providers.md").read_text().split("```yaml\n")[1:]
    seeds = {f"provider-{at:02}": page.split("```")[0] for at, page in enumerate(pages)}
    seeds |= {f"example-{path.stem}": path.read_text() for path in root.glob("examples/*.yaml")}
    tests = (root / "src/config/tests.rs").read_text()
    seeds["full"] = tests.split('const FULL: &str = "')[1].split('";')[0].replace('\\"', '"')
    return seeds | {
        "least": issuer,
        "empty": "",
        "comment": "# nothing\n",
        "null": "~\n",
        "list": "- a\n",
        "shared": f"{issuer}    secret: {{env: SHARED}}\n    algorithms: [HS256]\n",
        "written-secret": f"{issuer}    secret: made-up\n",
        "no-such-variable": f"{issuer}    secret: {{env: NOT_THERE}}\n",
        "no-such-file": f"{issuer}    secret: {{file: not-there}}\n",
        "short-secret": f"{issuer}    secret: {{env: SHARED, encoding: base64}}\n",
        "unknown-key": f"{issuer}    audience: x\nlimit: 1\n",
        "twice": "listen: a\nlisten: b\n",
        "escapes": issuer + '    name: "a\\nb\\u001b[31m\\0"\n',
        "escaped-key": '"a\\nb\\x1b": 1\n',
        "anchors": "a: &a {b: 1}\nc: *a\nd: {<<: *a}\n",
        "bomb": bomb,
        "deep-flow": "a: " + "[" * 200 + "]" * 200,
        "deep-block": "".join(" " * at + "a:\n" for at in range(100)),
        "unclosed": "a: [1, {b: 'c\n",
        "tag": "a: !!binary aGk=\nb: !secret x\n",
        "two-documents": issuer + "---\n" + issuer,
        "tab": "a:\n\tb: 1\n",
        "complex-key": "? {a: 1}\n: 2\n",
        "block-text": "a: |+2\n    text\n\nb: >-\n  folded\n  text\n",
        "numbers": "limits: {max_token_bytes: 0x10, max_concurrent: 1e3, drain: -1s}\n",
        "units": issuer + "cache: {max_bytes: 99999999999999999999GiB, max_age: 9999999999999999999d}\n",
        "fractions": issuer + "telemetry: {otlp_endpoint: 'http://127.0.0.1:1', sample_ratio: .nan}\n",
        "order": issuer + "    keys: {refresh_after: 1s, max_age: 1s, min_refetch: 1s}\n",
        "addresses": issuer + "listen: ['[::1]:1', 'unix:/a', 'unix:', ':1', '1.2.3.4:99999', 'a b']\n",
        "same-names": issuer + "  - issuer: https://a.example\n    audiences: []\n",
        "claims": issuer + "    claims: {roles: ['/a/~1b', '/'], scopes: ''}\n    required_claims: [[a, b], c, '']\n",
        "kinds": issuer + "    kinds: {access: {typ: [JWT, ''], require: [[a, b]], stated: x}, id: off}\n",
        "bom": b"\xef\xbb\xbf" + issuer.encode(),
        "not-utf-8": b"a: \xff\n",
        "line-separators": "a: b\u2028c: d\u0085e: f\n",
    }


# Messages.


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def field(at, value):
    if isinstance(value, int):
        return varint(at << 3) + varint(value & (2**64 - 1))
    value = value.encode() if isinstance(value, str) else value
    return varint(at << 3 | 2) + varint(len(value)) + value


def requests(good):
    context = field(5, "DPoP") + field(4, b64(hashlib.sha256(b"certificate").digest()))
    plain = field(1, good)
    full = plain + b"".join(field(at, "x") for at in (2, 2, 3, 4, 5)) + field(6, ISSUER) + field(7, 2)
    full += field(8, context) + field(9, "r1") + field(10, field(1, 5) + field(2, 7)) + field(11, 1)
    return {
        "empty": b"",
        "plain": plain,
        "full": full,
        "batch": field(1, plain) * 3 + field(2, 1),
        "batch-full": field(1, full) + field(1, b"") + field(1, plain),
        "batch-of-empty": field(1, b"") * 1000,
        "batch-too-many": field(1, b"") * 2049,
        "unknown-kind": plain + field(7, 99),
        "negative-kind": plain + field(7, -1),
        "negative-staleness": plain + field(10, field(1, -(2**63)) + field(2, -(2**31))),
        "long-nanos": plain + field(10, field(1, 1) + field(2, 1_000_000_000)),
        "hex-certificate": field(8, field(4, hashlib.sha256(b"certificate").hexdigest())),
        "short-certificate": field(8, field(4, "AAAA")),
        "unknown-scheme": field(8, field(5, "Basic")),
        "unknown-fields": field(99, "x") + varint(98 << 3) + varint(2**64 - 1) + varint(97 << 3 | 5) + bytes(4),
        "unknown-group": varint(99 << 3 | 3) + field(1, 7) + varint(99 << 3 | 4) + plain,
        "open-group": varint(99 << 3 | 3) * 50,
        "end-of-no-group": varint(99 << 3 | 4),
        "not-utf-8": field(1, b"\xff\xfe"),
        "cut": full[:-3],
        "length-too-long": b"\x0a\xff\xff\xff\xff\x0f",
        "endless-varint": b"\x38" + b"\xff" * 11,
        "field-zero": b"\x02\x00",
        "context-twice": field(8, field(5, "DPoP")) + field(8, field(4, "x")),
        "scalar-as-list": field(1, 5),
        "nested-deep": field(8, field(8, field(8, field(8, b"")))),
    }


def check(headers, extensions=(), source=b"", **http):
    """A `CheckRequest` as Envoy writes it."""

    def entry(name, value):
        return field(1, name) + field(2, value)

    plain = {"id": "1", "method": "GET", "path": "/orders?page=2", "host": "shop.example", "scheme": "https"}
    numbers = {"id": 1, "method": 2, "path": 4, "host": 5, "scheme": 6, "protocol": 10, "header_map": 13}
    inner = b"".join(field(numbers[name], value) for name, value in {**plain, **http}.items())
    inner += b"".join(field(3, entry(name, value)) for name, value in headers)
    peer = field(1, field(1, field(2, "10.0.0.7") + field(3, 51234)))
    attributes = field(1, peer + source) + field(2, peer)
    attributes += field(4, field(1, field(1, NOW)) + field(2, inner))
    attributes += b"".join(field(10, entry(name, value)) for name, value in extensions)
    return field(1, attributes + field(11, b"") + field(13, b""))


def checks(good):
    bearer = [("authorization", f"Bearer {good}")]
    page = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]
    preflight = [("origin", "https://a.example"), ("access-control-request-method", "PUT")]
    header_map = field(1, field(1, "authorization") + field(3, f"Bearer {good}"))
    header_map += field(1, field(1, "x-api-token") + field(3, b"\xff"))
    policy = {
        "issuer": ISSUER, "audiences": AUDIENCE, "required_scopes": "a,b c", "required_roles": "r",
        "required_permissions": "p:1", "kind": "access", "optional": "false", "preflight": "true",
        "sources": "authorization header:x-api-token query:access_token",
    }.items()
    plain = check(bearer)
    return {
        "empty": b"",
        "no-request": field(1, b""),
        "no-http": field(1, field(4, b"")),
        "plain": plain,
        "browser": check(bearer + [(name, "something") for name in (
            ":authority", ":method", ":path", ":scheme", "accept", "accept-encoding", "accept-language", "referer",
            "user-agent", "x-forwarded-proto", "x-request-id", "x-auth-subject")], [("required_scopes", "a")]),
        "policy": check(bearer, policy),
        "misspelt": check(bearer, [("optoinal\n", "true")]),
        "word-twice": check(bearer, [("optional", "true"), ("optional", "false")]),
        "optional": check([], [("optional", "true")]),
        "optional-empty-bearer": check([("authorization", "Bearer")], [("optional", "true")]),
        "other-scheme": check([("authorization", "Basic YTpi")], [("optional", "true")]),
        "other-scheme-and-bearer": check([("authorization", f"Basic YTpi, Bearer {good}")]),
        "same-twice": check([("authorization", f"Bearer {good},bearer  {good}")]),
        "two": check([("authorization", "Bearer a,Bearer b")]),
        "dpop": check([("authorization", "DPoP a")]),
        "tab": check([("authorization", "Bearer\ta")], [("optional", "true")]),
        "two-places": check(bearer + [("x-api-token", good)], path="/?access_token=a&access%5Ftoken=b#?access_token=c"),
        "query": check([], path="/a?b=c&access_token=d"),
        "navigation": check(page, path="/a?b=c&access_token=d&access%5ftoken=e"),
        "navigation-elsewhere": check(page, path="//evil.example/\\@evil.example", host="shop.example:8443"),
        "navigation-odd-host": check(page, path="/a", host="a@evil.example/b?c#d"),
        "navigation-odd-scheme": check(page, path="/a", scheme="javascript"),
        "accepts-html": check([("accept", "text/html,*/*;q=0.8")]),
        "preflight": check(preflight, [("preflight", "true")], method="OPTIONS"),
        "grpc": check([("content-type", "application/grpc+proto")], method="POST"),
        "raw-headers": check([], header_map=header_map),
        "certificate": check(bearer, source=field(5, "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----")),
        "not-utf-8": check([("authorization", b"Bearer \xff\xfe")], [(b"\xff", b"\xfe")], method=b"\xff"),
        "upper-case": check([("Authorization", "BEARER a")]),
        "too-many": check([("a", "")] * 2001),
        "request-twice": field(1, field(4, field(2, b""))) * 2,
        "header-as-number": field(1, field(4, field(2, field(3, 1)))),
        "unknown-fields": plain + field(99, "x") + varint(98 << 3 | 5) + bytes(4) + varint(97 << 3 | 1) + bytes(8),
        "group": varint(99 << 3 | 3) + varint(99 << 3 | 4) + plain,
        "cut": plain[:-3],
        "endless-varint": b"\x0a" + b"\xff" * 11,
    }


def main():
    token_seeds = tokens()
    key_list = jwks()
    fixed = HERE / "fixed"
    fixed.mkdir(exist_ok=True)
    (fixed / "jwks.json").write_text(json.dumps({"keys": key_list}, indent=2) + "\n")
    (fixed / "signed.txt").write_text("\n".join(SIGNED) + "\n")
    write("token", token_seeds)
    write("claims", signed_claims())
    write("jwks", key_sets(key_list))
    write("discovery", discoveries())
    write("config", configurations())
    write("request", requests(token_seeds["ES256"]))
    write("check", checks(token_seeds["ES256"]))


main()
