//! The way in for `fuzz/`: bytes that a caller sent, up to the question.

use prost::Message as _;

use super::{super::codec, question};
use crate::proto::server::{BatchValidateRequest, ValidateRequest};

/// What the codec promises: more fields are not decoded.
const MOST_FIELDS: usize = 2048;

/// Reads the bytes as a request of both methods.
///
/// # Panics
///
/// If a request says something else once it is written and read again, or a batch is larger than the codec lets through.
pub fn request(bytes: &[u8]) {
    if let Ok(request) = codec::read::<ValidateRequest>(bytes) {
        ask(&request);
    }
    if let Ok(batch) = codec::read::<BatchValidateRequest>(bytes) {
        assert!(batch.requests.len() <= MOST_FIELDS, "a batch of {} was decoded", batch.requests.len());
        batch.requests.iter().for_each(ask);
    }
}

fn ask(request: &ValidateRequest) {
    let again = codec::read::<ValidateRequest>(request.encode_to_vec().as_slice());
    // A re-encoded request may have more fields than the codec reads, where an unpacked list was an empty one.
    assert!(again.is_ok_and(|again| again == *request), "written and read again, it is another request");
    let Ok(question) = question::read(request) else { return };
    assert_eq!(question.token, request.token);
    assert_eq!(question.max_staleness.is_some(), request.max_staleness.is_some());
    let shown = request.context.as_ref().is_some_and(|context| !context.client_certificate_sha256.is_empty());
    assert_eq!(question.requirements.presented.certificate.is_some(), shown, "a certificate got lost");
}
