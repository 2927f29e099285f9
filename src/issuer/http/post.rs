//! A posted form, as the token endpoint takes it (RFC 6749 section 3.2). Bounded as a fetch is (K6).

use reqwest::{
    StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use url::Url;

use super::{Bounds, HttpClient, HttpError, body, is_permitted};
use crate::{issuer::client::SignedForm, ops::trace};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// What came back, whatever the status. Without `Debug`: there may be tokens in it.
pub(in crate::issuer) struct Posted {
    pub(in crate::issuer) status: StatusCode,
    pub(in crate::issuer) bytes: Vec<u8>,
}

impl HttpClient {
    /// Posts a form.
    pub(in crate::issuer) async fn post(
        &self,
        url: &Url,
        bounds: Bounds,
        form: SignedForm,
    ) -> Result<Posted, HttpError> {
        if !is_permitted(url, bounds.allow_http) {
            return Err(HttpError::PlainHttp);
        }
        let exchange = self.exchange_form(url, bounds.max_bytes, form);
        tokio::time::timeout(bounds.timeout, exchange).await.unwrap_or(Err(HttpError::Timeout))
    }

    async fn exchange_form(
        &self,
        url: &Url,
        max_bytes: usize,
        form: SignedForm,
    ) -> Result<Posted, HttpError> {
        let mut request = self.client.post(url.clone()).header(ACCEPT, JSON).header(CONTENT_TYPE, FORM);
        if let Some(authorization) = form.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let mut trace_context = HeaderMap::new();
        trace::inject(&mut trace_context);
        let sent = request.headers(trace_context).body(form.body).send().await;
        let response = sent.map_err(|error| HttpError::Transport(error.without_url()))?;
        Ok(Posted { status: response.status(), bytes: body(response, max_bytes).await? })
    }
}
