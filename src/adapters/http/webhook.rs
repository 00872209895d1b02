//! Sending a message to a receiver: a body as it was signed, and nothing of the answer but its status
//! and how long it asks to wait.

use super::{Http, header, now, retry_after, root};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use std::time::Duration;

/// What a receiver answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// HTTP status.
    pub status: u16,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
}

impl Http {
    /// Posts JSON with these headers. The body of the answer is not read.
    ///
    /// # Errors
    /// A sentence, without the address, where no answer came.
    pub async fn post(
        &self,
        url: Url,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Receipt, String> {
        let mut request = self.client.post(url).header(CONTENT_TYPE, "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.map_err(|error| {
            if error.is_timeout() {
                "The receiver did not answer in time.".to_owned()
            } else if error.is_connect() {
                format!("No connection to the receiver: {}.", root(&error))
            } else {
                format!("The connection to the receiver broke: {}.", root(&error))
            }
        })?;
        let now = now(response.headers());
        let retry_after =
            header(response.headers(), &RETRY_AFTER).and_then(|text| retry_after::parse(text, now));
        Ok(Receipt { status: response.status().as_u16(), retry_after })
    }
}
